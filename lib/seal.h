/* SPDX-License-Identifier: MIT */
/* Short-lived secrets that have to be kept on disk, sealed under a long-lived one that is not: AES-256-GCM (NIST SP 800-38D) with
 * a key derived by HKDF-SHA-256 (RFC 5869) from the long-lived secret and a random salt. Only who has that one can open it. */
#ifndef DEWY_SEAL_H
#define DEWY_SEAL_H

/* Returns text sealed under secret, as base64 of salt, nonce, tag and ciphertext; the caller frees it. */
char *seal(const char *text, const char *secret);

/* Returns what seal was given, which the caller frees; NULL when sealed is damaged or was sealed under another secret. */
char *unseal(const char *sealed, const char *secret);

#endif

/* SPDX-License-Identifier: MIT */
/* Cyclic redundancy checks of 32 or 64 bits that are reflected, begin with all bits set and end inverted (the model of Ross
 * Williams, A Painless Guide to CRC Error Detection Algorithms): they find what a transfer damaged, not what somebody forged. */
#ifndef DEWY_CRC_H
#define DEWY_CRC_H

#include <stddef.h>
#include <stdint.h>

/* The polynomials, with the term of the highest power in the lowest bit. */
#define CRC32 UINT64_C(0xedb88320)            /* ISO/IEC/IEEE 8802-3; gzip */
#define CRC32C UINT64_C(0x82f63b78)           /* RFC 9260, appendix A */
#define CRC64NVME UINT64_C(0x9a6c9329ac4bc9b5) /* NVM Express NVM Command Set Specification 1.0, 5.2.1.3.4 */

struct crc {
	uint64_t table[256]; /* what each byte does */
	uint64_t ones, value;
};

void crc_begin(struct crc *crc, uint64_t polynomial, unsigned bits);

void crc_add(struct crc *crc, const void *bytes, size_t length);

/* Returns the check of all that was added. */
uint64_t crc_end(const struct crc *crc);

#endif

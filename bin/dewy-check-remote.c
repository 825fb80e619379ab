/* SPDX-License-Identifier: MIT */
#include "check/check.h"

#include <openssl/crypto.h>

int main(int argc, char **argv)
{
	OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL); /* to free all that it has takes time, and the kernel does that anyway */
	return stage_main(&check_stage, argc, argv);
}

/* SPDX-License-Identifier: MIT */
/* sign METHOD URL BODY [HEADER...]: makes a request signed for S3 in us-east-1 with the key of AWS's examples. */
#include "credentials/aws.h"
#include "error.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	static char key_id[] = "AKIAIOSFODNN7EXAMPLE", secret[] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
	const struct aws_credential credential = {.key_id = key_id, .secret = secret};
	AUTO_AWS_SIGNING struct aws_signing signing = {0};
	AUTO_RESPONSE struct http_response response = {0};
	AUTO_HTTP struct http *http = http_open(NULL);
	struct http_request request = {.limit = 4096, .timeout_ms = 20000};
	struct error error;

	if (argc < 4)
		return 2;
	request.method = argv[1];
	request.url = argv[2];
	request.body = *argv[3] ? argv[3] : NULL;
	request.body_length = strlen(argv[3]);
	for (int i = 4; i < argc; i++)
		words_add(&signing.headers, argv[i]);
	aws_sign(&request, &credential, "us-east-1", "s3", &signing);
	if (http_exchange(http, &request, &response, &error) == 0)
		return 0;
	fprintf(stderr, "%s\n", error.message);
	return 1;
}

/* SPDX-License-Identifier: MIT */
#include "secrets.h"

#include <stddef.h>

const char *const secret_variables[] = {
	"DEWY_*",
	"GH_TOKEN*",
	"GITHUB_TOKEN*",
	"GITHUB_APP_*",
	"SLACK_TOKEN*",
	"MAIL_USERNAME*",
	"MAIL_PASSWORD*",
	"WEBHOOK_SECRET*",
	"AWS_ACCESS_KEY_ID*",
	"AWS_SECRET_ACCESS_KEY*",
	"AWS_SESSION_TOKEN*",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN",
	"GOOGLE_APPLICATION_CREDENTIALS",
	"CREDENTIALS_DIRECTORY",
	NULL,
};

/* SPDX-License-Identifier: MIT */
/* The colour of a host, by which people tell the machines of a channel apart at a glance. */
#ifndef DEWY_NOTIFY_SLACK_COLOUR_H
#define DEWY_NOTIFY_SLACK_COLOUR_H

#define SLACK_COLOUR 8 /* bytes of #RRGGBB and its end */

/* Writes the colour of a host as #RRGGBB: always the same for the same name, and never one that could be taken for red, which
 * means that something failed. Returns text. */
const char *slack_colour(const char *host, char text[SLACK_COLOUR]);

#endif

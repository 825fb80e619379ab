/* SPDX-License-Identifier: MIT */
/* Who or what had something done. Found out when it is to be written down, and not before. */
#ifndef DEWY_ACTOR_H
#define DEWY_ACTOR_H

#include "json.h"

/* Returns {"uid":0,"user":"root","host":"web-1","by":"timer","login":"alice"}, which the caller deletes. user is the name of uid in
 * passwd(5), and missing when it is not there: nobody else is asked, who might not answer. login is who logged in, by the kernel's
 * login uid (proc_pid_loginuid(5)) or else by SUDO_USER or DOAS_USER; missing when neither tells. by is the first of these that
 * holds:
 *   watch    this process, or one that it descends from, is dewy watch, server or assets
 *   person   it has a controlling terminal
 *   cron     it descends from a cron
 *   timer    TRIGGER_UNIT (systemd.exec(5), since systemd 252) names a timer
 *   person   somebody has logged in, or SSH_CONNECTION, SUDO_UID, DOAS_USER or PKEXEC_UID says so
 *   service  INVOCATION_ID (systemd.exec(5)) is set
 *   other    nothing tells */
cJSON *actor_describe(void);

#endif

/* SPDX-License-Identifier: MIT */
/* One event a line on standard error. Text: TIME LEVEL: MESSAGE key="value" ...; JSON: an object with time, level, msg and
 * the keys. Values are escaped, so that nothing that comes from outside can forge a line, and secrets are taken out (redact.h).
 * A line has at most 4096 bytes: of texts that are too long for it, the middle is left out. When standard error is the journal,
 * each line begins with its priority, <3> for an error, <4>, <6>, or <7> (sd-daemon(3)). */
#ifndef DEWY_LOG_H
#define DEWY_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

/* Sets what is printed from here on; before the first call: INFO and above, as text. */
void log_configure(enum log_level lowest, enum log_format format);

/* Returns 1 when events of that level are printed. */
int log_enabled(enum log_level level);

/* To be called when standard error has become another file. */
void log_moved(void);

/* Prints a sentence for whoever called, in the text form without time and level, whatever is printed of events. */
void log_sentence(enum log_level level, const char *sentence);

/* Prints an event. After the message come pairs of key and value, both texts, and a NULL; a pair whose value is NULL is left out.
 * Use log_event, which adds the NULL. Returns 0, also when events of that level are not printed; or -1 with errno when it could
 * not be written, also when standard error took nothing for a second; then, until it does again, nothing waits for it. */
int log_pairs(enum log_level level, const char *message, ...) __attribute__((sentinel));

#define log_event(level, ...) log_pairs(level, __VA_ARGS__, (char *)0)
#define log_debug(...) log_event(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_event(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_event(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_event(LOG_ERROR, __VA_ARGS__)

#endif

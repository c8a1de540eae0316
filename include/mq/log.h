/*
 * The program's own log: one line an event on standard error.
 *
 *   2025-11-03T12:00:00.123Z INFO  runner[worker 3] job=42 kind=export.report: succeeded in 0.4 s
 *
 * Never log payloads, keys or personal data: identify by job id, kind and path.
 * On standard error of systemd (JOURNAL_STREAM set) the time is left out and the priority prefix
 * <N> is written.
 */
#ifndef MQ_LOG_H
#define MQ_LOG_H

#include <mq/cleanup.h>
#include <stdbool.h>

enum mq_log_level { MQ_LOG_DEBUG, MQ_LOG_INFO, MQ_LOG_WARNING, MQ_LOG_ERROR, MQ_LOG_LEVEL_COUNT };

/* Accepts debug, info, warning (warn), error, critical in any case, as the application writes them.
 */
bool mq_log_level_parse(const char *text, enum mq_log_level *ret_level);
const char *mq_log_level_name(enum mq_log_level level);

void mq_log_set_level(enum mq_log_level level);

/* Who writes: "supervisor", "keeper", "worker 3". Copied; set once after each fork. */
void mq_log_set_role(const char *role);

/* Tests: lines go to fd instead of standard error. */
void mq_log_set_fd(int fd);

/*
 * One line; control characters in the text are escaped. One write(2), so lines of several processes
 * do not mix. What a paused reader does not take within a second is left out; the next line that is
 * taken tells how many are missing.
 */
void mq_log(enum mq_log_level level, const char *module, const char *fmt, ...) MQ_PRINTF(3, 4);

#endif

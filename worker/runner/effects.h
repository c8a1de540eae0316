/* Statements that commit together with the settle (mq_run_effect). */
#ifndef MQ_EFFECTS_H
#define MQ_EFFECTS_H

#include <jansson.h>
#include <mq/err.h>

struct sqlite3;

struct mq_effect {
	char *sql;
	json_t *args; /* array or NULL */
};

struct mq_effects {
	struct mq_effect *list;
	size_t n;
};

/* Takes over the reference of args, also when it refuses. MQ_E_INVALID: not an array of plain
 * values. */
enum mq_rc mq_effects_add(struct mq_effects *effects, const char *sql, json_t *args,
			  struct mq_err *err);
void mq_effects_free(struct mq_effects *effects);

/* An mq_effects_fn; ctx is the struct mq_effects. */
enum mq_rc mq_effects_apply(void *ctx, struct sqlite3 *db, struct mq_err *err);

/* The code and text for a call on `db` that failed: "<what>: <the library's words>". */
enum mq_rc mq_effects_db_error(struct sqlite3 *db, struct mq_err *err, const char *what);

#endif

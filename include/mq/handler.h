/*
 * A job kind: what it is called, which parameters it takes, what it does. One const table a kind,
 * at the end of its file; worker/jobs/handlers.def lists them.
 */
#ifndef MQ_HANDLER_H
#define MQ_HANDLER_H

#include <jansson.h>
#include <mq/err.h>
#include <mq/run.h>
#include <stdint.h>

enum mq_field_type {
	MQ_FIELD_END,  /* of the list: all-zero row */
	MQ_FIELD_STR,  /* const char *; NULL when absent */
	MQ_FIELD_INT,  /* int64_t */
	MQ_FIELD_BOOL, /* bool */
	MQ_FIELD_ENUM, /* const char *; one of `choices` */
	MQ_FIELD_OBJ,  /* json_t *, an object, borrowed; NULL when absent */
};

struct mq_field {
	const char *name;
	enum mq_field_type type;
	size_t offset;
	bool required;
	const char *help;
	const char *const *choices; /* ENUM: ends with NULL; the first one is the default */
	int64_t min, max;	    /* INT: inclusive; both 0: any */
};

struct mq_handler {
	const char *kind;
	const char *summary; /* one line, for `mq-worker kinds` */
	int64_t max_attempts;
	int64_t timeout_s;     /* 0: none */
	int64_t backoff_min_s; /* 0: 10 s; full jitter below min(max, min x 2^(n-1)) */
	int64_t backoff_max_s; /* 0: 1 h */
	size_t params_size;
	const struct mq_field *fields; /* ends with an all-zero row; NULL: no parameters */
	/*
	 * Works through `run` alone. Returns MQ_OK, or a filled err; whether another attempt helps
	 * is decided by the code (err.h), never here. Running twice must end as running once.
	 */
	enum mq_rc (*run)(struct mq_run *run, const void *params, struct mq_err *err);
};

/* All kinds of this program, ends with NULL. */
const struct mq_handler *const *mq_handlers(void);
const struct mq_handler *mq_handler_find(const char *kind);

/* Checked parameters: the handler's struct, and the JSON that its strings point into. */
struct mq_params {
	void *data;
	json_t *json;
};
/* MQ_E_INVALID names the field and what it must be; an unknown field names the nearest known one.
 */
enum mq_rc mq_params_parse(const struct mq_handler *handler, const char *payload,
			   struct mq_params *ret, struct mq_err *err);
void mq_params_free(struct mq_params *params);

static inline void mq_params_cleanup(struct mq_params *params)
{
	mq_params_free(params);
}

#endif

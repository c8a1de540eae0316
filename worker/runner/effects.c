#include "effects.h"

#include <mq/str.h>
#include <sqlite3.h>
#include <string.h>

static enum mq_rc rc_of(int code)
{
	static const struct {
		int code;
		enum mq_rc rc;
	} known[] = {
		{ SQLITE_BUSY, MQ_E_BUSY },	  { SQLITE_LOCKED, MQ_E_BUSY },
		{ SQLITE_CORRUPT, MQ_E_CORRUPT }, { SQLITE_NOTADB, MQ_E_CORRUPT },
		{ SQLITE_FULL, MQ_E_NOSPACE },	  { SQLITE_IOERR, MQ_E_IO },
		{ SQLITE_NOMEM, MQ_E_NOMEM },	  { SQLITE_CONSTRAINT, MQ_E_INVALID },
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (known[i].code == (code & 0xff))
			return known[i].rc;
	return MQ_E_DB;
}

enum mq_rc mq_effects_db_error(struct sqlite3 *db, struct mq_err *err, const char *what)
{
	return mq_err_set(err, rc_of(sqlite3_errcode(db)), 0, "%s: %s", what, sqlite3_errmsg(db));
}

static bool is_plain(const json_t *value)
{
	return !json_is_array(value) && !json_is_object(value);
}

enum mq_rc mq_effects_add(struct mq_effects *effects, const char *sql, json_t *args,
			  struct mq_err *err)
{
	size_t i;
	json_t *value;
	bool plain = !args || json_is_array(args);

	json_array_foreach(args, i, value) plain = plain && is_plain(value);
	if (!plain) {
		json_decref(args);
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "the arguments of an effect must be an array of plain values");
	}
	struct mq_effect *list = realloc(effects->list, (effects->n + 1) * sizeof *list);

	if (!list) {
		json_decref(args);
		return mq_err_set(err, MQ_E_NOMEM, 0, "no memory for an effect");
	}
	list[effects->n++] = (struct mq_effect){ .sql = mq_strdup(sql), .args = args };
	effects->list = list;
	return MQ_OK;
}

void mq_effects_free(struct mq_effects *effects)
{
	for (size_t i = 0; i < effects->n; i++) {
		free(effects->list[i].sql);
		json_decref(effects->list[i].args);
	}
	free(effects->list);
	*effects = (struct mq_effects){ 0 };
}

static int bind(sqlite3_stmt *stmt, int at, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return sqlite3_bind_text64(stmt, at, json_string_value(value),
					   json_string_length(value), SQLITE_STATIC, SQLITE_UTF8);
	case JSON_INTEGER:
		return sqlite3_bind_int64(stmt, at, json_integer_value(value));
	case JSON_REAL:
		return sqlite3_bind_double(stmt, at, json_real_value(value));
	case JSON_TRUE:
	case JSON_FALSE:
		return sqlite3_bind_int(stmt, at, json_is_true(value));
	case JSON_NULL:
	case JSON_OBJECT:
	case JSON_ARRAY:
		break;
	}
	return sqlite3_bind_null(stmt, at);
}

static enum mq_rc bind_all(sqlite3 *db, sqlite3_stmt *stmt, const json_t *args, struct mq_err *err)
{
	int wanted = sqlite3_bind_parameter_count(stmt);

	if ((size_t)wanted != json_array_size(args))
		return mq_err_set(err, MQ_E_BUG, 0, "an effect has %zu arguments for %d parameters",
				  json_array_size(args), wanted);
	for (int i = 0; i < wanted; i++)
		if (bind(stmt, i + 1, json_array_get(args, (size_t)i)) != SQLITE_OK)
			return mq_effects_db_error(db, err, "bind the arguments of an effect");
	return MQ_OK;
}

static enum mq_rc apply_one(sqlite3 *db, const struct mq_effect *effect, struct mq_err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc;

	if (sqlite3_prepare_v2(db, effect->sql, -1, &stmt, NULL) != SQLITE_OK || !stmt)
		return mq_effects_db_error(db, err, "prepare an effect of the job");
	if (bind_all(db, stmt, effect->args, err) != MQ_OK) {
		sqlite3_finalize(stmt);
		return err ? err->rc : MQ_E_DB;
	}
	do
		rc = sqlite3_step(stmt);
	while (rc == SQLITE_ROW);
	if (rc != SQLITE_DONE)
		mq_effects_db_error(db, err, "execute an effect of the job");
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? MQ_OK : rc_of(rc);
}

enum mq_rc mq_effects_apply(void *ctx, struct sqlite3 *db, struct mq_err *err)
{
	const struct mq_effects *effects = ctx;
	enum mq_rc rc = MQ_OK;

	for (size_t i = 0; rc == MQ_OK && i < effects->n; i++)
		rc = apply_one(db, &effects->list[i], err);
	return rc;
}

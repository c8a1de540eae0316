#include "report_query.h"

#include "report_functions.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct mq_report_query {
	const struct mq_report *report;
	sqlite3 *db;
	sqlite3_stmt *stmt;
	char denied[200]; /* what the authorizer refused first */
};

/* ---------------------------------------------------------------- what the database has */

static enum mq_rc db_failed(sqlite3 *db, const struct mq_report *report, struct mq_err *err)
{
	return mq_err_set(err, MQ_E_DB, 0, "report '%s': %s", report->name, sqlite3_errmsg(db));
}

static void add_missing(struct mq_str *missing, const char *table, const char *column)
{
	mq_str_printf(missing, "%s%s%s%s", missing->len > 0 ? ", " : "", table, column ? "." : "",
		      column ? column : "");
}

/* Steps once: whether the table has the column, or any column when it is NULL. */
static int has(sqlite3_stmt *stmt, const char *table, const char *column)
{
	sqlite3_reset(stmt);
	sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, column, -1, SQLITE_STATIC);
	return sqlite3_step(stmt);
}

static int look_for(sqlite3_stmt *stmt, const struct mq_report_table *table, struct mq_str *missing)
{
	int rc = has(stmt, table->name, NULL);

	if (rc == SQLITE_DONE)
		add_missing(missing, table->name, NULL);
	for (size_t i = 0; rc == SQLITE_ROW && table->columns[i]; i++) {
		int found = has(stmt, table->name, table->columns[i]);

		if (found == SQLITE_DONE)
			add_missing(missing, table->name, table->columns[i]);
		else
			rc = found;
	}
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

enum mq_rc mq_report_missing(const struct mq_report *report, struct sqlite3 *db,
			     struct mq_str *missing, struct mq_err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db,
				    "SELECT 1 FROM pragma_table_info(?1)"
				    " WHERE ?2 IS NULL OR name = ?2 COLLATE NOCASE LIMIT 1",
				    -1, &stmt, NULL);

	for (size_t i = 0; rc == SQLITE_OK && i < report->n_tables; i++)
		rc = look_for(stmt, &report->tables[i], missing);
	enum mq_rc ret = rc == SQLITE_OK ? MQ_OK : db_failed(db, report, err);

	sqlite3_finalize(stmt);
	return ret;
}

static enum mq_rc check_present(const struct mq_report *report, sqlite3 *db, struct mq_err *err)
{
	MQ_AUTO(mq_str) struct mq_str missing = { 0 };
	enum mq_rc rc = mq_report_missing(report, db, &missing, err);

	if (rc != MQ_OK || missing.len == 0)
		return rc;
	bool column = strcspn(missing.data, ".") < strcspn(missing.data, ",");

	return mq_err_set(err, MQ_E_UNSUPPORTED, 0,
			  "this deployment has no %s %s (report '%s' needs it)",
			  column ? "column" : "table", missing.data, report->name);
}

/* ---------------------------------------------------------------- what the query may do */

static bool declares(const struct mq_report *report, const char *table, const char *column)
{
	for (size_t i = 0; i < report->n_tables; i++) {
		const struct mq_report_table *t = &report->tables[i];

		if (strcasecmp(t->name, table) != 0)
			continue;
		if (column[0] == '\0') /* count(*): no column in particular */
			return true;
		for (const char **c = t->columns; *c; c++)
			if (strcasecmp(*c, column) == 0)
				return true;
	}
	return false;
}

static bool is_listed(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcasecmp(word, *list) == 0)
			return true;
	return false;
}

static bool allows(const struct mq_report *report, int action, const char *first,
		   const char *second, const char *view)
{
	/* They read text that the query brings along, not the database. */
	static const char *const harmless_tables[] = { "json_each", "json_tree", NULL };
	/* All else that SQLite has computes; these load code, or write, or decide about keys. */
	static const char *const bad_functions[] = { "load_extension", "sqlcipher_export",
						     "fts3_tokenizer", NULL };

	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_RECURSIVE:
		return true;
	case SQLITE_READ:
		return is_listed(first, harmless_tables) || declares(report, first, second) ||
		       (view && declares(report, view, ""));
	case SQLITE_FUNCTION:
		return !is_listed(second, bad_functions);
	default:
		return false;
	}
}

static void remember_denied(struct mq_report_query *q, int action, const char *first,
			    const char *second)
{
	if (q->denied[0])
		return;
	if (action == SQLITE_READ)
		snprintf(q->denied, sizeof q->denied,
			 "reads %s.%s, which no '-- table:' line declares", first, second);
	else if (action == SQLITE_FUNCTION)
		snprintf(q->denied, sizeof q->denied, "uses %s(), which no report may", second);
	else
		snprintf(q->denied, sizeof q->denied, "is no plain SELECT");
}

static int authorize(void *ctx, int action, const char *first, const char *second,
		     const char *schema, const char *view)
{
	struct mq_report_query *q = ctx;

	(void)schema;
	if (allows(q->report, action, first, second, view))
		return SQLITE_OK;
	remember_denied(q, action, first, second);
	return SQLITE_DENY;
}

/* ---------------------------------------------------------------- opening */

static enum mq_rc wrong(const struct mq_report *report, struct mq_err *err, const char *what)
{
	return mq_err_set(err, MQ_E_INVALID, 0, "%s:%d: the query %s", report->path,
			  report->sql_line, what);
}

/* The line of the file that an error offset of the library means. */
static int line_of(const struct mq_report *report, int offset)
{
	int line = report->sql_line;

	for (int i = 0; i < offset && report->sql[i]; i++)
		line += report->sql[i] == '\n';
	return line;
}

static enum mq_rc prepare_failed(const struct mq_report_query *q, int rc, struct mq_err *err)
{
	if (q->denied[0])
		return wrong(q->report, err, q->denied);
	if ((rc & 0xff) != SQLITE_ERROR)
		return db_failed(q->db, q->report, err);
	return mq_err_set(err, MQ_E_INVALID, 0, "%s:%d: %s", q->report->path,
			  line_of(q->report, sqlite3_error_offset(q->db)), sqlite3_errmsg(q->db));
}

static bool is_only_space(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	bool empty = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && !stmt;

	sqlite3_finalize(stmt);
	return empty;
}

static enum mq_rc check_columns(const struct mq_report_query *q, struct mq_err *err)
{
	const struct mq_report *r = q->report;
	size_t n = (size_t)sqlite3_column_count(q->stmt);

	for (size_t i = 0; i < n && i < r->n_columns; i++) {
		const char *name = sqlite3_column_name(q->stmt, (int)i);

		if (strcmp(name, r->columns[i].name) != 0)
			return mq_err_set(err, MQ_E_INVALID, 0,
					  "%s: column %zu of the query is '%s', the header "
					  "declares '%s' there",
					  r->path, i + 1, name, r->columns[i].name);
	}
	if (n != r->n_columns)
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "%s: the query has %zu columns, the header declares %zu", r->path,
				  n, r->n_columns);
	return MQ_OK;
}

static enum mq_rc check_params(const struct mq_report_query *q, struct mq_err *err)
{
	const struct mq_report *r = q->report;
	int n = sqlite3_bind_parameter_count(q->stmt);

	for (int i = 1; i <= n; i++) {
		const char *name = sqlite3_bind_parameter_name(q->stmt, i);
		bool known = false;

		if (!name || name[0] != ':')
			return wrong(r, err, "may use parameters of the form :name only");
		for (size_t k = 0; k < r->n_params && !known; k++)
			known = strcmp(name + 1, r->params[k].name) == 0;
		if (!known)
			return mq_err_set(
				err, MQ_E_INVALID, 0,
				"%s: the query uses %s, which no '-- param:' line declares",
				r->path, name);
	}
	if ((size_t)n != r->n_params)
		return wrong(r, err, "does not use every declared param");
	return MQ_OK;
}

static enum mq_rc prepare(struct mq_report_query *q, struct mq_err *err)
{
	const char *tail = NULL;
	int rc = sqlite3_set_authorizer(q->db, authorize, q);

	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(q->db, q->report->sql, -1, &q->stmt, &tail);
	if (rc != SQLITE_OK)
		return prepare_failed(q, rc, err);
	if (!q->stmt || !sqlite3_stmt_readonly(q->stmt) || sqlite3_stmt_isexplain(q->stmt))
		return wrong(q->report, err, "is no SELECT");
	if (!is_only_space(q->db, tail))
		return wrong(q->report, err, "must be one statement and nothing behind it");
	enum mq_rc checked = check_columns(q, err);

	return checked == MQ_OK ? check_params(q, err) : checked;
}

enum mq_rc mq_report_query_open(const struct mq_report *report, sqlite3 *db,
				struct mq_report_query **ret, struct mq_err *err)
{
	enum mq_rc rc = check_present(report, db, err);

	if (rc == MQ_OK)
		rc = mq_report_functions_add(db, err);
	if (rc != MQ_OK)
		return rc;
	MQ_AUTO(mq_report_query) struct mq_report_query *q = mq_alloc(1, sizeof *q);

	q->report = report;
	q->db = db;
	rc = prepare(q, err);
	if (rc == MQ_OK)
		*ret = MQ_STEAL(q);
	return rc;
}

void mq_report_query_close(struct mq_report_query *query)
{
	if (!query)
		return;
	sqlite3_finalize(query->stmt);
	sqlite3_set_authorizer(query->db, NULL, NULL);
	free(query);
}

sqlite3_stmt *mq_report_query_stmt(struct mq_report_query *query)
{
	return query->stmt;
}

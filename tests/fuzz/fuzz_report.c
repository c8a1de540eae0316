/* Report files: a header that is accepted is complete, and its query stays inside what it declares.
 */
#include "report_query.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct mq_report *r)
{
	assert(r->name && r->title && r->folder && r->n_columns > 0 && r->sql[0]);
	assert(mq_report_keep_days(r->folder) >= 0 && !strstr(r->folder, ".."));
	for (size_t i = 0; i < r->n_columns; i++)
		assert(r->columns[i].type != MQ_REPORT_MONEY ||
		       strcmp(r->columns[r->columns[i].currency_index].name,
			      r->columns[i].currency) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static sqlite3 *db;
	MQ_AUTO(mq_report) struct mq_report *report = NULL;
	MQ_AUTO(mq_report_query) struct mq_report_query *query = NULL;
	struct mq_err err = { 0 };

	if (!db) {
		sqlite3_open(":memory:", &db);
		sqlite3_exec(db, "CREATE TABLE t (id INTEGER, a TEXT, secret TEXT)", 0, 0, 0);
	}
	if (mq_report_parse("fuzz.sql", (const char *)data, size, &report, &err) != MQ_OK) {
		assert(err.rc == MQ_E_INVALID && strncmp(err.text, "fuzz.sql", 8) == 0);
		return 0;
	}
	check(report);
	if (mq_report_query_open(report, db, &query, &err) == MQ_OK)
		assert(sqlite3_stmt_readonly(mq_report_query_stmt(query)));
	else
		assert(err.text[0]);
	return 0;
}

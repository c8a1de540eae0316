#include "export_rows.h"

#include <inttypes.h>
#include <mq/str.h>
#include <stdio.h>
#include <string.h>

#define BEAT_ROWS 256

struct rows {
	const struct mq_report *report;
	sqlite3_stmt *stmt;
	struct mq_csv *csv;
	bool german;
};

/* ---------------------------------------------------------------- cells */

static void put_text(const struct rows *r, int i)
{
	const char *text = (const char *)sqlite3_column_text(r->stmt, i);

	mq_csv_text(r->csv, text ? text : "", (size_t)sqlite3_column_bytes(r->stmt, i));
}

/* What is not of the declared type is reported as it is, unless it is money. */
static bool put_as_it_is(const struct rows *r, int i)
{
	switch (sqlite3_column_type(r->stmt, i)) {
	case SQLITE_NULL:
		mq_csv_null(r->csv);
		break;
	case SQLITE_INTEGER:
		mq_csv_int(r->csv, sqlite3_column_int64(r->stmt, i));
		break;
	case SQLITE_FLOAT:
		mq_csv_real(r->csv, sqlite3_column_double(r->stmt, i));
		break;
	default:
		put_text(r, i);
	}
	return true;
}

/* "2025-11-03..." as 03.11.2025 */
static bool put_date(const struct rows *r, int i)
{
	char german[11];
	const char *text = (const char *)sqlite3_column_text(r->stmt, i);

	if (!r->german || !text || sqlite3_column_bytes(r->stmt, i) != 10 || text[4] != '-' ||
	    text[7] != '-')
		return put_as_it_is(r, i);
	snprintf(german, sizeof german, "%.2s.%.2s.%.4s", text + 8, text + 5, text);
	mq_csv_text(r->csv, german, 10);
	return true;
}

static bool put_hundredths(const struct rows *r, int i)
{
	int type = sqlite3_column_type(r->stmt, i);

	if (type == SQLITE_NULL)
		mq_csv_null(r->csv);
	else if (type == SQLITE_INTEGER)
		mq_csv_hundredths(r->csv, sqlite3_column_int64(r->stmt, i));
	else
		return false;
	return true;
}

static bool put_money(const struct rows *r, int i)
{
	if (sqlite3_column_type(r->stmt, r->report->columns[i].currency_index) == SQLITE_NULL)
		return put_as_it_is(r, i);
	return put_hundredths(r, i);
}

/* False: the value cannot be what the header says. */
static bool (*const writers[MQ_REPORT_COLUMN_TYPE_COUNT])(const struct rows *, int) = {
	[MQ_REPORT_TEXT] = put_as_it_is, [MQ_REPORT_INT] = put_as_it_is,
	[MQ_REPORT_REAL] = put_as_it_is, [MQ_REPORT_DATE] = put_date,
	[MQ_REPORT_MONEY] = put_money,	 [MQ_REPORT_HUNDREDTHS] = put_hundredths,
};

/* ---------------------------------------------------------------- rows */

static enum mq_rc write_header(const struct rows *r, struct mq_err *err)
{
	for (size_t i = 0; i < r->report->n_columns; i++) {
		const struct mq_report_column *c = &r->report->columns[i];
		const char *title = r->german && c->title_de ? c->title_de : c->name;

		mq_csv_text(r->csv, title, strlen(title));
	}
	return mq_csv_end_row(r->csv, err);
}

static enum mq_rc write_row(const struct rows *r, struct mq_err *err)
{
	for (size_t i = 0; i < r->report->n_columns; i++) {
		const struct mq_report_column *c = &r->report->columns[i];

		if (!writers[c->type](r, (int)i))
			return mq_err_set(
				err, MQ_E_CORRUPT, 0,
				"report '%s': column '%s' is no whole number of hundredths",
				r->report->name, c->name);
	}
	return mq_csv_end_row(r->csv, err);
}

static enum mq_rc beat(struct mq_run *run, int64_t rows, struct mq_err *err)
{
	char note[40];

	snprintf(note, sizeof note, "%" PRId64 " rows", rows);
	return mq_run_beat(run, rows, 0, note, err);
}

static enum mq_rc write_all(struct mq_run *run, const struct rows *r, int64_t *ret_rows,
			    struct mq_err *err)
{
	enum mq_rc rc = write_header(r, err);
	int64_t n = 0;
	int state;

	for (; rc == MQ_OK && (state = sqlite3_step(r->stmt)) == SQLITE_ROW; n++) {
		rc = n % BEAT_ROWS == 0 ? beat(run, n, err) : MQ_OK;
		if (rc == MQ_OK)
			rc = write_row(r, err);
	}
	if (rc != MQ_OK)
		return rc;
	if (state != SQLITE_DONE)
		return mq_run_db_error(run, err, r->report->name);
	*ret_rows = n;
	return beat(run, n, err);
}

enum mq_rc mq_export_rows_write(struct mq_run *run, const struct mq_report *report,
				sqlite3_stmt *stmt, bool german,
				const struct mq_csv_dialect *dialect, struct mq_sink *out,
				int64_t *ret_rows, struct mq_err *err)
{
	MQ_AUTO(mq_csv) struct mq_csv *csv = mq_csv_new(out, dialect);
	struct rows rows = { .report = report, .stmt = stmt, .csv = csv, .german = german };
	enum mq_rc rc = write_all(run, &rows, ret_rows, err);

	return rc == MQ_OK ? mq_csv_flush(csv, err) : rc;
}

/*
 * Reports are files: one SELECT with a comment header that says everything about it, so that adding
 * a report is adding a file. schema/reports/README.md describes the header;
 * worker/jobs/export/report.c is the one reader of it.
 */
#ifndef MQ_REPORT_H
#define MQ_REPORT_H

#include <mq/err.h>
#include <mq/str.h>
#include <stdint.h>

struct sqlite3;

enum mq_sensitivity {
	MQ_SENSITIVITY_ANALYTICS,
	MQ_SENSITIVITY_FINANCIAL,
	MQ_SENSITIVITY_PERSONAL,
	MQ_SENSITIVITY_SYSTEM,
	MQ_SENSITIVITY_COUNT
};
struct mq_sensitivity_info {
	const char *name; /* "financial" */
	bool secret;	  /* files are 0600, and sealed where the policy asks for it */
};
const struct mq_sensitivity_info *mq_sensitivity_info(enum mq_sensitivity sensitivity);

enum mq_report_param_type {
	MQ_REPORT_PARAM_DATE, /* "2025-11-03" */
	MQ_REPORT_PARAM_TIME, /* as mq_time_parse_input() takes it; 26 characters for the query */
	MQ_REPORT_PARAM_TEXT,
	MQ_REPORT_PARAM_INT,
	MQ_REPORT_PARAM_ENUM,
	MQ_REPORT_PARAM_TYPE_COUNT
};
const char *mq_report_param_type_name(enum mq_report_param_type type);

struct mq_report_param {
	const char *name;
	enum mq_report_param_type type;
	bool optional;	      /* the query gets NULL when it is not given */
	const char *fallback; /* what it is when it is not given; NULL: none */
	const char *help;
	const char **choices; /* ENUM: ends with NULL */
	int64_t min, max;     /* INT */
};

enum mq_report_column_type {
	MQ_REPORT_TEXT,
	MQ_REPORT_INT,
	MQ_REPORT_REAL,
	MQ_REPORT_DATE,	      /* "2025-11-03" in the query; the locale decides how it is shown */
	MQ_REPORT_HUNDREDTHS, /* whole number in the query: 433 is 4.33 */
	MQ_REPORT_MONEY, /* the same, in another column's currency; a number where that is NULL */
	MQ_REPORT_COLUMN_TYPE_COUNT
};
const char *mq_report_column_type_name(enum mq_report_column_type type);

struct mq_report_column {
	const char *name;
	enum mq_report_column_type type;
	const char *currency; /* MONEY: name of the column */
	int currency_index;
	const char *title_de; /* NULL: as the name */
};

/* A table with the columns that the query reads. */
struct mq_report_table {
	const char *name;
	const char **columns; /* ends with NULL */
};

struct mq_report {
	char *path; /* of the file */
	char *text; /* of the file; all strings but the path point into it */
	const char *name;
	const char *title;
	const char *title_de; /* NULL: as the title */
	const char *folder;   /* below exports */
	enum mq_sensitivity sensitivity;
	struct mq_report_param *params;
	size_t n_params;
	struct mq_report_table *tables;
	size_t n_tables;
	struct mq_report_column *columns;
	size_t n_columns;
	const char *sql;
	int sql_line; /* on which it begins */
};

/* MQ_E_INVALID names file and line, and what would be right. */
enum mq_rc mq_report_parse(const char *path, const char *text, size_t len, struct mq_report **ret,
			   struct mq_err *err);
enum mq_rc mq_report_load(const char *path, struct mq_report **ret, struct mq_err *err);
void mq_report_free(struct mq_report *report); /* accepts NULL */
MQ_CLEANUP(mq_report, struct mq_report *, mq_report_free)

/*
 * The report of that name; the file is NAME.sql in one of the directories (ends with NULL), a later
 * one wins. MQ_E_INVALID: there is none (names the nearest), or the file is wrong.
 */
enum mq_rc mq_report_find(const char *const *dirs, const char *name, struct mq_report **ret,
			  struct mq_err *err);

/*
 * Calls `fn` for each report file, by name: with the report, or with NULL and the error of a file
 * that is wrong. False from `fn` ends the walk. A directory that does not exist holds no reports.
 */
typedef bool (*mq_report_fn)(void *ctx, const char *path, const struct mq_report *report,
			     const struct mq_err *why);
enum mq_rc mq_report_each(const char *const *dirs, mq_report_fn fn, void *ctx, struct mq_err *err);

/* Appends what the report needs and this database has not: "table, other.column". */
enum mq_rc mq_report_missing(const struct mq_report *report, struct sqlite3 *db,
			     struct mq_str *missing, struct mq_err *err);

/* For how many days files of a folder below exports are kept; 0: for ever, -1: no such folder. */
int mq_report_keep_days(const char *folder);

#endif

/* The parameters of one run of a report. */
#ifndef MQ_JOBS_REPORT_VALUES_H
#define MQ_JOBS_REPORT_VALUES_H

#include <jansson.h>
#include <mq/report.h>
#include <sqlite3.h>

struct mq_report_values;

/*
 * Checks `params` (NULL: none given) against the report's declaration and fills in the defaults.
 * MQ_E_INVALID names the parameter and what it must be; an unknown one names the nearest.
 */
enum mq_rc mq_report_values_read(const struct mq_report *report, const json_t *params,
				 int64_t now_us, struct mq_report_values **ret, struct mq_err *err);
void mq_report_values_free(struct mq_report_values *values); /* accepts NULL */
MQ_CLEANUP(mq_report_values, struct mq_report_values *, mq_report_values_free)

/* Binds :name of each. */
enum mq_rc mq_report_values_bind(const struct mq_report_values *values, sqlite3_stmt *stmt,
				 struct mq_err *err);

/* An object with what the query got, for the manifest. */
json_t *mq_report_values_json(const struct mq_report_values *values);

/* Whether a default given as text is right. */
enum mq_rc mq_report_value_check(const struct mq_report_param *param, const char *text,
				 struct mq_err *err);

#endif

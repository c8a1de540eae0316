/* The statement of a report, checked against what its header declares. */
#ifndef MQ_JOBS_REPORT_QUERY_H
#define MQ_JOBS_REPORT_QUERY_H

#include <mq/report.h>
#include <sqlite3.h>

struct mq_report_query;

/*
 * MQ_E_UNSUPPORTED: this database has not what the report needs (names it). MQ_E_INVALID: the query
 * is wrong, is not one SELECT, reads what the header does not declare, or has other columns or
 * parameters (names file and line). MQ_E_DB: the database reported an error.
 */
enum mq_rc mq_report_query_open(const struct mq_report *report, sqlite3 *db,
				struct mq_report_query **ret, struct mq_err *err);
void mq_report_query_close(struct mq_report_query *query); /* accepts NULL */
MQ_CLEANUP(mq_report_query, struct mq_report_query *, mq_report_query_close)

/* Valid as long as the query. */
sqlite3_stmt *mq_report_query_stmt(struct mq_report_query *query);

#endif

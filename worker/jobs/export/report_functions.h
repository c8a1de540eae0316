/* SQL functions that report queries may use beside SQLite's own. */
#ifndef MQ_JOBS_REPORT_FUNCTIONS_H
#define MQ_JOBS_REPORT_FUNCTIONS_H

#include <mq/err.h>
#include <sqlite3.h>

/*
 * cents(x): a stored amount as whole minor units, rounded as the application reads it: two digits,
 * by printf(3). NULL stays NULL; what is no number, or too large, ends the query. quotient(a, b): a
 * / b of whole numbers as a whole number, half away from zero; NULL when b is 0. Fees, means and
 *           rates without floating point: quotient(cents * 15, 100), quotient(sum(rating) * 100,
 * count(*)). utc(x):   a stored time in any form the application reads (19, 23, 26 characters, T,
 * Z, offset, date only) as "YYYY-MM-DD HH:MM:SS.ffffff", so that texts compare as times; NULL for
 * anything else.
 */
enum mq_rc mq_report_functions_add(sqlite3 *db, struct mq_err *err);

#endif

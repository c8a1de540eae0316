/* From a report's statement to CSV. */
#ifndef MQ_JOBS_EXPORT_ROWS_H
#define MQ_JOBS_EXPORT_ROWS_H

#include "report_query.h"

#include <mq/csv.h>
#include <mq/run.h>

/* Writes the header line and all rows, one at a time; flushed, not finished. *ret_rows: without the
 * header. */
enum mq_rc mq_export_rows_write(struct mq_run *run, const struct mq_report *report,
				sqlite3_stmt *stmt, bool german,
				const struct mq_csv_dialect *dialect, struct mq_sink *out,
				int64_t *ret_rows, struct mq_err *err);

#endif

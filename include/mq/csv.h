/*
 * CSV: the one writer of all exports, so that quoting and the defusing of formulas cannot differ
 * between them.
 *
 * RFC 4180: a cell is quoted when it holds the separator, a quote or a line break. NULL is an empty
 * cell, an empty text is "". Text that a spreadsheet would take for a formula (it begins with = + -
 * @ TAB CR or NUL and is no plain number) gets an apostrophe in front, headers included; numbers
 * stay numbers.
 */
#ifndef MQ_CSV_H
#define MQ_CSV_H

#include <mq/sink.h>

struct mq_csv_dialect {
	const char *name;
	char separator;
	char decimal;
	bool bom; /* UTF-8 byte order mark: without it Excel takes the file for the local 8-bit code
		     page */
	const char *eol;
};

/* rfc4180, excel-de, excel-en, tsv. NULL for any other name. */
const struct mq_csv_dialect *mq_csv_dialect(const char *name);

struct mq_csv;

/* `out` is borrowed and must outlive the writer. */
struct mq_csv *mq_csv_new(struct mq_sink *out, const struct mq_csv_dialect *dialect);
void mq_csv_free(struct mq_csv *csv); /* accepts NULL; what was not flushed is lost */
MQ_CLEANUP(mq_csv, struct mq_csv *, mq_csv_free)

/* Cells of the row at hand, from left to right. What goes wrong is told by the next
 * mq_csv_end_row(). */
void mq_csv_text(struct mq_csv *csv, const char *text, size_t len);
void mq_csv_int(struct mq_csv *csv, int64_t value);
void mq_csv_real(struct mq_csv *csv,
		 double value); /* the shortest form that reads back as the same number */
void mq_csv_hundredths(struct mq_csv *csv,
		       int64_t value); /* 3000 is 30.00: money in minor units, rates */
void mq_csv_null(struct mq_csv *csv);

enum mq_rc mq_csv_end_row(struct mq_csv *csv, struct mq_err *err);
/* Hands everything to the sink; does not finish it. */
enum mq_rc mq_csv_flush(struct mq_csv *csv, struct mq_err *err);

#endif

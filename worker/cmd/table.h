/*
 * Rows of text: aligned columns with a header on a terminal, tab-separated values without one
 * otherwise (a tab, line end or backslash in a value is written \t, \n, \r, \\, another control
 * character \x1b).
 */
#ifndef MQ_CMD_TABLE_H
#define MQ_CMD_TABLE_H

#include <mq/cleanup.h>
#include <stdbool.h>
#include <stdio.h>

struct mq_table_column {
	const char *title; /* NULL ends the list */
	bool right;	   /* aligned; numbers */
	bool flexible;	   /* may be cut to fit the terminal; at most one */
};

struct mq_table;

struct mq_table_style {
	bool aligned; /* for people */
	bool color;
	int width;	 /* of the terminal; 0: unlimited */
	const char *tag; /* with tab-separated values: the first field of each row; NULL: none */
};

/*
 * `columns` must outlive the table; rows appear at mq_table_end() when aligned, at once otherwise.
 */
struct mq_table *mq_table_new(FILE *out, const struct mq_table_column *columns,
			      const struct mq_table_style *style);
/* The next cell, row by row; NULL is an empty one. */
void mq_table_cell(struct mq_table *table, const char *text);
/* With a colour of the terminal ("31"), where colours are shown. */
void mq_table_cell_in(struct mq_table *table, const char *text, const char *color);
void mq_table_int(struct mq_table *table, long long value);
void mq_table_end(struct mq_table *table);  /* prints; without rows nothing */
void mq_table_free(struct mq_table *table); /* accepts NULL */
MQ_CLEANUP(mq_table, struct mq_table *, mq_table_free)

#endif

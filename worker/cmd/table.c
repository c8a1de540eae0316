#include "table.h"
#include <mq/str.h>
#include <string.h>

#define GAP 2

struct cell {
	char *text;
	const char *color;
};

struct mq_table {
	FILE *out;
	const struct mq_table_column *columns;
	struct mq_table_style style;
	size_t n_columns;
	struct cell *cells; /* row by row */
	size_t n_cells, room;
};

struct mq_table *mq_table_new(FILE *out, const struct mq_table_column *columns,
			      const struct mq_table_style *style)
{
	struct mq_table *table = mq_alloc(1, sizeof *table);
	*table = (struct mq_table){ .out = out, .columns = columns, .style = *style };
	while (columns[table->n_columns].title)
		table->n_columns++;
	return table;
}

/* Characters of UTF-8 text: every byte but the continuations. */
static size_t width_of(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += ((unsigned char)*text & 0xC0) != 0x80;
	return n;
}

static size_t bytes_of(const char *text, size_t width)
{
	size_t i = 0;
	for (; text[i]; i++)
		if (((unsigned char)text[i] & 0xC0) != 0x80 && width-- == 0)
			break;
	return i;
}

/* A row stays a line, and no value steers the terminal. */
static char *printable(const char *text)
{
	char *copy = mq_strdup(text);
	mq_control_blank(copy);
	return copy;
}

static const struct {
	char c;
	const char *escaped;
} escapes[] = {
	{ '\t', "\\t" },
	{ '\n', "\\n" },
	{ '\r', "\\r" },
	{ '\\', "\\\\" },
};

static const char *escape_of(char c)
{
	for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++)
		if (escapes[i].c == c)
			return escapes[i].escaped;
	return NULL;
}

/* What programs read is often shown by others: a pager, a terminal. */
static void put_escaped(FILE *out, const char *text)
{
	while (*text) {
		const char *escaped = escape_of(*text);
		size_t control = escaped ? 0 : mq_control_len(text);
		if (escaped)
			fputs(escaped, out);
		else if (control == 0)
			fputc(*text, out);
		for (size_t i = 0; i < control; i++)
			fprintf(out, "\\x%02x", (unsigned char)text[i]);
		text += control ? control : 1;
	}
}

static void put_separated(struct mq_table *table, const char *text)
{
	bool first = table->n_cells % table->n_columns == 0;
	bool last = (table->n_cells + 1) % table->n_columns == 0;
	if (first && table->style.tag)
		fprintf(table->out, "%s\t", table->style.tag);
	put_escaped(table->out, text);
	fputc(last ? '\n' : '\t', table->out);
}

static void keep(struct mq_table *table, const char *text, const char *color)
{
	if (table->n_cells == table->room) {
		size_t room = table->room ? table->room * 2 : 64;
		struct cell *cells = mq_alloc(room, sizeof *cells);
		if (table->n_cells)
			memcpy(cells, table->cells, table->n_cells * sizeof *cells);
		free(table->cells);
		table->cells = cells;
		table->room = room;
	}
	table->cells[table->n_cells] = (struct cell){ printable(text), color };
}

void mq_table_cell_in(struct mq_table *table, const char *text, const char *color)
{
	if (table->style.aligned)
		keep(table, text ? text : "", table->style.color ? color : NULL);
	else
		put_separated(table, text ? text : "");
	table->n_cells++;
}

void mq_table_cell(struct mq_table *table, const char *text)
{
	mq_table_cell_in(table, text, NULL);
}

void mq_table_int(struct mq_table *table, long long value)
{
	MQ_AUTO_FREE char *text = mq_strf("%lld", value);
	mq_table_cell(table, text);
}

static void measure(const struct mq_table *table, size_t *widths)
{
	size_t total = 0, flexible = table->n_columns;
	for (size_t c = 0; c < table->n_columns; c++)
		widths[c] = width_of(table->columns[c].title);
	for (size_t i = 0; i < table->n_cells; i++) {
		size_t width = width_of(table->cells[i].text);
		if (width > widths[i % table->n_columns])
			widths[i % table->n_columns] = width;
	}
	for (size_t c = 0; c < table->n_columns; c++) {
		total += widths[c] + (c ? GAP : 0);
		if (table->columns[c].flexible)
			flexible = c;
	}
	size_t limit = (size_t)table->style.width;
	if (limit == 0 || total <= limit || flexible == table->n_columns)
		return;
	size_t least = width_of(table->columns[flexible].title);
	size_t over = total - limit;
	widths[flexible] = widths[flexible] > over + least ? widths[flexible] - over : least;
}

static void put_blanks(FILE *out, size_t n)
{
	fprintf(out, "%*s", (int)n, "");
}

static void put_aligned(const struct mq_table *table, size_t column, const char *text,
			const char *color, size_t width)
{
	FILE *out = table->out;
	size_t wide = width_of(text);
	bool cut = wide > width;
	size_t shown = cut ? width : wide;
	bool last = column + 1 == table->n_columns;
	if (column)
		put_blanks(out, GAP);
	if (table->columns[column].right)
		put_blanks(out, width - shown);
	if (color)
		fprintf(out, "\033[%sm", color);
	if (cut)
		fprintf(out, "%.*s…", (int)bytes_of(text, width - 1), text);
	else
		fputs(text, out);
	if (color)
		fputs("\033[0m", out);
	if (!table->columns[column].right && !last)
		put_blanks(out, width - shown);
	if (last)
		fputc('\n', out);
}

void mq_table_end(struct mq_table *table)
{
	if (!table->style.aligned || table->n_cells == 0)
		return;
	MQ_AUTO_FREE size_t *widths = mq_alloc(table->n_columns, sizeof *widths);
	measure(table, widths);
	const char *bold = table->style.color ? "1" : NULL;
	for (size_t c = 0; c < table->n_columns; c++)
		put_aligned(table, c, table->columns[c].title, bold, widths[c]);
	for (size_t i = 0; i < table->n_cells; i++) {
		size_t c = i % table->n_columns;
		put_aligned(table, c, table->cells[i].text, table->cells[i].color, widths[c]);
	}
}

void mq_table_free(struct mq_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; table->style.aligned && i < table->n_cells; i++)
		free(table->cells[i].text);
	free(table->cells);
	free(table);
}

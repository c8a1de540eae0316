/*
 * CSV: what is written reads back as the same cells. The reader below knows RFC 4180 and nothing
 * about the writer. Input: the first byte chooses the dialect, the rest is a cell, and its second
 * half another one.
 */
#include "fakes/fake_sink.h"

#include <assert.h>
#include <mq/csv.h>
#include <mq/str.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One cell from *at; its text without quotes goes to `cell`. */
static void read_cell(const char **at, const char *end, char separator, struct mq_str *cell)
{
	bool quoted = *at < end && **at == '"';

	cell->len = 0;
	if (quoted)
		(*at)++;
	for (; *at < end; (*at)++) {
		if (quoted && **at == '"') {
			if (*at + 1 == end || (*at)[1] != '"') {
				(*at)++;
				return;
			}
			(*at)++;
		} else if (!quoted && (**at == separator || **at == '\r' || **at == '\n')) {
			return;
		}
		mq_str_append(cell, *at, 1);
	}
}

/* The cell is the text, or the text defused; a cell that a spreadsheet would execute is neither. */
static void check_cell(const struct mq_str *cell, const char *text, size_t len)
{
	const char *read = cell->len > 0 ? cell->data : "";
	bool same = cell->len == len && memcmp(read, text, len) == 0;
	bool defused = cell->len == len + 1 && read[0] == '\'' && memcmp(read + 1, text, len) == 0;

	assert(same || defused);
	assert(!same || len == 0 || (text[0] != '=' && text[0] != '@' && text[0] != '\t'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "rfc4180", "excel-de", "excel-en", "tsv" };
	struct fake_sink_log log = { 0 };
	MQ_AUTO(mq_str) struct mq_str cell = { 0 };

	if (size < 2)
		return 0;
	const struct mq_csv_dialect *dialect = mq_csv_dialect(names[data[0] % 4]);
	struct mq_sink *sink = fake_sink_new(&log);
	struct mq_csv *csv = mq_csv_new(sink, dialect);
	const char *text = (const char *)data + 1;
	size_t len = size - 1;

	mq_csv_text(csv, text, len);
	mq_csv_text(csv, text + len / 2, len - len / 2);
	assert(mq_csv_end_row(csv, NULL) == MQ_OK && mq_csv_flush(csv, NULL) == MQ_OK);
	const char *at = log.written.data + (dialect->bom ? 3 : 0);
	const char *end = log.written.data + log.written.len;

	read_cell(&at, end, dialect->separator, &cell);
	check_cell(&cell, text, len);
	assert(*at++ == dialect->separator);
	read_cell(&at, end, dialect->separator, &cell);
	check_cell(&cell, text + len / 2, len - len / 2);
	assert((size_t)(end - at) == strlen(dialect->eol));
	mq_csv_free(csv);
	mq_sink_free(sink);
	mq_str_free(&log.written);
	return 0;
}

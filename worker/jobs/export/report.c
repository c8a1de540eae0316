/* The header of a report file: one row a key, one reader a key. */
#include <mq/report.h>

#include "report_values.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX       (256 * 1024)
#define NAME_BYTES_MAX 60

struct parser {
	struct mq_report *report;
	int line;
	char *value; /* of the key at hand */
	bool sensitivity_given;
	struct mq_err *err;
};

/* ---------------------------------------------------------------- words */

static const struct mq_sensitivity_info sensitivities[MQ_SENSITIVITY_COUNT] = {
	[MQ_SENSITIVITY_ANALYTICS] = { "analytics", false },
	[MQ_SENSITIVITY_FINANCIAL] = { "financial", true },
	[MQ_SENSITIVITY_PERSONAL] = { "personal", true },
	[MQ_SENSITIVITY_SYSTEM] = { "system", false },
};

static const char *const param_types[MQ_REPORT_PARAM_TYPE_COUNT] = {
	[MQ_REPORT_PARAM_DATE] = "date", [MQ_REPORT_PARAM_TIME] = "time",
	[MQ_REPORT_PARAM_TEXT] = "text", [MQ_REPORT_PARAM_INT] = "int",
	[MQ_REPORT_PARAM_ENUM] = "enum",
};

static const char *const column_types[MQ_REPORT_COLUMN_TYPE_COUNT] = {
	[MQ_REPORT_TEXT] = "text",   [MQ_REPORT_INT] = "int",
	[MQ_REPORT_REAL] = "real",   [MQ_REPORT_DATE] = "date",
	[MQ_REPORT_MONEY] = "money", [MQ_REPORT_HUNDREDTHS] = "hundredths",
};

/*
 * The folders of the data directory's layout, and for how many days a file in them is kept. The
 * first match counts, so a folder stands before the one it is in.
 */
static const struct {
	const char *folder;
	int keep_days;
} folders[] = {
	{ "analytics", 90 }, { "compliance/gdpr", 30 }, { "compliance", 2555 },
	{ "backups", 30 },   { "manual", 7 },		{ "integrations", 0 },
};

const struct mq_sensitivity_info *mq_sensitivity_info(enum mq_sensitivity sensitivity)
{
	return &sensitivities[sensitivity];
}

const char *mq_report_param_type_name(enum mq_report_param_type type)
{
	return param_types[type];
}

const char *mq_report_column_type_name(enum mq_report_column_type type)
{
	return column_types[type];
}

int mq_report_keep_days(const char *folder)
{
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		size_t n = strlen(folders[i].folder);

		if (strncmp(folder, folders[i].folder, n) == 0 &&
		    (folder[n] == '\0' || folder[n] == '/'))
			return folders[i].keep_days;
	}
	return -1;
}

/* ---------------------------------------------------------------- scanning */

#define FAIL(p, ...) mq_err_set((p)->err, MQ_E_INVALID, 0, __VA_ARGS__)
#define AT	     "%s:%d: "
#define PLACE(p)     (p)->report->path, (p)->line

static char *trim(char *text)
{
	text += strspn(text, " \t");
	size_t len = strlen(text);

	while (len > 0 && strchr(" \t\r", text[len - 1]))
		text[--len] = '\0';
	return text;
}

static bool is_name(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return len > 0 && len <= NAME_BYTES_MAX && text[len] == '\0' &&
	       (text[0] < '0' || text[0] > '9');
}

/* The next word of *at, which moves on behind it; words end at blanks. NULL at the end. */
static char *next_word(char **at)
{
	char *word = *at + strspn(*at, " \t");

	if (*word == '\0')
		return NULL;
	char *end = word + strcspn(word, " \t");

	*at = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

/* Cuts "word(inner)" in two; the inner part, NULL without parentheses. False when they do not
 * match. */
static bool cut_parentheses(char *word, char **ret_inner)
{
	char *open = strchr(word, '(');
	size_t len = strlen(word);

	*ret_inner = NULL;
	if (!open)
		return strchr(word, ')') == NULL;
	if (word[len - 1] != ')' || strchr(open, ')') != word + len - 1)
		return false;
	word[len - 1] = '\0';
	*open = '\0';
	*ret_inner = open + 1;
	return true;
}

/* A comma separated list of names as an array that ends with NULL; NULL when one is no name or
 * there is none. */
static const char **split_names(char *list)
{
	size_t n = 1;

	for (const char *c = list; *c; c++)
		n += *c == ',';
	const char **names = mq_alloc(n + 1, sizeof *names);

	for (size_t i = 0; i < n; i++) {
		char *comma = strchr(list, ',');

		if (comma)
			*comma = '\0';
		names[i] = trim(list);
		if (!is_name(names[i])) {
			free(names);
			return NULL;
		}
		if (comma)
			list = comma + 1;
	}
	return names;
}

static void *grow(void *array, size_t n, size_t size)
{
	void *bigger = realloc(array, (n + 1) * size);

	if (!bigger)
		abort(); /* a few hundred bytes, as in mq_alloc() */
	memset((char *)bigger + n * size, 0, size);
	return bigger;
}

static int index_of(const char *word, const char *const *words, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	return -1;
}

/* Takes " | the rest" off the end of the value; NULL when there is none. */
static char *cut_note(char *value)
{
	char *bar = strchr(value, '|');

	if (!bar)
		return NULL;
	*bar = '\0';
	return trim(bar + 1);
}

/* ---------------------------------------------------------------- one reader a key */

static enum mq_rc read_once(struct parser *p, const char *key, const char **field)
{
	if (*field)
		return FAIL(p, AT "'%s' is given twice", PLACE(p), key);
	*field = p->value;
	return MQ_OK;
}

static enum mq_rc read_name(struct parser *p)
{
	if (!is_name(p->value))
		return FAIL(p, AT "name must be of a-z, 0-9 and _, at most %d characters", PLACE(p),
			    NAME_BYTES_MAX);
	return read_once(p, "name", &p->report->name);
}

static enum mq_rc read_title(struct parser *p)
{
	return read_once(p, "title", &p->report->title);
}

static enum mq_rc read_title_de(struct parser *p)
{
	return read_once(p, "title.de", &p->report->title_de);
}

static bool folder_is_clean(const char *folder)
{
	return strspn(folder, "abcdefghijklmnopqrstuvwxyz0123456789_-/") == strlen(folder) &&
	       !strstr(folder, "//") && folder[strlen(folder) - 1] != '/' && strlen(folder) < 200;
}

static enum mq_rc read_folder(struct parser *p)
{
	if (mq_report_keep_days(p->value) < 0 || !folder_is_clean(p->value))
		return FAIL(p,
			    AT "folder must be analytics, compliance, integrations, backups or "
			       "manual, or a folder below one of them",
			    PLACE(p));
	return read_once(p, "folder", &p->report->folder);
}

static enum mq_rc read_sensitivity(struct parser *p)
{
	if (p->sensitivity_given)
		return FAIL(p, AT "'sensitivity' is given twice", PLACE(p));
	p->sensitivity_given = true;
	for (int i = 0; i < MQ_SENSITIVITY_COUNT; i++) {
		if (strcmp(p->value, sensitivities[i].name) == 0) {
			p->report->sensitivity = (enum mq_sensitivity)i;
			return MQ_OK;
		}
	}
	return FAIL(p, AT "sensitivity must be analytics, financial, personal or system", PLACE(p));
}

static bool read_range(char *inner, struct mq_report_param *param)
{
	param->min = INT64_MIN;
	param->max = INT64_MAX;
	if (!inner)
		return true;
	char *dots = strstr(inner, "..");

	if (!dots)
		return false;
	*dots = '\0';
	return mq_int_parse(inner, &param->min) && mq_int_parse(dots + 2, &param->max) &&
	       param->min <= param->max;
}

static enum mq_rc read_param_type(struct parser *p, char *word, struct mq_report_param *param)
{
	char *inner = NULL;
	int type = cut_parentheses(word, &inner)
			   ? index_of(word, param_types, MQ_REPORT_PARAM_TYPE_COUNT)
			   : -1;

	param->type = (enum mq_report_param_type)type;
	if (type == MQ_REPORT_PARAM_ENUM)
		param->choices = inner ? split_names(inner) : NULL;
	bool good = type == MQ_REPORT_PARAM_ENUM  ? param->choices != NULL
		    : type == MQ_REPORT_PARAM_INT ? read_range(inner, param)
						  : type >= 0 && !inner;

	if (!good)
		return FAIL(p,
			    AT "the type of a param must be date, time, text, int, int(1..365) or "
			       "enum(one,two)",
			    PLACE(p));
	return MQ_OK;
}

static enum mq_rc read_param_rest(struct parser *p, char *rest, struct mq_report_param *param)
{
	rest = trim(rest);
	if (strcmp(rest, "optional") == 0)
		param->optional = true;
	else if (rest[0] == '=' && *trim(rest + 1))
		param->fallback = trim(rest + 1);
	else if (rest[0] != '\0')
		return FAIL(p, AT "after the type of a param comes 'optional' or '= DEFAULT'",
			    PLACE(p));
	return MQ_OK;
}

static enum mq_rc read_param(struct parser *p)
{
	struct mq_report *r = p->report;
	const char *help = cut_note(p->value);
	char *rest = p->value;
	const char *name = next_word(&rest);
	char *type = next_word(&rest);

	if (!name || !is_name(name) || !type || !help)
		return FAIL(p, AT "a param is NAME TYPE [optional | = DEFAULT] | HELP", PLACE(p));
	for (size_t i = 0; i < r->n_params; i++)
		if (strcmp(r->params[i].name, name) == 0)
			return FAIL(p, AT "param '%s' is declared twice", PLACE(p), name);
	r->params = grow(r->params, r->n_params, sizeof *r->params);
	struct mq_report_param *param = &r->params[r->n_params++];

	param->name = name;
	param->help = help;
	enum mq_rc rc = read_param_type(p, type, param);
	if (rc == MQ_OK)
		rc = read_param_rest(p, rest, param);
	if (rc != MQ_OK || !param->fallback)
		return rc;
	rc = mq_report_value_check(param, param->fallback, p->err);
	if (rc != MQ_OK)
		mq_err_wrap(p->err, "%s:%d: the default", PLACE(p));
	return rc;
}

static enum mq_rc read_table(struct parser *p)
{
	struct mq_report *r = p->report;
	char *inner = NULL;
	const char **columns = NULL;

	if (cut_parentheses(p->value, &inner) && inner && is_name(trim(p->value)))
		columns = split_names(inner);
	if (!columns)
		return FAIL(p, AT "a table is NAME (COLUMN, COLUMN, ...)", PLACE(p));
	r->tables = grow(r->tables, r->n_tables, sizeof *r->tables);
	r->tables[r->n_tables++] = (struct mq_report_table){ trim(p->value), columns };
	return MQ_OK;
}

static enum mq_rc read_column(struct parser *p)
{
	struct mq_report *r = p->report;
	const char *title_de = cut_note(p->value);
	char *rest = p->value;
	const char *name = next_word(&rest);
	char *word = next_word(&rest);
	char *currency = NULL;
	int type = -1;

	if (name && is_name(name) && word && !next_word(&rest) && cut_parentheses(word, &currency))
		type = index_of(word, column_types, MQ_REPORT_COLUMN_TYPE_COUNT);
	if (type < 0 || (type == MQ_REPORT_MONEY) != (currency != NULL))
		return FAIL(p,
			    AT "a column is NAME TYPE [| GERMAN TITLE]; types are text, int, real, "
			       "date, hundredths and money(CURRENCY COLUMN)",
			    PLACE(p));
	for (size_t i = 0; i < r->n_columns; i++)
		if (strcmp(r->columns[i].name, name) == 0)
			return FAIL(p, AT "column '%s' is declared twice", PLACE(p), name);
	r->columns = grow(r->columns, r->n_columns, sizeof *r->columns);
	r->columns[r->n_columns++] = (struct mq_report_column){
		.name = name,
		.type = (enum mq_report_column_type)type,
		.currency = currency,
		.title_de = title_de,
	};
	return MQ_OK;
}

static const struct {
	const char *key;
	enum mq_rc (*read)(struct parser *p);
} keys[] = {
	{ "name", read_name },
	{ "title", read_title },
	{ "title.de", read_title_de },
	{ "folder", read_folder },
	{ "sensitivity", read_sensitivity },
	{ "param", read_param },
	{ "table", read_table },
	{ "column", read_column },
};
#define N_KEYS (sizeof keys / sizeof keys[0])

static enum mq_rc unknown_key(struct parser *p, const char *key)
{
	const char *names[N_KEYS + 1] = { NULL };

	for (size_t i = 0; i < N_KEYS; i++)
		names[i] = keys[i].key;
	const char *near = mq_suggest(key, names);

	return FAIL(p, AT "unknown key '%.40s': %s%s%s", PLACE(p), key,
		    near ? "did you mean '" : "a header line is '-- KEY: VALUE', and free comments",
		    near ? near : " come after the first empty line", near ? "'?" : "");
}

static enum mq_rc read_line(struct parser *p, char *line)
{
	char *key = trim(line + 2);

	if (*key == '\0')
		return MQ_OK;
	char *colon = strchr(key, ':');

	if (!colon)
		return unknown_key(p, key);
	*colon = '\0';
	p->value = trim(colon + 1);
	for (size_t i = 0; i < N_KEYS; i++) {
		if (strcmp(keys[i].key, trim(key)) != 0)
			continue;
		if (*p->value == '\0')
			return FAIL(p, AT "'%s' has no value", PLACE(p), keys[i].key);
		return keys[i].read(p);
	}
	return unknown_key(p, key);
}

/* ---------------------------------------------------------------- the whole file */

static enum mq_rc link_currencies(struct parser *p)
{
	struct mq_report *r = p->report;

	for (size_t i = 0; i < r->n_columns; i++) {
		struct mq_report_column *c = &r->columns[i];
		size_t k = 0;

		if (c->type != MQ_REPORT_MONEY)
			continue;
		while (k < r->n_columns && (strcmp(r->columns[k].name, c->currency) != 0 ||
					    r->columns[k].type != MQ_REPORT_TEXT))
			k++;
		if (k == r->n_columns)
			return mq_err_set(p->err, MQ_E_INVALID, 0,
					  "%s: money column '%s' names the currency column '%s', "
					  "which must be a declared text column",
					  r->path, c->name, c->currency);
		c->currency_index = (int)k;
	}
	return MQ_OK;
}

static enum mq_rc check_complete(struct parser *p)
{
	const struct mq_report *r = p->report;
	const struct {
		bool given;
		const char *key;
	} needed[] = {
		{ r->name != NULL, "name" },	 { r->title != NULL, "title" },
		{ r->folder != NULL, "folder" }, { p->sensitivity_given, "sensitivity" },
		{ r->n_columns > 0, "column" },
	};

	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
		if (!needed[i].given)
			return FAIL(p, "%s: the header has no line '-- %s: ...'", r->path,
				    needed[i].key);
	if (r->sql[strspn(r->sql, " \t\r\n;")] == '\0')
		return FAIL(p, "%s: there is no query behind the header", r->path);
	return link_currencies(p);
}

static enum mq_rc read_header(struct parser *p)
{
	char *line = p->report->text;

	for (;;) {
		p->line++;
		if (strncmp(line, "--", 2) != 0)
			break;
		char *end = strchr(line, '\n');
		char *next = end ? end + 1 : line + strlen(line);

		if (end)
			*end = '\0';
		enum mq_rc rc = read_line(p, line);
		if (rc != MQ_OK)
			return rc;
		line = next;
	}
	p->report->sql = line;
	p->report->sql_line = p->line;
	return MQ_OK;
}

enum mq_rc mq_report_parse(const char *path, const char *text, size_t len, struct mq_report **ret,
			   struct mq_err *err)
{
	MQ_AUTO(mq_report) struct mq_report *r = mq_alloc(1, sizeof *r);
	struct parser p = { .report = r, .err = err };

	r->path = mq_strdup(path);
	if (memchr(text, '\0', len))
		return FAIL(&p, "%s: the file holds a NUL byte", path);
	r->text = mq_alloc(len + 1, 1);
	memcpy(r->text, text, len);
	enum mq_rc rc = read_header(&p);

	if (rc == MQ_OK)
		rc = check_complete(&p);
	if (rc == MQ_OK)
		*ret = MQ_STEAL(r);
	return rc;
}

static enum mq_rc read_file(int fd, const char *path, struct mq_str *text, struct mq_err *err)
{
	char buf[8192];
	ssize_t n;

	while ((n = read(fd, buf, sizeof buf)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mq_err_sys(err, errno, "read report file '%s'", path);
		mq_str_append(text, buf, (size_t)n);
		if (text->len > FILE_MAX)
			return mq_err_set(err, MQ_E_INVALID, 0,
					  "report file '%s' is longer than %d KiB", path,
					  FILE_MAX / 1024);
	}
	return MQ_OK;
}

static bool is_named_as_its_file(const struct mq_report *report)
{
	const char *slash = strrchr(report->path, '/');
	const char *file = slash ? slash + 1 : report->path;
	size_t n = strlen(report->name);

	return strncmp(file, report->name, n) == 0 && strcmp(file + n, ".sql") == 0;
}

enum mq_rc mq_report_load(const char *path, struct mq_report **ret, struct mq_err *err)
{
	/* Not blocking: the name could be a pipe's. */
	MQ_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	MQ_AUTO(mq_str) struct mq_str text = { 0 };
	MQ_AUTO(mq_report) struct mq_report *report = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return mq_err_sys(err, errno, "open report file '%s'", path);
	if (!S_ISREG(st.st_mode))
		return mq_err_set(err, MQ_E_INVALID, 0, "'%s' is no regular file", path);
	enum mq_rc rc = read_file(fd, path, &text, err);

	if (rc == MQ_OK)
		rc = mq_report_parse(path, text.data ? text.data : "", text.len, &report, err);
	if (rc != MQ_OK)
		return rc;
	if (!is_named_as_its_file(report))
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "%s: the header's name is '%s', so the file must be '%s.sql'",
				  path, report->name, report->name);
	*ret = MQ_STEAL(report);
	return MQ_OK;
}

void mq_report_free(struct mq_report *report)
{
	if (!report)
		return;
	for (size_t i = 0; i < report->n_params; i++)
		free(report->params[i].choices);
	for (size_t i = 0; i < report->n_tables; i++)
		free(report->tables[i].columns);
	free(report->params);
	free(report->tables);
	free(report->columns);
	free(report->text);
	free(report->path);
	free(report);
}

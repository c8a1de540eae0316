#include "config_private.h"
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <mq/str.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX_BYTES ((off_t)1 << 20)
/* libinih's own limits; beyond them it would cut without a word. */
#define NAME_MAX_BYTES 49

/* One pass over the file: libinih asks for the lines and hands back the pairs. */
struct pass {
	struct mq_config_private *priv;
	const char *file;
	const char *next; /* unread rest of the text */
	int line;
	bool goes_on; /* the line now with libinih is indented: it goes on with the value above */
	enum mq_rc rc;
	struct mq_err *err;
};

static struct mq_config_place place_of(const struct pass *pass)
{
	return (struct mq_config_place){ .name = pass->file, .line = pass->line };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* "key =", as far as a line that does not end with the text can tell. */
static bool looks_like_setting(const char *text)
{
	size_t word = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
	return word > 0 && text[word + strspn(text + word, " \t")] == '=';
}

static enum mq_rc section_line(struct pass *pass, const char *text, size_t len)
{
	const struct mq_config_place place = place_of(pass);
	const char *end = memchr(text, ']', len);
	if (!end)
		return mq_err_set(pass->err, MQ_E_INVALID, 0,
				  "%s:%d: a section is written [name]: the ']' is missing",
				  pass->file, pass->line);
	size_t name_len = (size_t)(end - text) - 1;
	if (name_len > NAME_MAX_BYTES)
		return mq_err_set(pass->err, MQ_E_INVALID, 0,
				  "%s:%d: the section's name is longer than %d characters: use a "
				  "shorter glob",
				  pass->file, pass->line, NAME_MAX_BYTES);
	MQ_AUTO_FREE char *name = mq_strf("%.*s", (int)name_len, text + 1);
	return mq_config_section_check(name, &place, pass->err);
}

/* What must be known about a line before libinih sees it. */
static enum mq_rc line_check(struct pass *pass, const char *text, size_t len, size_t room)
{
	size_t indent = 0;
	while (indent < len && is_blank(text[indent]))
		indent++;
	pass->goes_on = indent > 0 && indent < len && text[indent] != '[' &&
			!looks_like_setting(text + indent);
	if (len + 2 > room)
		return mq_err_set(pass->err, MQ_E_INVALID, 0,
				  "%s:%d: the line is longer than %zu characters: go on in the "
				  "next line, indented",
				  pass->file, pass->line, room - 2);
	if (indent < len && text[indent] == '[')
		return section_line(pass, text + indent, len - indent);
	return MQ_OK;
}

/* Reads as fgets(3) does; libinih has no line numbers for its handler, so they are counted here. */
static char *next_line(char *buf, int size, void *ctx)
{
	struct pass *pass = ctx;
	const char *text = pass->next;
	if (*text == '\0' || pass->rc != MQ_OK)
		return NULL;
	size_t len = strcspn(text, "\n");
	pass->line++;
	pass->next += len + (text[len] == '\n');
	if (len > 0 && text[len - 1] == '\r')
		len--;
	pass->rc = line_check(pass, text, len, (size_t)size);
	if (pass->rc != MQ_OK)
		return NULL;
	/* libinih takes any indented line for the rest of the value above. */
	while (!pass->goes_on && len > 0 && is_blank(*text)) {
		text++;
		len--;
	}
	memcpy(buf, text, len);
	memcpy(buf + len, "\n", 2);
	return buf;
}

static int pair(void *ctx, const char *section, const char *key, const char *value)
{
	struct pass *pass = ctx;
	const struct mq_config_place place = place_of(pass);
	if (pass->rc != MQ_OK)
		return 0;
	if (section[0] == '\0')
		pass->rc = mq_err_set(pass->err, MQ_E_INVALID, 0,
				      "%s:%d: '%s' stands before the first [section]", pass->file,
				      pass->line, key);
	else if (pass->goes_on)
		pass->rc = mq_config_continue(pass->priv, section, key, value, &place, pass->err);
	else
		pass->rc = mq_config_assign(pass->priv, section, key, value, &place, pass->err);
	return pass->rc == MQ_OK;
}

static enum mq_rc file_text(const char *file, char **ret_text, struct mq_err *err)
{
	MQ_AUTO_FD int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0)
		return mq_err_sys(err, errno, "configuration '%s'", file);
	if (fstat(fd, &st) != 0)
		return mq_err_sys(err, errno, "configuration '%s'", file);
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES)
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "configuration '%s' must be a regular file of at most 1 MiB",
				  file);
	MQ_AUTO_FREE char *text = mq_alloc((size_t)st.st_size + 1, 1);
	for (off_t got = 0; got < st.st_size;) {
		ssize_t n = read(fd, text + got, (size_t)(st.st_size - got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mq_err_sys(err, errno, "configuration '%s'", file);
		if (n == 0)
			break;
		got += n;
	}
	if (memchr(text, '\0', (size_t)st.st_size))
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "configuration '%s' holds NUL bytes: this is no text file", file);
	*ret_text = MQ_STEAL(text);
	return MQ_OK;
}

enum mq_rc mq_config_ini_read(struct mq_config_private *priv, const char *file, struct mq_err *err)
{
	MQ_AUTO_FREE char *text = NULL;
	enum mq_rc rc = file_text(file, &text, err);
	if (rc != MQ_OK)
		return rc;
	static const char bom[] = "\xEF\xBB\xBF";
	bool has_bom = strncmp(text, bom, strlen(bom)) == 0;
	struct pass pass = {
		.priv = priv, .file = file, .next = text + (has_bom ? strlen(bom) : 0), .err = err
	};
	int bad_line = ini_parse_stream(next_line, &pass, pair, &pass);
	if (pass.rc == MQ_OK && bad_line != 0)
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "%s:%d: expected '[section]', 'key = value' or a comment with "
				  "'#' or ';' in front",
				  file, bad_line);
	return pass.rc;
}

/* Paths as text: the file system is never asked. */
#include <mq/config.h>

#include <mq/str.h>
#include <string.h>

/* Drops the last component of an absolute path in the buffer. */
static void pop(struct mq_str *path)
{
	while (path->len > 0 && path->data[--path->len] != '/')
		;
	if (path->data)
		path->data[path->len] = '\0';
}

static void push_all(struct mq_str *path, const char *text)
{
	for (;;) {
		text += strspn(text, "/");
		size_t n = strcspn(text, "/");

		if (n == 0)
			return;
		if (n == 2 && text[0] == '.' && text[1] == '.') {
			pop(path);
		} else if (n != 1 || text[0] != '.') {
			mq_str_append(path, "/", 1);
			mq_str_append(path, text, n);
		}
		text += n;
	}
}

char *mq_path_absolute(const char *path, const char *base_dir)
{
	struct mq_str out = { 0 };

	if (path[0] != '/')
		push_all(&out, base_dir);
	push_all(&out, path);
	if (out.len == 0)
		mq_str_append(&out, "/", 1);
	return out.data;
}

bool mq_path_is_below(const char *path, const char *dir)
{
	MQ_AUTO_FREE
	char *p = mq_path_absolute(path, "/");
	MQ_AUTO_FREE
	char *d = mq_path_absolute(dir, "/");
	size_t n = strlen(d);

	if (n == 1)
		return p[1] != '\0';
	return strncmp(p, d, n) == 0 && p[n] == '/' && p[n + 1] != '\0';
}

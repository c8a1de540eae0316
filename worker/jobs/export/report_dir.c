/* Report files of several directories; a later directory replaces reports of the same name. */
#include <mq/report.h>

#include <dirent.h>
#include <errno.h>
#include <string.h>

struct entry {
	char *name; /* without .sql */
	char *path;
	size_t rank; /* of its directory */
};

struct list {
	struct entry *entries;
	size_t n;
};

static void list_cleanup(struct list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->entries[i].name);
		free(list->entries[i].path);
	}
	free(list->entries);
}

static void add(struct list *list, const char *dir, const char *file, size_t rank)
{
	size_t len = strlen(file);

	if (file[0] == '.' || len < 5 || strcmp(file + len - 4, ".sql") != 0)
		return;
	struct entry *bigger = realloc(list->entries, (list->n + 1) * sizeof *bigger);

	if (!bigger)
		abort(); /* as mq_alloc() */
	list->entries = bigger;
	bigger[list->n++] = (struct entry){
		.name = mq_strf("%.*s", (int)(len - 4), file),
		.path = mq_strf("%s/%s", dir, file),
		.rank = rank,
	};
}

static int by_name_then_rank(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

/* Keeps the last directory's of each name. */
static void drop_replaced(struct list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->n; i++) {
		struct entry *e = &list->entries[i];

		if (i + 1 < list->n && strcmp(e->name, e[1].name) == 0) {
			free(e->name);
			free(e->path);
			continue;
		}
		list->entries[kept++] = *e;
	}
	list->n = kept;
}

static enum mq_rc collect(const char *const *dirs, struct list *list, struct mq_err *err)
{
	for (size_t rank = 0; dirs && dirs[rank]; rank++) {
		DIR *dir = opendir(dirs[rank]);

		if (!dir && errno == ENOENT)
			continue;
		if (!dir)
			return mq_err_sys(err, errno, "report directory '%s'", dirs[rank]);
		for (struct dirent *e; (e = readdir(dir));)
			add(list, dirs[rank], e->d_name, rank);
		closedir(dir);
	}
	if (list->n > 0)
		qsort(list->entries, list->n, sizeof *list->entries, by_name_then_rank);
	drop_replaced(list);
	return MQ_OK;
}

static enum mq_rc no_report(const struct list *list, const char *name, struct mq_err *err)
{
	const char **names = mq_alloc(list->n + 1, sizeof *names);

	for (size_t i = 0; i < list->n; i++)
		names[i] = list->entries[i].name;
	const char *near = mq_suggest(name, names);

	free(names);
	if (near)
		return mq_err_set(err, MQ_E_INVALID, 0, "no report '%.60s': did you mean '%s'?",
				  name, near);
	return mq_err_set(err, MQ_E_INVALID, 0,
			  "no report '%.60s': 'mq-worker reports' lists those that there are",
			  name);
}

enum mq_rc mq_report_find(const char *const *dirs, const char *name, struct mq_report **ret,
			  struct mq_err *err)
{
	__attribute__((cleanup(list_cleanup))) struct list list = { 0 };
	enum mq_rc rc = collect(dirs, &list, err);

	if (rc != MQ_OK)
		return rc;
	/* The name is only compared, never made into a path. */
	for (size_t i = 0; i < list.n; i++)
		if (strcmp(list.entries[i].name, name) == 0)
			return mq_report_load(list.entries[i].path, ret, err);
	return no_report(&list, name, err);
}

enum mq_rc mq_report_each(const char *const *dirs, mq_report_fn fn, void *ctx, struct mq_err *err)
{
	__attribute__((cleanup(list_cleanup))) struct list list = { 0 };
	enum mq_rc rc = collect(dirs, &list, err);
	bool more = true;

	for (size_t i = 0; rc == MQ_OK && more && i < list.n; i++) {
		MQ_AUTO(mq_report) struct mq_report *report = NULL;
		struct mq_err why = { 0 };

		mq_report_load(list.entries[i].path, &report, &why);
		more = fn(ctx, list.entries[i].path, report, report ? NULL : &why);
	}
	return rc;
}

/* DATABASE_URL as SQLAlchemy 2.0 and its pysqlite dialect read it. */
#include <mq/config.h>
#include <mq/str.h>
#include <string.h>

static const char *const schemes[] = { "sqlite", "sqlite+pysqlite", "sqlite+aiosqlite", NULL };

struct url {
	char *scheme;
	const char *name; /* behind the third slash; not terminated */
	size_t name_len;
	const char *query; /* behind the '?'; NULL: none */
};

static enum mq_rc scheme_check(const char *url, const char *scheme, struct mq_err *err)
{
	for (const char *const *known = schemes; *known; known++)
		if (strcmp(scheme, *known) == 0)
			return MQ_OK;
	const char *near = mq_suggest(scheme, schemes);
	return mq_err_set(err, MQ_E_INVALID, 0,
			  "DATABASE_URL '%s': scheme '%s' is not supported, %s%s%s", url, scheme,
			  near ? "did you mean '" : "it must be sqlite or sqlite+aiosqlite",
			  near ? near : "", near ? "'?" : "");
}

static enum mq_rc no_scheme(const char *url, struct mq_err *err)
{
	if (url[0] == '/' || url[0] == '.')
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "DATABASE_URL '%s' is a path, not a URL: write 'sqlite:///%s'",
				  url, url);
	return mq_err_set(err, MQ_E_INVALID, 0,
			  "DATABASE_URL '%s' is not a URL: write sqlite:///./relative/name.db or "
			  "sqlite:////absolute/name.db",
			  url);
}

static enum mq_rc in_memory(const char *url, struct mq_err *err)
{
	return mq_err_set(
		err, MQ_E_INVALID, 0,
		"DATABASE_URL '%s' names no file but a database in memory, which no other "
		"process can see: write sqlite:////absolute/name.db",
		url);
}

/* Splits and refuses what has a user, a host or no name at all. */
static enum mq_rc split(const char *url, struct url *ret, struct mq_err *err)
{
	size_t scheme_len = strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789_+");
	if (scheme_len == 0 || strncmp(url + scheme_len, "://", 3) != 0)
		return no_scheme(url, err);
	MQ_AUTO_FREE char *scheme = mq_strf("%.*s", (int)scheme_len, url);
	enum mq_rc rc = scheme_check(url, scheme, err);
	if (rc != MQ_OK)
		return rc;
	const char *rest = url + scheme_len + 3;
	if (*rest == '\0' || *rest == '?')
		return in_memory(url, err);
	if (*rest != '/')
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "DATABASE_URL '%s' names a host, '%.*s', which SQLite has not: "
				  "write %s:///%s for a name relative to the working directory, "
				  "%s:////%s for an absolute one",
				  url, (int)strcspn(rest, "/?"), rest, scheme, rest, scheme, rest);
	ret->name = rest + 1;
	ret->name_len = strcspn(ret->name, "?");
	ret->query = ret->name[ret->name_len] == '?' ? ret->name + ret->name_len + 1 : NULL;
	ret->scheme = MQ_STEAL(scheme);
	return MQ_OK;
}

static int hex_value(char c)
{
	const char *digits = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)((at - digits) % 16) : -1;
}

/* In place; what is no %XX stays as it is. */
static void percent_decode(char *text, bool plus_is_blank)
{
	char *out = text;
	for (const char *in = text; *in; in++) {
		int high = in[0] == '%' ? hex_value(in[1]) : -1;
		int low = high >= 0 ? hex_value(in[2]) : -1;
		if (low >= 0) {
			*out++ = (char)(high * 16 + low);
			in += 2;
		} else {
			*out++ = (char)(*in == '+' && plus_is_blank ? ' ' : *in);
		}
	}
	*out = '\0';
}

/* Query keys for Python's driver; what remains goes to SQLite when uri is true. */
static bool is_driver_key(const char *key)
{
	static const char *const keys[] = { "uri",
					    "timeout",
					    "isolation_level",
					    "detect_types",
					    "check_same_thread",
					    "cached_statements",
					    NULL };
	for (const char *const *k = keys; *k; k++)
		if (strcmp(key, *k) == 0)
			return true;
	return false;
}

struct query {
	bool uri;
	bool for_sqlite;     /* some key is SQLite's */
	const char *refused; /* a key with which this program cannot share the file */
	bool memory;
};

static bool is_true(const char *text)
{
	static const char *const words[] = { "true", "yes", "on", "y", "t", "1", NULL };
	for (const char *const *w = words; *w; w++)
		if (strcasecmp(text, *w) == 0)
			return true;
	return false;
}

static void query_pair(struct query *query, const char *key, const char *value)
{
	if (strcmp(key, "uri") == 0)
		query->uri = is_true(value);
	if (is_driver_key(key))
		return;
	query->for_sqlite = true;
	if (strcmp(key, "mode") == 0 && strcmp(value, "memory") == 0)
		query->memory = true;
	/* Both switch SQLite's locks off: two programs would destroy the file. */
	if (strcmp(key, "nolock") == 0 && is_true(value))
		query->refused = "nolock";
	if (strcmp(key, "immutable") == 0 && is_true(value))
		query->refused = "immutable";
}

static void query_read(struct query *query, const char *text)
{
	MQ_AUTO_FREE char *copy = mq_strdup(text);
	char *rest = copy;
	for (char *pair; (pair = strsep(&rest, "&"));) {
		char *value = strchr(pair, '=');
		if (!value)
			continue;
		*value++ = '\0';
		percent_decode(pair, true);
		percent_decode(value, true);
		query_pair(query, pair, value);
	}
}

/*
 * The path inside "file:..." as SQLite reads it: no authority but localhost, no fragment, percent-
 * decoded.
 */
static enum mq_rc file_uri(const char *url, char *name, char **ret_name, struct mq_err *err)
{
	char *path = name + strlen("file:");
	path[strcspn(path, "#")] = '\0';
	if (strncmp(path, "//", 2) == 0) {
		const char *host = path + 2;
		size_t len = strcspn(host, "/");
		if (len != 0 && !(len == 9 && strncmp(host, "localhost", 9) == 0))
			return mq_err_set(err, MQ_E_INVALID, 0,
					  "DATABASE_URL '%s': 'file://' is followed by the host "
					  "'%.*s'; write file:/absolute/name.db",
					  url, (int)len, host);
		path += 2 + len;
	}
	*ret_name = mq_strdup(path);
	percent_decode(*ret_name, false);
	return MQ_OK;
}

/* The name as sqlite3_open() gets it, before it is made absolute. */
static enum mq_rc name_of(const char *url, const struct url *parts, char **ret_name,
			  struct mq_err *err)
{
	struct query query = { 0 };
	if (parts->query)
		query_read(&query, parts->query);
	MQ_AUTO_FREE char *name = mq_strf("%.*s", (int)parts->name_len, parts->name);
	if (!query.uri) {
		*ret_name = MQ_STEAL(name);
		return MQ_OK;
	}
	if (query.memory)
		return in_memory(url, err);
	if (query.refused)
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "DATABASE_URL '%s': %s switches off the locks that several "
				  "programs on one file need: remove it",
				  url, query.refused);
	if (strncmp(name, "file:", 5) == 0)
		return file_uri(url, name, ret_name, err);
	if (query.for_sqlite)
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "DATABASE_URL '%s': with uri=true the name must begin with "
				  "'file:'",
				  url);
	*ret_name = MQ_STEAL(name);
	return MQ_OK;
}

enum mq_rc mq_database_url_path(const char *url, const char *working_dir, char **ret_path,
				struct mq_err *err)
{
	struct url parts = { .name = "" };
	MQ_AUTO_FREE char *name = NULL;
	enum mq_rc rc = split(url, &parts, err);
	if (rc == MQ_OK)
		rc = name_of(url, &parts, &name, err);
	free(parts.scheme);
	if (rc != MQ_OK)
		return rc;
	if (name[0] == '\0' || strcmp(name, ":memory:") == 0)
		return in_memory(url, err);
	if (name[strlen(name) - 1] == '/')
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "DATABASE_URL '%s' names a folder: put the file's name behind it",
				  url);
	*ret_path = mq_path_absolute(name, working_dir);
	return MQ_OK;
}

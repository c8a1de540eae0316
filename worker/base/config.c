#include "config_private.h"
#include "config_value.h"
#include <errno.h>
#include <mq/str.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#define DAY_MS	    (INT64_C(24) * 60 * 60 * 1000)
#define KIND_FIELDS 3

#define DATABASE_URL_STANDARD "sqlite+aiosqlite:///./data/magnetiq.db"

#define AT(field)      offsetof(struct mq_config, field)
#define AT_KIND(field) offsetof(struct mq_config_kind, field)

/*
 * The standard of a path in [data] is below data.dir; all other relative names start at
 * database.working_dir.
 */
/* clang-format off */
static const struct mq_config_setting settings[] = {
	{ "pool", "workers", { NULL }, NULL, AT(workers),
		MQ_CONFIG_INT, 1, 1024, "worker processes; without it one for each processor" },
	{ "pool", "drain_s", { NULL }, "4s", AT(drain_ms),
		MQ_CONFIG_DURATION, 0, DAY_MS, "how long running jobs may go on after SIGTERM before they are interrupted" },
	{ "pool", "only", { NULL }, NULL, AT(only),
		MQ_CONFIG_GLOBS, 0, 0, "kinds that this pool runs; without it all" },
	{ "pool", "except", { NULL }, NULL, AT(except),
		MQ_CONFIG_GLOBS, 0, 0, "kinds that this pool leaves to others" },

	{ "database", "url", { "DATABASE_URL" }, DATABASE_URL_STANDARD, AT(database_url),
		MQ_CONFIG_URL, 0, 0, "the application's DATABASE_URL" },
	{ "database", "working_dir", { NULL }, ".", AT(working_dir),
		MQ_CONFIG_PATH, 0, 0, "working directory of the application, where relative names start" },
	{ "database", "key_file", { NULL }, NULL, AT(key_file),
		MQ_CONFIG_PATH, 0, 0, "file with the raw 32-byte key of an encrypted database" },

	{ "data", "dir", { "DATA_DIR" }, "./data", AT(data_dir),
		MQ_CONFIG_PATH, 0, 0, "data directory of the application; the database is below it" },
	{ "data", "uploads_dir", { "UPLOADS_DIR" }, "uploads", AT(uploads_dir),
		MQ_CONFIG_PATH, 0, 0, "what people uploaded" },
	{ "data", "exports_dir", { "EXPORTS_DIR" }, "exports", AT(exports_dir),
		MQ_CONFIG_PATH, 0, 0, "where reports and data packages appear" },
	{ "data", "backups_dir", { "BACKUPS_DIR" }, "backups", AT(backups_dir),
		MQ_CONFIG_PATH, 0, 0, "where backups appear" },
	{ "data", "logs_dir", { "LOGS_DIR" }, "logs", AT(logs_dir),
		MQ_CONFIG_PATH, 0, 0, "log files of the application" },
	{ "data", "cache_dir", { "CACHE_DIR" }, "cache", AT(cache_dir),
		MQ_CONFIG_PATH, 0, 0, "what can be made again" },
	{ "data", "temp_dir", { "TEMP_DIR" }, "temp", AT(temp_dir),
		MQ_CONFIG_PATH, 0, 0, "workspaces of running jobs" },
	{ "data", "reports_dir", { NULL }, NULL, AT(reports_dir),
		MQ_CONFIG_PATH, 0, 0, "further report files, beside those that came with the program" },

	{ "cache", "enabled", { "CACHE_ENABLED" }, "true", AT(cache_enabled),
		MQ_CONFIG_BOOL, 0, 0, "whether the application uses its cache" },
	{ "backup", "enabled", { "BACKUP_ENABLED" }, "false", AT(backup_enabled),
		MQ_CONFIG_BOOL, 0, 0, "whether backups are made here" },
	{ "encryption", "enabled", { "ENCRYPTION_ENABLED" }, "false", AT(encryption_enabled),
		MQ_CONFIG_BOOL, 0, 0, "refuse to write financial and personal data that is not sealed" },
	{ "logs", "level", { "LOGS_LEVEL", "LOG_LEVEL" }, "info", AT(log_level),
		MQ_CONFIG_LEVEL, 0, 0, "least severe messages that are written" },
};

static const struct mq_config_setting kind_settings[KIND_FIELDS] = {
	{ NULL, "timeout_s", { NULL }, NULL, AT_KIND(timeout_ms),
		MQ_CONFIG_DURATION, 0, 365 * DAY_MS, "a job that runs longer is stopped; 0: never" },
	{ NULL, "max_attempts", { NULL }, NULL, AT_KIND(max_attempts),
		MQ_CONFIG_INT, 1, 100, "a job that failed so often is not tried again" },
	{ NULL, "backoff", { NULL }, NULL, AT_KIND(backoff_min_ms),
		MQ_CONFIG_BACKOFF, 0, 365 * DAY_MS, "wait before the next attempt, BASE or BASE..MAX; doubles each time" },
};
/* clang-format on */

#define SETTINGS (sizeof settings / sizeof settings[0])

struct kind_values {
	char *glob;
	struct mq_config_value values[KIND_FIELDS];
};

struct mq_config_private {
	struct mq_config_value values[SETTINGS];
	struct kind_values *kinds;
	struct mq_config_kind *kinds_public;
	size_t n_kinds;
	char *file;
	char *database;
};

/* ---------------------------------------------------------------- by name */

static const struct mq_config_setting *setting_find(const char *section, const char *key)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (strcmp(settings[i].section, section) == 0 && strcmp(settings[i].key, key) == 0)
			return &settings[i];
	return NULL;
}

static bool is_kind_section(const char *section)
{
	return strncmp(section, MQ_CONFIG_KIND_PREFIX, strlen(MQ_CONFIG_KIND_PREFIX)) == 0;
}

/* The keys of one section, or of [kind.GLOB] for NULL; ends with NULL. */
static void keys_of(const char *section, const char *ret[SETTINGS + 1])
{
	size_t n = 0;
	for (size_t i = 0; section && i < SETTINGS; i++)
		if (strcmp(settings[i].section, section) == 0)
			ret[n++] = settings[i].key;
	for (size_t i = 0; !section && i < KIND_FIELDS; i++)
		ret[n++] = kind_settings[i].key;
	ret[n] = NULL;
}

static enum mq_rc unknown_key(const char *section, const char *key,
			      const struct mq_config_place *place, struct mq_err *err)
{
	const char *keys[SETTINGS + 1];
	struct mq_str all = { 0 };
	MQ_AUTO_FREE char *origin = mq_config_place_text(place);
	keys_of(is_kind_section(section) ? NULL : section, keys);
	const char *near = mq_suggest(key, keys);
	for (size_t i = 0; keys[i]; i++)
		mq_str_printf(&all, "%s%s", i ? ", " : "", keys[i]);
	enum mq_rc rc =
		near ? mq_err_set(err, MQ_E_INVALID, 0,
				  "%s: [%s] has no setting '%s', did you mean '%s'?", origin,
				  section, key, near)
		     : mq_err_set(err, MQ_E_INVALID, 0, "%s: [%s] has no setting '%s', only %s",
				  origin, section, key, all.data);
	mq_str_free(&all);
	return rc;
}

/* Distinct sections, and "kind.GLOB" to show that form; ends with NULL. */
static void sections_of(const char *ret[SETTINGS + 2])
{
	size_t n = 0;
	for (size_t i = 0; i < SETTINGS; i++)
		if (n == 0 || strcmp(ret[n - 1], settings[i].section) != 0)
			ret[n++] = settings[i].section;
	ret[n++] = "kind.GLOB";
	ret[n] = NULL;
}

enum mq_rc mq_config_section_check(const char *section, const struct mq_config_place *place,
				   struct mq_err *err)
{
	const char *sections[SETTINGS + 2];
	MQ_AUTO_FREE char *origin = mq_config_place_text(place);
	if (is_kind_section(section)) {
		const char *glob = section + strlen(MQ_CONFIG_KIND_PREFIX);
		if (mq_config_is_glob_list(glob) && !strpbrk(glob, ", \t"))
			return MQ_OK;
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "%s: [%s]: behind 'kind.' stands one kind or glob such as "
				  "export.report or media.*",
				  origin, section);
	}
	sections_of(sections);
	for (size_t i = 0; sections[i + 1]; i++)
		if (strcmp(sections[i], section) == 0)
			return MQ_OK;
	const char *near = mq_suggest(section, sections);
	if (near)
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "%s: there is no section [%s], did you mean [%s]?", origin,
				  section, near);
	struct mq_str all = { 0 };
	for (size_t i = 0; sections[i]; i++)
		mq_str_printf(&all, "%s[%s]", i ? " " : "", sections[i]);
	enum mq_rc rc = mq_err_set(err, MQ_E_INVALID, 0, "%s: there is no section [%s], only %s",
				   origin, section, all.data);
	mq_str_free(&all);
	return rc;
}

static struct kind_values *kind_values(struct mq_config_private *priv, const char *glob)
{
	for (size_t i = 0; i < priv->n_kinds; i++)
		if (strcmp(priv->kinds[i].glob, glob) == 0)
			return &priv->kinds[i];
	struct kind_values *more = mq_alloc(priv->n_kinds + 1, sizeof *more);
	if (priv->n_kinds)
		memcpy(more, priv->kinds, priv->n_kinds * sizeof *more);
	free(priv->kinds);
	priv->kinds = more;
	more[priv->n_kinds].glob = mq_strdup(glob);
	return &more[priv->n_kinds++];
}

/* The setting and the place of its value. */
static enum mq_rc value_find(struct mq_config_private *priv, const char *section, const char *key,
			     const struct mq_config_place *place,
			     const struct mq_config_setting **ret_setting,
			     struct mq_config_value **ret_value, struct mq_err *err)
{
	enum mq_rc rc = mq_config_section_check(section, place, err);
	if (rc != MQ_OK)
		return rc;
	if (is_kind_section(section)) {
		for (size_t i = 0; i < KIND_FIELDS; i++)
			if (strcmp(kind_settings[i].key, key) == 0) {
				*ret_setting = &kind_settings[i];
				*ret_value =
					&kind_values(priv, section + strlen(MQ_CONFIG_KIND_PREFIX))
						 ->values[i];
				return MQ_OK;
			}
		return unknown_key(section, key, place, err);
	}
	*ret_setting = setting_find(section, key);
	if (!*ret_setting)
		return unknown_key(section, key, place, err);
	*ret_value = &priv->values[*ret_setting - settings];
	return MQ_OK;
}

enum mq_rc mq_config_assign(struct mq_config_private *priv, const char *section, const char *key,
			    const char *text, const struct mq_config_place *place,
			    struct mq_err *err)
{
	const struct mq_config_setting *setting;
	struct mq_config_value *value;
	enum mq_rc rc = value_find(priv, section, key, place, &setting, &value, err);
	if (rc != MQ_OK)
		return rc;
	MQ_AUTO_FREE char *name = mq_strf("%s.%s", section, key);
	return mq_config_value_set(value, setting, name, text, place, err);
}

enum mq_rc mq_config_continue(struct mq_config_private *priv, const char *section, const char *key,
			      const char *more, const struct mq_config_place *place,
			      struct mq_err *err)
{
	const struct mq_config_setting *setting;
	struct mq_config_value *value;
	enum mq_rc rc = value_find(priv, section, key, place, &setting, &value, err);
	if (rc != MQ_OK)
		return rc;
	MQ_AUTO_FREE char *name = mq_strf("%s.%s", section, key);
	MQ_AUTO_FREE char *text =
		mq_strf("%s%s%s", value->text ? value->text : "", value->text ? " " : "", more);
	value->line = 0;
	return mq_config_value_set(value, setting, name, text, place, err);
}

/* ---------------------------------------------------------------- sources */

static enum mq_rc read_options(struct mq_config_private *priv, const char *const *assigns,
			       struct mq_err *err)
{
	static const struct mq_config_place place = { .name = "option" };
	for (; assigns && *assigns; assigns++) {
		const char *equals = strchr(*assigns, '=');
		MQ_AUTO_FREE char *name =
			mq_strf("%.*s", (int)(equals ? equals - *assigns : 0), *assigns);
		char *dot = strrchr(name, '.');
		if (!equals || !dot || dot == name)
			return mq_err_set(err, MQ_E_INVALID, 0,
					  "option --set %s: write SECTION.KEY=VALUE, such as "
					  "pool.workers=4",
					  *assigns);
		*dot = '\0';
		enum mq_rc rc = mq_config_assign(priv, name, dot + 1, equals + 1, &place, err);
		if (rc != MQ_OK)
			return rc;
	}
	return MQ_OK;
}

/*
 * The application takes its variables in any case; the usual spelling wins. An empty one is not
 * set.
 */
static const char *env_value(char *const *environ_, const char *name)
{
	const char *found = NULL;
	size_t len = strlen(name);
	for (; environ_ && *environ_; environ_++) {
		const char *entry = *environ_;
		if (strncasecmp(entry, name, len) != 0 || entry[len] != '=' || !entry[len + 1])
			continue;
		if (strncmp(entry, name, len) == 0)
			return entry + len + 1;
		if (!found)
			found = entry + len + 1;
	}
	return found;
}

static enum mq_rc read_environment(struct mq_config_private *priv, char *const *environ_,
				   struct mq_err *err)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		const struct mq_config_setting *s = &settings[i];
		const char *text = NULL;
		for (size_t e = 0; e < MQ_CONFIG_ENV_NAMES && s->env[e] && !text; e++) {
			text = env_value(environ_, s->env[e]);
			if (!text)
				continue;
			MQ_AUTO_FREE char *origin = mq_strf("environment %s", s->env[e]);
			const struct mq_config_place place = { .name = origin };
			enum mq_rc rc =
				mq_config_assign(priv, s->section, s->key, text, &place, err);
			if (rc != MQ_OK)
				return rc;
		}
	}
	return MQ_OK;
}

static enum mq_rc read_file(struct mq_config_private *priv, const struct mq_config_sources *sources,
			    struct mq_err *err)
{
	const char *file =
		sources->file ? sources->file : env_value(sources->environ_, "MQ_CONFIG");
	bool wanted = file != NULL;
	struct mq_err why = { 0 };
	if (!file)
		file = MQ_CONFIG_DEFAULT_FILE;
	enum mq_rc rc = mq_config_ini_read(priv, file, &why);
	if (rc == MQ_E_NOTFOUND && !wanted)
		return MQ_OK;
	if (rc != MQ_OK)
		return mq_err_set(err, rc, 0, "%s", why.text);
	priv->file = mq_strdup(file);
	return MQ_OK;
}

static int64_t processors(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		return CPU_COUNT(&set);
	return 1;
}

static enum mq_rc read_defaults(struct mq_config_private *priv, struct mq_err *err)
{
	static const struct mq_config_place place = { .name = "default" };
	MQ_AUTO_FREE char *workers = mq_strf("%lld", (long long)processors());
	for (size_t i = 0; i < SETTINGS; i++) {
		const struct mq_config_setting *s = &settings[i];
		const char *text = s->offset == AT(workers) ? workers : s->standard;
		if (priv->values[i].text || !text)
			continue;
		enum mq_rc rc = mq_config_assign(priv, s->section, s->key, text, &place, err);
		if (rc != MQ_OK)
			return rc;
	}
	return MQ_OK;
}

/* ---------------------------------------------------------------- the whole */

static struct mq_config_value *value_at(struct mq_config_private *priv, size_t offset)
{
	size_t i = 0;
	while (settings[i].offset != offset)
		i++;
	return &priv->values[i];
}

static bool is_default(const struct mq_config_value *value)
{
	return strcmp(value->origin, "default") == 0;
}

/* working_dir first, then data_dir, then what is below it: each gives the start of the next. */
static enum mq_rc resolve_paths(struct mq_config_private *priv, struct mq_err *err)
{
	struct mq_config_value *working = value_at(priv, AT(working_dir));
	struct mq_config_value *data = value_at(priv, AT(data_dir));
	MQ_AUTO_FREE char *cwd = getcwd(NULL, 0);
	if (!cwd)
		return mq_err_sys(err, errno, "the current directory");
	working->path = mq_path_absolute(working->text, cwd);
	data->path = mq_path_absolute(data->text, working->path);
	for (size_t i = 0; i < SETTINGS; i++) {
		struct mq_config_value *v = &priv->values[i];
		if (settings[i].type == MQ_CONFIG_PATH && v->text && !v->path)
			v->path = mq_path_absolute(v->text,
						   is_default(v) ? data->path : working->path);
	}
	return MQ_OK;
}

static void fill(struct mq_config *config)
{
	struct mq_config_private *priv = config->priv;
	for (size_t i = 0; i < SETTINGS; i++) {
		const struct mq_config_value *v = &priv->values[i];
		if (v->text)
			mq_config_value_parse(&settings[i], v->path ? v->path : v->text,
					      (char *)config + settings[i].offset);
	}
	priv->kinds_public = mq_alloc(priv->n_kinds + 1, sizeof *priv->kinds_public);
	for (size_t k = 0; k < priv->n_kinds; k++) {
		struct mq_config_kind *kind = &priv->kinds_public[k];
		*kind = (struct mq_config_kind){ priv->kinds[k].glob, -1, -1, -1, -1 };
		for (size_t i = 0; i < KIND_FIELDS; i++)
			if (priv->kinds[k].values[i].text)
				mq_config_value_parse(&kind_settings[i],
						      priv->kinds[k].values[i].text,
						      (char *)kind + kind_settings[i].offset);
	}
	config->kinds = priv->kinds_public;
	config->n_kinds = priv->n_kinds;
	config->file = priv->file;
}

/*
 * The likely slip: /app/data/x.db was meant, three slashes made it app/data/x.db below the working
 * directory.
 */
static enum mq_rc outside_data(const struct mq_config *config, struct mq_err *err)
{
	const char *url = config->database_url;
	const char *name = strstr(url, ":///") + 4;
	MQ_AUTO_FREE char *meant = mq_strf("/%.*s", (int)strcspn(name, "?"), name);
	const char *origin = value_at(config->priv, AT(database_url))->origin;
	if (name[0] != '/' && mq_path_is_below(meant, config->data_dir))
		return mq_err_set(
			err, MQ_E_INVALID, 0,
			"%s: DATABASE_URL '%s' means the file '%s', which is not below "
			"the data directory '%s'. Behind three slashes a name is relative "
			"to the working directory '%s'; for '%s' write four: '%.*s/%s'",
			origin, url, config->database, config->data_dir, config->working_dir, meant,
			(int)(name - url), url, name);
	return mq_err_set(err, MQ_E_INVALID, 0,
			  "%s: DATABASE_URL '%s' means the file '%s', which is not below the data "
			  "directory '%s'. %s, or set data.dir (DATA_DIR) to the folder that holds "
			  "the database",
			  origin, url, config->database, config->data_dir,
			  name[0] == '/' ? "Correct the URL"
					 : "Three slashes are relative to database.working_dir, "
					   "four are absolute: correct the one that is wrong");
}

static enum mq_rc resolve_database(struct mq_config *config, struct mq_err *err)
{
	struct mq_config_private *priv = config->priv;
	enum mq_rc rc = mq_database_url_path(config->database_url, config->working_dir,
					     &priv->database, err);
	if (rc != MQ_OK)
		return mq_err_wrap(err, "%s", value_at(priv, AT(database_url))->origin);
	config->database = priv->database;
	if (!mq_path_is_below(config->database, config->data_dir))
		return outside_data(config, err);
	return MQ_OK;
}

static enum mq_rc read_all(struct mq_config_private *priv, const struct mq_config_sources *sources,
			   struct mq_err *err)
{
	enum mq_rc rc = read_file(priv, sources, err);
	if (rc == MQ_OK)
		rc = read_environment(priv, sources->environ_, err);
	if (rc == MQ_OK)
		rc = read_options(priv, sources->assigns, err);
	if (rc == MQ_OK)
		rc = read_defaults(priv, err);
	if (rc == MQ_OK)
		rc = resolve_paths(priv, err);
	return rc;
}

enum mq_rc mq_config_load(const struct mq_config_sources *sources, struct mq_config **ret,
			  struct mq_err *err)
{
	MQ_AUTO(mq_config) struct mq_config *config = mq_alloc(1, sizeof *config);
	config->priv = mq_alloc(1, sizeof *config->priv);
	enum mq_rc rc = read_all(config->priv, sources, err);
	if (rc != MQ_OK)
		return rc;
	fill(config);
	rc = resolve_database(config, err);
	if (rc == MQ_OK)
		*ret = MQ_STEAL(config);
	return rc;
}

void mq_config_free(struct mq_config *config)
{
	if (!config)
		return;
	struct mq_config_private *priv = config->priv;
	for (size_t i = 0; i < SETTINGS; i++)
		mq_config_value_free(&priv->values[i]);
	for (size_t k = 0; k < priv->n_kinds; k++) {
		free(priv->kinds[k].glob);
		for (size_t i = 0; i < KIND_FIELDS; i++)
			mq_config_value_free(&priv->kinds[k].values[i]);
	}
	free(priv->kinds);
	free(priv->kinds_public);
	free(priv->file);
	free(priv->database);
	free(priv);
	free(config);
}

/* ---------------------------------------------------------------- questions */

static void apply(int64_t *value, int64_t configured)
{
	if (configured >= 0)
		*value = configured;
}

void mq_config_kind_policy(const struct mq_config *config, const char *kind,
			   struct mq_kind_policy *policy)
{
	for (size_t i = 0; i < config->n_kinds; i++) {
		const struct mq_config_kind *k = &config->kinds[i];
		if (!mq_glob_match(k->glob, kind))
			continue;
		apply(&policy->timeout_ms, k->timeout_ms);
		apply(&policy->max_attempts, k->max_attempts);
		apply(&policy->backoff_min_ms, k->backoff_min_ms);
		apply(&policy->backoff_max_ms, k->backoff_max_ms);
	}
	if (policy->backoff_max_ms < policy->backoff_min_ms)
		policy->backoff_max_ms = policy->backoff_min_ms;
}

bool mq_config_serves(const struct mq_config *config, const char *kind)
{
	if (config->only && !mq_glob_list_match(config->only, kind))
		return false;
	return !config->except || !mq_glob_list_match(config->except, kind);
}

void mq_config_each(const struct mq_config *config, mq_config_item_fn fn, void *ctx)
{
	const struct mq_config_private *priv = config->priv;
	for (size_t i = 0; i < SETTINGS; i++) {
		const struct mq_config_value *v = &priv->values[i];
		MQ_AUTO_FREE char *name = mq_strf("%s.%s", settings[i].section, settings[i].key);
		fn(ctx, &(struct mq_config_item){ .name = name,
						  .value = v->path ? v->path : v->text,
						  .origin = v->origin ? v->origin : "default",
						  .help = settings[i].help });
	}
	for (size_t k = 0; k < priv->n_kinds; k++)
		for (size_t i = 0; i < KIND_FIELDS; i++) {
			const struct mq_config_value *v = &priv->kinds[k].values[i];
			MQ_AUTO_FREE char *name =
				mq_strf("kind.%s.%s", priv->kinds[k].glob, kind_settings[i].key);
			if (v->text)
				fn(ctx, &(struct mq_config_item){ .name = name,
								  .value = v->text,
								  .origin = v->origin,
								  .help = kind_settings[i].help });
		}
}

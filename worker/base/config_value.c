#include "config_value.h"
#include <ctype.h>
#include <limits.h>
#include <mq/str.h>
#include <string.h>

static bool parse_int(const struct mq_config_setting *setting, const char *text, void *dest)
{
	int64_t value;
	if (!mq_int_parse(text, &value) || value < setting->min || value > setting->max)
		return false;
	*(int64_t *)dest = value;
	return true;
}

static bool parse_duration(const struct mq_config_setting *setting, const char *text, void *dest)
{
	int64_t ms;
	if (!mq_duration_parse(text, &ms) || ms < setting->min || ms > setting->max)
		return false;
	*(int64_t *)dest = ms;
	return true;
}

/* Fills backoff_min_ms and, behind it, backoff_max_ms: -1 when only BASE is there. */
static bool parse_backoff(const struct mq_config_setting *setting, const char *text, void *dest)
{
	int64_t *range = dest;
	const char *dots = strstr(text, "..");
	MQ_AUTO_FREE char *base =
		mq_strf("%.*s", (int)(dots ? dots - text : (ptrdiff_t)strlen(text)), text);
	int64_t min, max = -1;
	if (!parse_duration(setting, base, &min))
		return false;
	if (dots && (!parse_duration(setting, dots + 2, &max) || max < min))
		return false;
	range[0] = min;
	range[1] = max;
	return true;
}

static bool parse_bool(const struct mq_config_setting *setting, const char *text, void *dest)
{
	(void)setting;
	return mq_bool_parse(text, dest);
}

static bool parse_level(const struct mq_config_setting *setting, const char *text, void *dest)
{
	(void)setting;
	return mq_log_level_parse(text, dest);
}

bool mq_config_is_glob_list(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.-*?, \t")] == '\0' &&
	       text[strspn(text, ", \t")] != '\0';
}

static bool parse_globs(const struct mq_config_setting *setting, const char *text, void *dest)
{
	(void)setting;
	if (!mq_config_is_glob_list(text))
		return false;
	*(const char **)dest = text;
	return true;
}

static bool parse_text(const struct mq_config_setting *setting, const char *text, void *dest)
{
	(void)setting;
	for (const char *c = text; *c; c++)
		if (iscntrl((unsigned char)*c))
			return false;
	if (strlen(text) >= PATH_MAX)
		return false;
	*(const char **)dest = text;
	return true;
}

static const struct {
	bool (*parse)(const struct mq_config_setting *setting, const char *text, void *dest);
	const char *must_be;
} types[MQ_CONFIG_TYPE_COUNT] = {
	[MQ_CONFIG_INT] = { parse_int, "a whole number" },
	[MQ_CONFIG_DURATION] = { parse_duration, "a duration such as 90s, 5min or 1h30min; a "
						 "number alone is seconds" },
	[MQ_CONFIG_BACKOFF] = { parse_backoff,
				"a duration such as 30s, or a range such as 10s..1h" },
	[MQ_CONFIG_BOOL] = { parse_bool, "true or false" },
	[MQ_CONFIG_LEVEL] = { parse_level, "debug, info, warning, error or critical" },
	[MQ_CONFIG_GLOBS] = { parse_globs, "kinds or globs such as export.*, media.image" },
	[MQ_CONFIG_URL] = { parse_text, "a URL without control characters" },
	[MQ_CONFIG_PATH] = { parse_text, "a path without control characters" },
};

bool mq_config_value_parse(const struct mq_config_setting *setting, const char *text, void *dest)
{
	return types[setting->type].parse(setting, text, dest);
}

void mq_config_value_free(struct mq_config_value *value)
{
	free(value->text);
	free(value->origin);
	free(value->path);
}

char *mq_config_place_text(const struct mq_config_place *place)
{
	return place->line ? mq_strf("%s:%d", place->name, place->line) : mq_strdup(place->name);
}

static enum mq_rc wrong_value(const struct mq_config_setting *setting, const char *name,
			      const char *text, const char *origin, struct mq_err *err)
{
	if (text[0] == '\0')
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "%s: %s has no value: leave the setting out for its default",
				  origin, name);
	if (setting->type == MQ_CONFIG_INT)
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "%s: %s = '%s' must be a whole number from %lld to %lld", origin,
				  name, text, (long long)setting->min, (long long)setting->max);
	if (setting->type == MQ_CONFIG_DURATION) {
		char max[MQ_DURATION_TEXT_SIZE];
		mq_duration_format(setting->max, max);
		return mq_err_set(err, MQ_E_INVALID, 0, "%s: %s = '%s' must be %s, at most %s",
				  origin, name, text, types[setting->type].must_be, max);
	}
	return mq_err_set(err, MQ_E_INVALID, 0, "%s: %s = '%s' must be %s", origin, name, text,
			  types[setting->type].must_be);
}

enum mq_rc mq_config_value_set(struct mq_config_value *value,
			       const struct mq_config_setting *setting, const char *name,
			       const char *text, const struct mq_config_place *place,
			       struct mq_err *err)
{
	union {
		int64_t range[2];
		const char *text;
		bool flag;
		enum mq_log_level level;
	} scratch;
	MQ_AUTO_FREE char *origin = mq_config_place_text(place);
	if (place->line && value->line)
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "%s: %s was set in line %d already: keep one of the two", origin,
				  name, value->line);
	if (text[0] == '\0' || !mq_config_value_parse(setting, text, &scratch))
		return wrong_value(setting, name, text, origin, err);
	char *copy = mq_strdup(text);
	mq_config_value_free(value);
	*value = (struct mq_config_value){ .text = copy,
					   .origin = MQ_STEAL(origin),
					   .line = place->line };
	return MQ_OK;
}

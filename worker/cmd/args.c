#include "args.h"
#include <mq/str.h>
#include <string.h>

enum {
	GLOBAL_CONFIG,
	GLOBAL_SET,
	GLOBAL_DATA_DIR,
	GLOBAL_URL,
	GLOBAL_JSON,
	GLOBAL_HELP,
	GLOBAL_VERSION
};

const struct mq_cmd_option mq_args_global[] = {
	[GLOBAL_CONFIG] = { "--config", "FILE",
			    "settings; else $MQ_CONFIG, else " MQ_CONFIG_DEFAULT_FILE, NULL },
	[GLOBAL_SET] = { "--set", "SECTION.KEY=VALUE", "one setting; may be given again", NULL },
	[GLOBAL_DATA_DIR] = { "--data-dir", "DIR", "as --set data.dir=DIR", "data.dir" },
	[GLOBAL_URL] = { "--database-url", "URL", "as --set database.url=URL", "database.url" },
	[GLOBAL_JSON] = { "--json", NULL, "results as JSON, one object a line", NULL },
	[GLOBAL_HELP] = { "--help", NULL, "help for the command", NULL },
	[GLOBAL_VERSION] = { "--version", NULL, "version of the program and its libraries", NULL },
	{ 0 },
};

/* While reading: what is left, and room for everything that argv can hold. */
struct reader {
	const struct mq_command *const *commands;
	char **argv;
	int argc, next;
	struct mq_args *args;
	size_t n_assigns, n_owned;
	struct mq_err *err;
};

static const struct mq_cmd_option *find_in(const struct mq_cmd_option *options, const char *name,
					   size_t len)
{
	for (; options && options->name; options++)
		if (strlen(options->name) == len && strncmp(options->name, name, len) == 0)
			return options;
	return NULL;
}

static const struct mq_command *command_find(const struct mq_command *const *commands,
					     const char *name)
{
	for (; *commands; commands++)
		if (strcmp((*commands)->name, name) == 0)
			return *commands;
	return NULL;
}

static enum mq_rc unknown_command(const struct reader *r, const char *name)
{
	const char *names[64] = { NULL };
	for (size_t i = 0; r->commands[i] && i + 1 < sizeof names / sizeof names[0]; i++)
		names[i] = r->commands[i]->name;
	const char *near = mq_suggest(name, names);
	return mq_err_set(r->err, MQ_E_INVALID, 0, "there is no command '%s'%s%s%s", name,
			  near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static size_t collect(const struct mq_cmd_option *options, const char **ret, size_t n, size_t room)
{
	for (; options && options->name && n + 1 < room; options++)
		ret[n++] = options->name;
	return n;
}

static enum mq_rc unknown_option(const struct reader *r, const char *option, size_t len)
{
	const struct mq_command *command = r->args->command;
	const char *names[64] = { NULL };
	size_t room = sizeof names / sizeof names[0];
	size_t n = collect(mq_args_global, names, 0, room);
	n = collect(command ? command->options : NULL, names, n, room);
	MQ_AUTO_FREE char *name = mq_strf("%.*s", (int)len, option);
	const char *near = mq_suggest(name, names);
	return mq_err_set(r->err, MQ_E_INVALID, 0, "%s has no option '%s'%s%s%s",
			  command ? command->name : "mq-worker", name,
			  near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/*
 * An option before the command may be of any command: only then is it known whether a value
 * follows.
 */
static const struct mq_cmd_option *find_anywhere(const struct reader *r, const char *name,
						 size_t len)
{
	const struct mq_cmd_option *found = find_in(mq_args_global, name, len);
	for (size_t i = 0; r->commands[i] && !found; i++)
		found = find_in(r->commands[i]->options, name, len);
	return found;
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0';
}

/* First pass: the command is the first word that is neither an option nor an option's value. */
static enum mq_rc find_command(struct reader *r)
{
	for (int i = 1; i < r->argc; i++) {
		const char *word = r->argv[i];
		size_t len = strcspn(word, "=");
		if (strcmp(word, "--") == 0)
			return MQ_OK;
		if (strcmp(word, "--retry") == 0)
			word = "retry";
		if (is_option(word)) {
			const struct mq_cmd_option *option = find_anywhere(r, word, len);
			i += option && option->arg && word[len] == '\0';
			continue;
		}
		r->args->command = command_find(r->commands, word);
		if (!r->args->command)
			return unknown_command(r, word);
		r->argv[i] = NULL;
		return MQ_OK;
	}
	return MQ_OK;
}

static void assign(struct reader *r, const char *setting, const char *value)
{
	char *text = mq_strf("%s=%s", setting, value);
	r->args->owned[r->n_owned++] = text;
	r->args->assigns[r->n_assigns++] = text;
}

static void take_global(struct reader *r, const struct mq_cmd_option *option, const char *value)
{
	struct mq_args *args = r->args;
	switch (option - mq_args_global) {
	case GLOBAL_CONFIG:
		args->config_file = value;
		break;
	case GLOBAL_SET:
		args->assigns[r->n_assigns++] = value;
		break;
	case GLOBAL_JSON:
		args->json = true;
		break;
	case GLOBAL_HELP:
		args->help = true;
		break;
	case GLOBAL_VERSION:
		args->version = true;
		break;
	default:
		break;
	}
}

/* The value of the option that `word` holds or that follows it; "" for a switch. */
static enum mq_rc option_value(struct reader *r, const struct mq_cmd_option *option,
			       const char *word, const char **ret)
{
	size_t len = strlen(option->name);
	if (!option->arg && word[len] == '=')
		return mq_err_set(r->err, MQ_E_INVALID, 0, "option %s takes no value",
				  option->name);
	if (!option->arg)
		*ret = "";
	else if (word[len] == '=')
		*ret = word + len + 1;
	else if (r->next < r->argc && r->argv[r->next])
		*ret = r->argv[r->next++];
	else
		return mq_err_set(r->err, MQ_E_INVALID, 0, "option %s needs a value: %s %s",
				  option->name, option->name, option->arg);
	return MQ_OK;
}

static enum mq_rc read_option(struct reader *r, const char *word)
{
	if (strcmp(word, "-h") == 0)
		word = "--help";
	size_t len = strcspn(word, "=");
	const struct mq_cmd_option *own_options =
		r->args->command ? r->args->command->options : NULL;
	const struct mq_cmd_option *own = find_in(own_options, word, len);
	const struct mq_cmd_option *option = own ? own : find_in(mq_args_global, word, len);
	const char *value = NULL;
	if (!option)
		return unknown_option(r, word, len);
	enum mq_rc rc = option_value(r, option, word, &value);
	if (rc != MQ_OK)
		return rc;
	if (option->setting)
		assign(r, option->setting, option->arg ? value : "true");
	if (own)
		r->args->values[own - own_options] = value;
	else
		take_global(r, option, value);
	return MQ_OK;
}

static enum mq_rc read_rest(struct reader *r)
{
	bool ended = false;
	while (r->next < r->argc) {
		char *word = r->argv[r->next++];
		if (!word)
			continue;
		if (!ended && strcmp(word, "--") == 0) {
			ended = true;
		} else if (!ended && is_option(word)) {
			enum mq_rc rc = read_option(r, word);
			if (rc != MQ_OK)
				return rc;
		} else {
			r->args->operands[r->args->n_operands++] = word;
		}
	}
	return MQ_OK;
}

static size_t count_options(const struct mq_command *command)
{
	size_t n = 0;
	while (command && command->options && command->options[n].name)
		n++;
	return n;
}

/* How a mistake is told is decided by a word that may stand behind it. */
static bool mentions_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], mq_args_global[GLOBAL_JSON].name) == 0)
			return true;
	return false;
}

enum mq_rc mq_args_parse(const struct mq_command *const *commands, int argc, char **argv,
			 struct mq_args *ret, struct mq_err *err)
{
	size_t room = (size_t)argc + 1;
	MQ_AUTO_FREE char **words = mq_alloc(room, sizeof *words);
	memcpy(words, argv, (size_t)argc * sizeof *words);
	*ret = (struct mq_args){ .assigns = mq_alloc(room, sizeof *ret->assigns),
				 .operands = mq_alloc(room, sizeof *ret->operands),
				 .owned = mq_alloc(room, sizeof *ret->owned) };
	struct reader r = { .commands = commands,
			    .argv = words,
			    .argc = argc,
			    .next = 1,
			    .args = ret,
			    .err = err };
	enum mq_rc rc = find_command(&r);
	ret->values = mq_alloc(count_options(ret->command) + 1, sizeof *ret->values);
	if (rc == MQ_OK)
		rc = read_rest(&r);
	if (rc != MQ_OK)
		ret->json = mentions_json(argc, argv);
	return rc;
}

void mq_args_free(struct mq_args *args)
{
	for (size_t i = 0; args->owned && args->owned[i]; i++)
		free(args->owned[i]);
	free(args->owned);
	free(args->assigns);
	free(args->operands);
	free(args->values);
	*args = (struct mq_args){ 0 };
}

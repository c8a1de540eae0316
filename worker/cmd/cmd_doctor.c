#include "doctor.h"
#include "view.h"
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#define EXIT_FAILED 1
#define STATE_WIDTH 4
#define CHECK_WIDTH 14

static const struct {
	const char *name, *color;
} states[MQ_DOCTOR_STATES] = {
	[MQ_DOCTOR_OK] = { "ok", "32" },
	[MQ_DOCTOR_INFO] = { "info", "36" },
	[MQ_DOCTOR_WARN] = { "warn", "33" },
	[MQ_DOCTOR_FAIL] = { "fail", "31;1" },
};

static void say_json(enum mq_doctor_state state, const char *check, const char *found,
		     const char *todo)
{
	json_t *object = json_object();
	json_object_set_new(object, "check", json_string(check));
	json_object_set_new(object, "state", json_string(states[state].name));
	json_object_set_new(object, "found", mq_view_json_text(found));
	json_object_set_new(object, "todo", mq_view_json_text(todo));
	mq_cmd_json(object);
}

/* Breaks lines between words; the ones after the first are indented. */
static void put_wrapped(const char *text, int indent, int width)
{
	int room = width > indent + 20 ? width - indent : INT_MAX, used = 0;
	while (*text) {
		int word = (int)strcspn(text, " ");
		if (used > 0 && used + 1 + word > room) {
			printf("\n%*s", indent, "");
			used = 0;
		}
		used += printf("%s%.*s", used > 0 ? " " : "", word, text);
		text += word;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void say_terminal(const struct mq_cmd *cmd, enum mq_doctor_state state, const char *check,
			 const char *found, const char *todo)
{
	int indent = STATE_WIDTH + 2 + CHECK_WIDTH + 2;
	printf("%s%s%s%-*s%s  %-*s  ", cmd->color ? "\033[" : "",
	       cmd->color ? states[state].color : "", cmd->color ? "m" : "", STATE_WIDTH,
	       states[state].name, cmd->color ? "\033[0m" : "", CHECK_WIDTH, check);
	put_wrapped(found, indent, cmd->width);
	if (!todo)
		return;
	printf("%*s-> ", indent, "");
	put_wrapped(todo, indent + 3, cmd->width);
}

void mq_doctor_say(struct mq_doctor *doctor, enum mq_doctor_state state, const char *check,
		   const char *todo, const char *fmt, ...)
{
	char found[1200];
	va_list args;
	va_start(args, fmt);
	vsnprintf(found, sizeof found, fmt, args);
	va_end(args);
	doctor->count[state]++;
	if (doctor->cmd->json)
		say_json(state, check, found, todo);
	else if (doctor->cmd->terminal)
		say_terminal(doctor->cmd, state, check, found, todo);
	else
		printf("%s\t%s\t%s\t%s\n", states[state].name, check, found, todo ? todo : "");
}

static void check_configuration(struct mq_doctor *doctor, struct mq_config **ret)
{
	struct mq_err err = { 0 };
	if (mq_config_load(doctor->cmd->sources, ret, &err) != MQ_OK) {
		mq_doctor_say(doctor, MQ_DOCTOR_FAIL, "configuration",
			      "correct it; until then nothing else about the database is checked",
			      "%s", err.text);
		return;
	}
	doctor->config = *ret;
	mq_doctor_say(doctor, MQ_DOCTOR_OK, "configuration", NULL,
		      "%s; all values: mq-worker config",
		      (*ret)->file ? (*ret)->file : "no file, environment and defaults");
	mq_doctor_say(doctor, MQ_DOCTOR_OK, "database url", NULL,
		      "%s is %s, below the data directory", (*ret)->database_url, (*ret)->database);
}

static void check_all(struct mq_doctor *doctor)
{
	MQ_AUTO(mq_config) struct mq_config *config = NULL;
	check_configuration(doctor, &config);
	mq_doctor_system(doctor);
	if (!config)
		return;
	mq_doctor_folders(doctor);
	if (mq_doctor_database_file(doctor)) {
		mq_doctor_mmap(doctor);
		mq_doctor_queue(doctor);
	}
	doctor->config = NULL;
}

static int run(struct mq_cmd *cmd)
{
	struct mq_doctor doctor = { .cmd = cmd };
	if (cmd->argc > 0)
		return mq_cmd_usage(cmd, "'%s' is too much: everything is checked", cmd->argv[0]);
	check_all(&doctor);
	if (cmd->terminal && !cmd->json)
		printf("\nok %d, info %d, warn %d, fail %d\n", doctor.count[MQ_DOCTOR_OK],
		       doctor.count[MQ_DOCTOR_INFO], doctor.count[MQ_DOCTOR_WARN],
		       doctor.count[MQ_DOCTOR_FAIL]);
	return doctor.count[MQ_DOCTOR_FAIL] ? EXIT_FAILED : 0;
}

const struct mq_command mq_cmd_doctor = {
	.name = "doctor",
	.args = "",
	.summary = "Check everything here, and say what to do",
	.examples = "mq-worker doctor\n"
		    "mq-worker doctor --json | grep '\"fail\"'\n",
	.details = "Changes nothing. Exit status 1 when a check failed. Run it as the user that "
		   "runs the worker.\n"
		   "Without a terminal: tab-separated state, check, what was found, what to do.\n",
	.no_config = true,
	.run = run,
};

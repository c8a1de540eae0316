#include "args.h"
#include <mq/str.h>
#include <string.h>
#include <support/cmocka_all.h>

static const struct mq_cmd_option run_options[] = {
	{ "--workers", "N", "", "pool.workers" },
	{ "--drain", NULL, "", NULL },
	{ "--fast", NULL, "", "pool.fast" },
	{ 0 },
};
static const struct mq_cmd_option retry_options[] = {
	{ "--kind", "GLOB", "", NULL },
	{ "--dry-run", NULL, "", NULL },
	{ 0 },
};
static const struct mq_command run_command = { .name = "run", .args = "", .options = run_options };
static const struct mq_command retry_command = { .name = "retry",
						 .args = "",
						 .options = retry_options };
static const struct mq_command show_command = { .name = "show", .args = "ID" };
static const struct mq_command *const commands[] = { &run_command, &retry_command, &show_command,
						     NULL };

struct fixture {
	struct mq_args args;
	struct mq_err err;
	enum mq_rc rc;
	char *words[16];
};

static int set_up(void **state)
{
	*state = mq_alloc(1, sizeof(struct fixture));
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	mq_args_free(&f->args);
	free(f->words[1]);
	free(f);
	return 0;
}

/* Splits at '|'; the program's own name comes first. */
static void parse(struct fixture *f, const char *line)
{
	int n = 1;
	mq_args_free(&f->args);
	free(f->words[1]);
	memset(f->words, 0, sizeof f->words);
	f->err = (struct mq_err){ 0 };
	static char program[] = "mq-worker";
	f->words[0] = program;
	char *rest = line[0] ? mq_strdup(line) : NULL;
	while (rest)
		f->words[n++] = strsep(&rest, "|");
	f->rc = mq_args_parse(commands, n, f->words, &f->args, &f->err);
}

static void assert_parsed(const struct fixture *f)
{
	if (f->rc != MQ_OK)
		fail_msg("%s", f->err.text);
}

static void nothing_at_all_is_no_command_and_no_error(void **state)
{
	struct fixture *f = *state;
	parse(f, "");
	assert_parsed(f);
	assert_null(f->args.command);
	assert_int_equal(f->args.n_operands, 0);
	assert_null(f->args.assigns[0]);
}

static void options_may_stand_anywhere(void **state)
{
	static const char *const lines[] = {
		"--workers|3|run|a|--json|--drain|b",
		"run|--workers=3|a|b|--drain|--json",
		"--json|run|a|--drain|b|--workers|3",
		"--drain|--workers=3|--json|run|a|b",
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		parse(f, lines[i]);
		assert_parsed(f);
		assert_ptr_equal(f->args.command, &run_command);
		assert_true(f->args.json);
		assert_string_equal(f->args.values[0], "3");
		assert_string_equal(f->args.values[1], "");
		assert_null(f->args.values[2]);
		assert_int_equal(f->args.n_operands, 2);
		assert_string_equal(f->args.operands[0], "a");
		assert_string_equal(f->args.operands[1], "b");
		assert_string_equal(f->args.assigns[0], "pool.workers=3");
		assert_null(f->args.assigns[1]);
	}
}

static void global_options_take_their_values(void **state)
{
	struct fixture *f = *state;
	parse(f, "--config|show|--set|a.b=1|show|--set=c.d=2|--data-dir|/"
		 "d|--database-url=u?x=1|--version|-h");
	assert_parsed(f);
	assert_ptr_equal(f->args.command, &show_command);
	assert_string_equal(f->args.config_file, "show");
	assert_string_equal(f->args.assigns[0], "a.b=1");
	assert_string_equal(f->args.assigns[1], "c.d=2");
	assert_string_equal(f->args.assigns[2], "data.dir=/d");
	assert_string_equal(f->args.assigns[3], "database.url=u?x=1");
	assert_null(f->args.assigns[4]);
	assert_true(f->args.version);
	assert_true(f->args.help);
}

static void a_switch_may_mean_a_setting(void **state)
{
	struct fixture *f = *state;
	parse(f, "run|--fast");
	assert_parsed(f);
	assert_string_equal(f->args.assigns[0], "pool.fast=true");
}

static void retry_is_also_an_option(void **state)
{
	static const char *const lines[] = { "--retry|5|--kind|a.*", "--kind=a.*|--retry|5",
					     "--kind|a.*|--json|--retry|5", "retry|5|--kind|a.*" };
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		parse(f, lines[i]);
		assert_parsed(f);
		assert_ptr_equal(f->args.command, &retry_command);
		assert_string_equal(f->args.values[0], "a.*");
		assert_int_equal(f->args.n_operands, 1);
		assert_string_equal(f->args.operands[0], "5");
	}
}

static void two_dashes_end_the_options(void **state)
{
	struct fixture *f = *state;
	parse(f, "show|--|--json|-|--");
	assert_parsed(f);
	assert_false(f->args.json);
	assert_int_equal(f->args.n_operands, 3);
	assert_string_equal(f->args.operands[0], "--json");
	assert_string_equal(f->args.operands[1], "-");
	assert_string_equal(f->args.operands[2], "--");
}

static void a_dash_alone_and_empty_words_are_operands(void **state)
{
	struct fixture *f = *state;
	parse(f, "show|-||--json");
	assert_parsed(f);
	assert_int_equal(f->args.n_operands, 2);
	assert_string_equal(f->args.operands[1], "");
}

static void wrong_words_name_the_right_ones(void **state)
{
	static const struct {
		const char *line, *says;
	} rows[] = {
		{ "rnu", "there is no command 'rnu', did you mean 'run'?" },
		{ "sing", "there is no command 'sing'" },
		{ "run|--wrokers|3", "run has no option '--wrokers', did you mean '--workers'?" },
		{ "run|--jsno", "run has no option '--jsno', did you mean '--json'?" },
		{ "show|--workers|3", "show has no option '--workers'" },
		{ "show|-x", "show has no option '-x'" },
		{ "--workers|3", "mq-worker has no option '--workers'" },
		{ "run|--workers", "option --workers needs a value: --workers N" },
		{ "run|--drain=1", "option --drain takes no value" },
		{ "run|--json=yes", "option --json takes no value" },
		{ "--config", "option --config needs a value: --config FILE" },
		{ "run|--work=3", "run has no option '--work'" },
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		parse(f, rows[i].line);
		assert_int_equal(f->rc, MQ_E_INVALID);
		if (!strstr(f->err.text, rows[i].says))
			fail_msg("%s says: %s", rows[i].line, f->err.text);
	}
}

static void json_behind_a_mistake_is_seen(void **state)
{
	struct fixture *f = *state;
	parse(f, "rnu|--json");
	assert_true(f->args.json);
	parse(f, "run|--wrokers|3|--json");
	assert_true(f->args.json);
	parse(f, "run|--wrokers|--|--json");
	assert_false(f->args.json);
	parse(f, "run|--workers|--json");
	assert_parsed(f);
	assert_false(f->args.json);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_at_all_is_no_command_and_no_error),
		TEST(options_may_stand_anywhere),
		TEST(global_options_take_their_values),
		TEST(a_switch_may_mean_a_setting),
		TEST(retry_is_also_an_option),
		TEST(two_dashes_end_the_options),
		TEST(a_dash_alone_and_empty_words_are_operands),
		TEST(wrong_words_name_the_right_ones),
		TEST(json_behind_a_mistake_is_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "args.h"
#include <mq/str.h>
#include <string.h>

void mq_cmd_help_usage(FILE *out, const struct mq_command *command)
{
	fprintf(out, "usage: mq-worker %s%s%s%s\n", command->name, command->args[0] ? " " : "",
		command->args, command->options ? " [OPTION..]" : "");
}

static void put_options(const struct mq_cmd_option *options)
{
	size_t width = 0;
	for (const struct mq_cmd_option *o = options; o->name; o++) {
		size_t len = strlen(o->name) + (o->arg ? strlen(o->arg) + 1 : 0);
		width = len > width ? len : width;
	}
	for (const struct mq_cmd_option *o = options; o->name; o++) {
		MQ_AUTO_FREE char *form =
			mq_strf("%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
		printf("  %-*s  %s\n", (int)width, form, o->help);
	}
}

static void put_examples(const char *lines)
{
	while (*lines) {
		int len = (int)strcspn(lines, "\n");
		printf("  %.*s\n", len, lines);
		lines += len + (lines[len] == '\n');
	}
}

void mq_cmd_help(const struct mq_command *command)
{
	printf("%s.\n\n", command->summary);
	put_examples(command->examples);
	putchar('\n');
	mq_cmd_help_usage(stdout, command);
	if (command->options) {
		puts("");
		put_options(command->options);
	}
	if (command->details)
		printf("\n%s", command->details);
	puts("\nOptions of every command: mq-worker --help");
}

void mq_cmd_help_all(const struct mq_command *const *commands)
{
	puts("mq-worker runs the background jobs of an application on one SQLite file.\n\n"
	     "  mq-worker doctor                      what is missing here, and what to do\n"
	     "  mq-worker init                        put the queue into the database\n"
	     "  mq-worker enqueue export.report '{\"report\":\"financial_summary\"}' --wait\n"
	     "  mq-worker run                         work until SIGTERM\n"
	     "  mq-worker list --status failed        what went wrong\n"
	     "  mq-worker --retry                     try the failed jobs again\n\n"
	     "usage: mq-worker COMMAND [OPTION..]\n");
	for (; *commands; commands++)
		printf("  %-8s  %s\n", (*commands)->name, (*commands)->summary);
	puts("\nOptions of every command:");
	put_options(mq_args_global);
	puts("\nMore: mq-worker COMMAND --help, man mq-worker, man mq-worker.conf");
}

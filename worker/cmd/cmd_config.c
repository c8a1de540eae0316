#include "cmd.h"
#include "table.h"
#include "view.h"

static const struct mq_table_column columns[] = {
	{ "SETTING", false, false },
	{ "VALUE", false, false },
	{ "FROM", false, true },
	{ NULL, false, false },
};

struct printing {
	const struct mq_cmd *cmd;
	struct mq_table *table;
};

static void show_item(void *ctx, const struct mq_config_item *item)
{
	struct printing *printing = ctx;
	if (printing->cmd->json) {
		json_t *object = json_object();
		json_object_set_new(object, "name", mq_view_json_text(item->name));
		json_object_set_new(object, "value", mq_view_json_text(item->value));
		json_object_set_new(object, "origin", mq_view_json_text(item->origin));
		json_object_set_new(object, "help", mq_view_json_text(item->help));
		mq_cmd_json(object);
		return;
	}
	mq_table_cell(printing->table, item->name);
	mq_table_cell(printing->table, item->value		 ? item->value
				       : printing->cmd->terminal ? "-"
								 : "");
	mq_table_cell(printing->table, item->origin);
}

static int run(struct mq_cmd *cmd)
{
	if (cmd->argc > 0)
		return mq_cmd_usage(cmd, "'%s' is too much: all settings are shown", cmd->argv[0]);
	MQ_AUTO(mq_table) struct mq_table *table = mq_cmd_table(cmd, columns, NULL);
	struct printing printing = { .cmd = cmd, .table = table };
	mq_config_each(cmd->config, show_item, &printing);
	const struct mq_config_item file = { .name = "database file",
					     .value = cmd->config->database,
					     .origin = "database.url",
					     .help = "the file that the URL means" };
	show_item(&printing, &file);
	mq_table_end(table);
	return 0;
}

const struct mq_command mq_cmd_config = {
	.name = "config",
	.args = "",
	.summary = "Every setting, its value and where it comes from",
	.examples = "mq-worker config\n"
		    "mq-worker config --set pool.workers=8 --json\n",
	.details =
		"Options win over the environment, it wins over the file, that over the defaults.\n"
		"Keys are shown by the name of their file only. See mq-worker.conf(5).\n",
	.run = run,
};

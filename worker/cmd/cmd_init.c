#include "cmd.h"
#include "view.h"
#include <errno.h>
#include <fcntl.h>
#include <mq/str.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The folders that the application's data directory has; further ones below them are made by the
 * jobs.
 */
static const struct {
	size_t root; /* of struct mq_config */
	const char *below;
	mode_t mode;
} folders[] = {
	{ offsetof(struct mq_config, uploads_dir), "", 0700 },
	{ offsetof(struct mq_config, exports_dir), "", 0755 },
	{ offsetof(struct mq_config, backups_dir), "", 0700 },
	{ offsetof(struct mq_config, logs_dir), "", 0755 },
	{ offsetof(struct mq_config, cache_dir), "", 0755 },
	{ offsetof(struct mq_config, temp_dir), "", 0700 },
	{ offsetof(struct mq_config, temp_dir), "/processing", 0700 },
};

static void tell(const struct mq_cmd *cmd, const char *what, const char *name, const char *state)
{
	if (cmd->json) {
		json_t *object = json_object();
		json_object_set_new(object, "type", json_string(what));
		json_object_set_new(object, "name", mq_view_json_text(name));
		json_object_set_new(object, "state", json_string(state));
		mq_cmd_json(object);
	} else if (cmd->terminal) {
		printf("%-8s  %-11s  %s\n", what, state, name);
	} else {
		printf("%s\t%s\t%s\n", what, state, name);
	}
}

/*
 * Made by root, a folder would be of no use to the application: it gets the owner of the data
 * directory.
 */
static enum mq_rc make_folder(const char *path, mode_t mode, const struct stat *data,
			      bool *ret_made, struct mq_err *err)
{
	*ret_made = mkdir(path, mode) == 0;
	if (!*ret_made && errno != EEXIST)
		return mq_err_sys(err, errno, "folder '%s'", path);
	MQ_AUTO_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return mq_err_sys(err, errno, "folder '%s'", path);
	if (!*ret_made)
		return MQ_OK;
	/* The umask of whoever runs this must not decide. */
	if (fchmod(fd, mode) != 0)
		return mq_err_sys(err, errno, "mode of folder '%s'", path);
	if (geteuid() == 0 && fchown(fd, data->st_uid, data->st_gid) != 0)
		return mq_err_sys(err, errno, "owner of folder '%s'", path);
	return MQ_OK;
}

static enum mq_rc make_folders(const struct mq_cmd *cmd, struct mq_err *err)
{
	const struct mq_config *config = cmd->config;
	struct stat data;
	if (stat(config->data_dir, &data) != 0)
		return mq_err_sys(err, errno, "data directory '%s'", config->data_dir);
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		const char *root = *(const char *const *)((const char *)config + folders[i].root);
		MQ_AUTO_FREE char *path = mq_strf("%s%s", root, folders[i].below);
		bool made;
		enum mq_rc rc = make_folder(path, folders[i].mode, &data, &made, err);
		if (rc != MQ_OK)
			return rc;
		tell(cmd, "folder", path, made ? "made" : "exists");
	}
	return MQ_OK;
}

static enum mq_rc apply_schema(const struct mq_cmd *cmd, struct mq_err *err)
{
	MQ_AUTO(mq_queue) struct mq_queue *queue = NULL;
	enum mq_rc rc = mq_cmd_queue(cmd, false, &queue, err);
	if (rc != MQ_OK)
		return rc;
	int found = mq_queue_schema_found(queue), now = mq_queue_schema_version();
	MQ_AUTO_FREE char *state = found == now ? mq_strdup("up to date")
				   : found == 0 ? mq_strdup("made")
						: mq_strf("%d to %d", found, now);
	MQ_AUTO_FREE char *name = mq_strf("version %d in %s", now, cmd->config->database);
	tell(cmd, "schema", name, state);
	return MQ_OK;
}

/* The database is the application's: only it knows how its tables look. */
static enum mq_rc database_check(const struct mq_config *config, struct mq_err *err)
{
	struct stat st;
	if (stat(config->database, &st) == 0 || errno != ENOENT)
		return MQ_OK;
	return mq_err_set(err, MQ_E_NOTFOUND, 0,
			  "there is no database '%s', and mq-worker never makes one: start the "
			  "application once, it makes it. If it is elsewhere, set DATABASE_URL and "
			  "DATA_DIR as the application has them (mq-worker config shows what holds "
			  "now). To try without the application: sqlite3 '%s' 'PRAGMA "
			  "journal_mode=WAL; VACUUM'",
			  config->database, config->database);
}

static int run(struct mq_cmd *cmd)
{
	struct mq_err err = { 0 };
	if (cmd->argc > 0)
		return mq_cmd_usage(cmd, "'%s' is too much: the database is --database-url",
				    cmd->argv[0]);
	if (database_check(cmd->config, &err) != MQ_OK || apply_schema(cmd, &err) != MQ_OK ||
	    make_folders(cmd, &err) != MQ_OK)
		return mq_cmd_fail(cmd, &err);
	return 0;
}

const struct mq_command mq_cmd_init = {
	.name = "init",
	.args = "",
	.summary = "Put the queue's tables into the database, make missing folders",
	.examples = "mq-worker init\n"
		    "DATA_DIR=/srv/app/data DATABASE_URL=sqlite:////srv/app/data/magnetiq.db "
		    "mq-worker init\n",
	.details =
		"Changes nothing that is there already and touches no table of the application, so "
		"it can\n"
		"be run at any time. mq-worker run does the same with the tables at every start.\n",
	.run = run,
};

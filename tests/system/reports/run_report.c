/*
 * run_report DATABASE OUTPUT-DIRECTORY REPORT-DIRECTORY PAYLOAD: runs export.report once over a
 * database, without a queue, and prints the job's result. For check_reports.py.
 */
#include "fakes/fake_run.h"

#include <stdio.h>
#include <sys/stat.h>

static sqlite3 *open_database(const char *path)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	    sqlite3_exec(db, "PRAGMA query_only = 1; BEGIN", NULL, NULL, NULL) == SQLITE_OK)
		return db;
	fprintf(stderr, "run_report: %s: %s\n", path, sqlite3_errmsg(db));
	sqlite3_close(db);
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: run_report DATABASE OUTPUT REPORTS PAYLOAD\n");
		return 2;
	}
	const char *dirs[] = { argv[3], NULL };
	struct mq_run run = {
		.dir = argv[2],
		.db = open_database(argv[1]),
		.job_id = 1,
		.policy = { .report_dirs = dirs, .version = "test" },
	};
	struct mq_err err = { 0 };

	if (!run.db)
		return 1;
	mkdir(argv[2], 0755);
	enum mq_rc rc = fake_run(&run, mq_handler_find("export.report"), argv[4], &err);

	if (rc == MQ_OK) {
		json_dumpf(run.result, stdout, JSON_PRESERVE_ORDER);
		putchar('\n');
	} else {
		fprintf(stderr, "run_report: %s\n", err.text);
	}
	fake_run_reset(&run);
	sqlite3_close(run.db);
	return rc == MQ_OK ? 0 : 1;
}

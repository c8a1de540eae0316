/* The checks of mq-worker doctor; doctor_*.c hold them by what they look at. */
#ifndef MQ_CMD_DOCTOR_H
#define MQ_CMD_DOCTOR_H

#include "cmd.h"

/* INFO: nothing is wrong, but good to know. FAIL: the pool cannot run, or not safely. */
enum mq_doctor_state {
	MQ_DOCTOR_OK,
	MQ_DOCTOR_INFO,
	MQ_DOCTOR_WARN,
	MQ_DOCTOR_FAIL,
	MQ_DOCTOR_STATES
};

struct mq_doctor {
	const struct mq_cmd *cmd;
	const struct mq_config *config;
	int count[MQ_DOCTOR_STATES];
};

/* One line of the result. `todo` says what to do about it; NULL: nothing. */
void mq_doctor_say(struct mq_doctor *doctor, enum mq_doctor_state state, const char *check,
		   const char *todo, const char *fmt, ...) MQ_PRINTF(5, 6);

/* False: the file is not there or no database; nothing that needs it can be checked. */
bool mq_doctor_database_file(struct mq_doctor *doctor);
void mq_doctor_folders(
	struct mq_doctor *doctor); /* owners, modes, free space, file system, key file */
void mq_doctor_system(struct mq_doctor *doctor); /* libraries, kernel features, programs */
void mq_doctor_mmap(struct mq_doctor *doctor);	 /* who maps the database */
void mq_doctor_queue(struct mq_doctor *doctor);	 /* schema, journal, workers, jobs */

/*
 * SQLite versions whose WAL can be damaged when a checkpoint meets a commit; `number` as
 * sqlite3_libversion_number().
 */
bool mq_doctor_has_wal_reset_bug(int number);

#endif

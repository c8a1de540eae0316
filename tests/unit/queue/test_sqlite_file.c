/* Snapshots, checkpoints and facts about the file. */
#include "scratch.h"

#include <fakes/fake_lease.h>
#include <mq/str.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <support/cmocka_all.h>

struct fixture {
	char *database;
	struct mq_lease *lease;
	struct mq_queue *queue;
	struct sqlite3 *app;
	struct mq_err err;
};

static int set_up(void **state)
{
	struct fixture *f = mq_alloc(1, sizeof *f);

	f->database = scratch_make();
	f->lease = fake_lease_new();
	const struct mq_queue_options options = { .database = f->database, .lease = f->lease };
	if (mq_queue_open(&mq_queue_driver_sqlite, &options, &f->queue, &f->err) != MQ_OK)
		fail_msg("%s", f->err.text);
	f->app = scratch_connect(f->database);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	sqlite3_close(f->app);
	mq_queue_close(f->queue);
	mq_lease_close(f->lease);
	scratch_remove(f->database);
	free(f->database);
	free(f);
	return 0;
}

static struct mq_checkpoint checkpoint(struct fixture *f)
{
	struct mq_checkpoint result = { 0 };

	if (mq_queue_checkpoint(f->queue, &result, &f->err) != MQ_OK)
		fail_msg("%s", f->err.text);
	return result;
}

static void write_some(struct fixture *f)
{
	for (int i = 0; i < 20; i++)
		scratch_exec(f->app, "INSERT INTO bookings VALUES (1, zeroblob(3000))");
}

static void a_checkpoint_copies_the_whole_wal(void **state)
{
	struct fixture *f = *state;
	struct mq_queue_facts facts;

	write_some(f);
	struct mq_checkpoint result = checkpoint(f);
	assert_true(result.done);
	assert_true(result.wal_frames >= 20);
	assert_int_equal(result.copied, result.wal_frames);
	assert_true(fake_lease_holds(f->lease, MQ_LEASE_CHECKPOINT));
	/* The next writer starts the WAL anew instead of making it longer. */
	assert_int_equal(mq_queue_facts(f->queue, &facts, &f->err), MQ_OK);
	int64_t before = facts.wal_bytes;
	write_some(f);
	assert_int_equal(mq_queue_facts(f->queue, &facts, &f->err), MQ_OK);
	assert_true(facts.wal_bytes <= before + 4096);
	assert_int_equal(scratch_int(f->app, "SELECT count(*) FROM bookings"), 40);
	assert_int_equal(scratch_int(f->app, "SELECT count(*) FROM pragma_integrity_check WHERE "
					     "integrity_check = 'ok'"),
			 1);
}

static void only_the_holder_of_the_byte_checkpoints(void **state)
{
	struct fixture *f = *state;

	write_some(f);
	fake_lease_take(f->lease, MQ_LEASE_CHECKPOINT);
	assert_false(checkpoint(f).done);
	fake_lease_drop(f->lease, MQ_LEASE_CHECKPOINT); /* that process has died */
	assert_true(checkpoint(f).done);
	assert_true(checkpoint(f).done);
}

static void the_byte_is_free_once_the_checkpointer_has_closed(void **state)
{
	struct fixture *f = *state;

	checkpoint(f);
	mq_queue_close(f->queue);
	f->queue = NULL;
	assert_false(fake_lease_holds(f->lease, MQ_LEASE_CHECKPOINT));
}

static void a_checkpoint_does_not_wait_for_a_writer(void **state)
{
	struct fixture *f = *state;

	write_some(f);
	scratch_exec(f->app, "BEGIN IMMEDIATE; INSERT INTO bookings VALUES (2, 'open')");
	assert_false(checkpoint(f).done);
	scratch_exec(f->app, "COMMIT");
	assert_true(checkpoint(f).done);
}

static void a_reader_holds_up_copying_but_not_the_call(void **state)
{
	struct fixture *f = *state;
	struct sqlite3 *snapshot = NULL;

	assert_int_equal(mq_queue_snapshot_open(f->queue, &snapshot, &f->err), MQ_OK);
	write_some(f);
	struct mq_checkpoint result = checkpoint(f);
	assert_true(result.done);
	assert_true(result.copied < result.wal_frames);
	mq_queue_snapshot_close(snapshot);
	result = checkpoint(f);
	assert_int_equal(result.copied, result.wal_frames);
}

static void a_snapshot_stays_as_it_was_taken(void **state)
{
	struct fixture *f = *state;
	struct sqlite3 *snapshot = NULL;

	scratch_exec(f->app, "INSERT INTO bookings VALUES (1, 'before')");
	assert_int_equal(mq_queue_snapshot_open(f->queue, &snapshot, &f->err), MQ_OK);
	scratch_exec(f->app, "INSERT INTO bookings VALUES (2, 'after')");
	assert_int_equal(scratch_int(snapshot, "SELECT count(*) FROM bookings"), 1);
	assert_int_not_equal(sqlite3_exec(snapshot, "DELETE FROM bookings", NULL, NULL, NULL),
			     SQLITE_OK);
	mq_queue_snapshot_close(snapshot);
	mq_queue_snapshot_close(NULL);
	assert_int_equal(scratch_int(f->app, "SELECT count(*) FROM bookings"), 2);
}

static void the_facts_are_those_of_the_file(void **state)
{
	struct fixture *f = *state;
	struct mq_queue_facts facts;

	assert_int_equal(mq_queue_facts(f->queue, &facts, &f->err), MQ_OK);
	assert_string_equal(facts.sqlite_version, sqlite3_libversion());
	assert_string_equal(facts.journal_mode, "wal");
	assert_int_equal(facts.page_size, 4096);
	assert_true(facts.database_bytes >= 4096);
	assert_true(facts.wal_bytes > 0);
	assert_true(facts.cipher_version[0] != '\0');
	assert_int_equal(facts.schema_version, mq_queue_schema_version());
	assert_int_equal(mq_queue_schema_found(f->queue), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_checkpoint_copies_the_whole_wal),
		TEST(only_the_holder_of_the_byte_checkpoints),
		TEST(the_byte_is_free_once_the_checkpointer_has_closed),
		TEST(a_checkpoint_does_not_wait_for_a_writer),
		TEST(a_reader_holds_up_copying_but_not_the_call),
		TEST(a_snapshot_stays_as_it_was_taken),
		TEST(the_facts_are_those_of_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

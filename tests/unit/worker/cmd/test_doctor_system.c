#include "doctor.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <support/cmocka_all.h>
#include <sys/mman.h>
#include <unistd.h>

/* Stands for cmd_doctor.c: only counts, and keeps what was said about one check. */
void mq_doctor_say(struct mq_doctor *doctor, enum mq_doctor_state state, const char *check,
		   const char *todo, const char *fmt, ...)
{
	(void)fmt;
	assert_true(strlen(check) > 0);
	assert_true(state == MQ_DOCTOR_OK || todo != NULL);
	doctor->count[state]++;
}

static void exactly_the_versions_with_the_bug_are_named(void **state)
{
	static const struct {
		int number;
		bool bug;
	} rows[] = {
		{ 3006023, false }, { 3007000, true },	{ 3031000, true },  { 3040001, true },
		{ 3044005, true },  { 3044006, false }, { 3044099, false }, { 3045000, true },
		{ 3046001, true },  { 3050006, true },	{ 3050007, false }, { 3051000, true },
		{ 3051002, true },  { 3051003, false }, { 3053000, false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (mq_doctor_has_wal_reset_bug(rows[i].number) != rows[i].bug)
			fail_msg("%d", rows[i].number);
}

static void a_process_that_maps_the_database_is_found(void **state)
{
	char path[] = "/tmp/mq-test-mmap-XXXXXX";
	int fd = mkstemp(path);
	const struct mq_config config = { .database = path };
	struct mq_doctor doctor = { .config = &config };
	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	mq_doctor_mmap(&doctor);
	assert_int_equal(doctor.count[MQ_DOCTOR_WARN], 0);
	assert_int_equal(doctor.count[MQ_DOCTOR_OK], 1);
	void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(map != MAP_FAILED);
	mq_doctor_mmap(&doctor);
	assert_int_equal(doctor.count[MQ_DOCTOR_WARN], 1);
	munmap(map, 4096);
	close(fd);
	unlink(path);
}

static void missing_programs_are_no_failure(void **state)
{
	struct mq_doctor doctor = { 0 };
	(void)state;
	assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
	mq_doctor_system(&doctor);
	assert_int_equal(doctor.count[MQ_DOCTOR_FAIL], 0);
	assert_int_equal(doctor.count[MQ_DOCTOR_INFO], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_the_versions_with_the_bug_are_named),
		cmocka_unit_test(a_process_that_maps_the_database_is_found),
		cmocka_unit_test(missing_programs_are_no_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

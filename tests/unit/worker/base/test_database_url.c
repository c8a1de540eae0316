#include <mq/config.h>
#include <string.h>
#include <support/cmocka_all.h>

static void every_url_in_use_means_the_file_that_sqlalchemy_opens(void **state)
{
	static const struct {
		const char *url, *working_dir, *path;
	} rows[] = {
		{ "sqlite+aiosqlite:///./data/magnetiq.db", "/srv/app",
		  "/srv/app/data/magnetiq.db" },
		{ "sqlite+aiosqlite:///./magnetiq.db", "/srv/backend", "/srv/backend/magnetiq.db" },
		{ "sqlite+aiosqlite:///app/data/magnetiq.db", "/app", "/app/app/data/magnetiq.db" },
		{ "sqlite:///app/data/magnetiq.db", "/app", "/app/app/data/magnetiq.db" },
		{ "sqlite:////opt/magnetiq/data/magnetiq.db", "/opt/magnetiq/backend",
		  "/opt/magnetiq/data/magnetiq.db" },
		{ "sqlite+pysqlite:////a/b.db", "/x", "/a/b.db" },
		{ "sqlite:////a/b.db?timeout=30&check_same_thread=false", "/x", "/a/b.db" },
		{ "sqlite:///a.db?", "/x", "/x/a.db" },
		{ "sqlite:////a/../b/./c.db", "/x", "/b/c.db" },
		{ "sqlite:///../c.db", "/x/y", "/x/c.db" },
		{ "sqlite:////a/%20b.db", "/x", "/a/%20b.db" },
		{ "sqlite:////a/b#c.db", "/x", "/a/b#c.db" },
		{ "sqlite:////a/u:p@h.db", "/x", "/a/u:p@h.db" },
		{ "sqlite:///file:a.db", "/x", "/x/file:a.db" },
		{ "sqlite:////a b/\xc3\xbc.db", "/x", "/a b/\xc3\xbc.db" },
		{ "sqlite:///file:/a/b.db?uri=true", "/x", "/a/b.db" },
		{ "sqlite:///file:a.db?mode=rw&uri=true", "/x", "/x/a.db" },
		{ "sqlite:///file:///a/b%20c.db?uri=1", "/x", "/a/b c.db" },
		{ "sqlite:///file://localhost/a.db?uri=YES", "/x", "/a.db" },
		{ "sqlite:///file:a%2.db#frag?uri=on", "/x", "/x/a%2.db" },
		{ "sqlite:///a.db?uri=true&timeout=5", "/x", "/x/a.db" },
		{ "sqlite:///a.db?mode=memory", "/x", "/x/a.db" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct mq_err err = { 0 };
		MQ_AUTO_FREE char *path = NULL;
		if (mq_database_url_path(rows[i].url, rows[i].working_dir, &path, &err) != MQ_OK)
			fail_msg("%s: %s", rows[i].url, err.text);
		assert_string_equal(path, rows[i].path);
	}
}

static void wrong_urls_are_refused_with_what_to_write(void **state)
{
	static const struct {
		const char *url, *says;
	} rows[] = {
		{ "sqlite://app/x.db", "write sqlite:///app/x.db for a name relative" },
		{ "sqlite://user:pw@host/x.db", "names a host" },
		{ "sqlite://:pw@/x.db", "names a host" },
		{ "sqlite://localhost:5/x.db", "names a host" },
		{ "sqlite://", "in memory" },
		{ "sqlite:///", "in memory" },
		{ "sqlite:///?timeout=3", "in memory" },
		{ "sqlite://?timeout=3", "in memory" },
		{ "sqlite:///:memory:", "in memory" },
		{ "sqlite+aiosqlite:///:memory:?x=1", "in memory" },
		{ "sqlite:///file:x?mode=memory&uri=true", "in memory" },
		{ "sqlite:///file:x?mode=mem%6Fry&uri=true", "in memory" },
		{ "sqlite:///file::memory:?uri=true", "in memory" },
		{ "sqlite:///file:x?nolock=1&uri=true", "nolock" },
		{ "sqlite:///file:x?immutable=1&uri=true", "immutable" },
		{ "sqlite:///x.db?mode=ro&uri=true", "must begin with 'file:'" },
		{ "sqlite:///file://other/x?uri=true", "the host 'other'" },
		{ "sqlite:////a/b/", "names a folder" },
		{ "postgresql://h/x", "scheme 'postgresql' is not supported" },
		{ "sqlite+aiosqllite:///x.db", "did you mean 'sqlite+aiosqlite'?" },
		{ "SQLITE:///x.db", "scheme 'SQLITE' is not supported" },
		{ "/app/data/x.db", "write 'sqlite:////app/data/x.db'" },
		{ "./x.db", "write 'sqlite:///./x.db'" },
		{ "x.db", "is not a URL" },
		{ "", "is not a URL" },
		{ "://", "is not a URL" },
		{ "sqlite:/x.db", "is not a URL" },
		{ "a b://x", "is not a URL" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct mq_err err = { 0 };
		char *path = NULL;
		if (mq_database_url_path(rows[i].url, "/x", &path, &err) != MQ_E_INVALID)
			fail_msg("'%s' was accepted", rows[i].url);
		assert_null(path);
		if (!strstr(err.text, rows[i].says))
			fail_msg("'%s' says: %s", rows[i].url, err.text);
	}
}

static void an_error_is_not_needed_to_be_refused(void **state)
{
	char *path = NULL;
	(void)state;
	assert_int_equal(mq_database_url_path("mysql://x", "/", &path, NULL), MQ_E_INVALID);
	assert_int_equal(mq_database_url_path("sqlite://x", "/", &path, NULL), MQ_E_INVALID);
	assert_null(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_url_in_use_means_the_file_that_sqlalchemy_opens),
		cmocka_unit_test(wrong_urls_are_refused_with_what_to_write),
		cmocka_unit_test(an_error_is_not_needed_to_be_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

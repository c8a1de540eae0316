#!/usr/bin/env python3
"""schema/README.md: its examples are run as printed, its list of errors is provoked."""
import asyncio
import datetime
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import types
import unittest

import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

SOURCE = pathlib.Path(os.environ["MQ_SOURCE_DIR"])
WORKER = os.environ["MQ_WORKER"]
sys.path.insert(0, str(SOURCE / "tests/support"))
import documents  # noqa: E402

DOCUMENT = SOURCE / "schema/README.md"
EXAMPLES = documents.examples(DOCUMENT)
REFUSED = re.compile(r"^\| `(\w+)` = `(.*?)` \| (.*?) \|$", re.MULTILINE)


def example_module(name, **known):
    """The module that pasting an example into a file makes; `known` are modules it may import."""
    module = types.ModuleType(pathlib.Path(name).stem)
    saved = {key: sys.modules.get(key) for key in known}
    sys.modules.update(known)
    try:
        exec(compile(EXAMPLES[name], "schema/README.md: " + name, "exec"), module.__dict__)
    finally:
        for key, value in saved.items():
            if value is None:
                del sys.modules[key]
            else:
                sys.modules[key] = value
    return module


MODEL = example_module("worker_queue.py")


class Fixture(unittest.TestCase):
    """A directory like the application's: data/magnetiq.db with the demo's rows and the queue."""

    @classmethod
    def setUpClass(cls):
        cls.template = pathlib.Path(tempfile.mkdtemp(prefix="mq-producers-"))
        cls.addClassCleanup(shutil.rmtree, cls.template)
        (cls.template / "data").mkdir()
        with sqlite3.connect(cls.template / "data/magnetiq.db") as db:
            db.executescript((SOURCE / "deploy/demo/demo.sql").read_text(encoding="utf-8"))
        db.close()
        cls.worker_in(cls.template, "init")

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mq-producers-"))
        self.addCleanup(shutil.rmtree, self.dir)
        shutil.copytree(self.template, self.dir, dirs_exist_ok=True)
        self.path = self.dir / "data/magnetiq.db"
        self.db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        self.addCleanup(self.db.close)

    @staticmethod
    def worker_in(directory, *args):
        env = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("DATA", "MQ_CONFIG", "LOGS_", "ENCRYPTION"))
        }
        done = subprocess.run(
            [WORKER, *args], cwd=directory, env=env, capture_output=True, text=True, timeout=100
        )
        if done.returncode != 0:
            raise AssertionError(
                "mq-worker %s: %d\n%s%s" % (args, done.returncode, done.stdout, done.stderr)
            )
        return done.stdout

    def drain(self):
        return self.worker_in(self.dir, "run", "--drain", "--workers", "1")

    def jobs(self, columns="kind, status"):
        return self.db.execute("SELECT %s FROM jobs ORDER BY id" % columns).fetchall()

    def assert_report_is_written(self, job_id):
        status, result, error = self.db.execute(
            "SELECT status, json_extract(result, '$.path'), error FROM jobs WHERE id = ?", (job_id,)
        ).fetchone()
        self.assertEqual((status, error), ("succeeded", None))
        self.assertTrue((self.dir / "data" / result).is_file(), result)


class PlainSql(Fixture):
    def test_the_smallest_insert_is_a_job_that_runs(self):
        self.db.executescript(EXAMPLES["smallest.sql"])
        self.assertEqual(
            self.jobs("kind, status, priority, run_at, attempt"),
            [("export.report", "queued", 0, None, 0)],
        )
        self.drain()
        self.assert_report_is_written(1)

    def test_the_shell_example_is_a_job_that_runs(self):
        subprocess.run(["sh", "-euc", EXAMPLES["shell.sh"]], cwd=self.dir, check=True, timeout=60)
        self.assertEqual(
            self.jobs("kind, payload, requested_by"),
            [("export.report", '{"report":"financial_summary"}', "1")],
        )
        self.drain()
        self.assert_report_is_written(1)

    def test_the_shell_shows_what_was_wrong_and_exits_with_an_error(self):
        done = subprocess.run(
            [
                "sqlite3",
                self.path,
                "INSERT INTO jobs (kind, payload) VALUES ('export.report', 'x')",
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("payload must be a JSON object as text", done.stderr)
        self.assertEqual(self.jobs(), [])

    def test_created_at_is_utc_text_of_26_characters(self):
        self.db.executescript(EXAMPLES["smallest.sql"])
        ((created,),) = self.jobs("created_at")
        parsed = datetime.datetime.strptime(created, "%Y-%m-%d %H:%M:%S.%f").replace(
            tzinfo=datetime.timezone.utc
        )
        self.assertEqual(len(created), 26)
        self.assertLess(
            abs(datetime.datetime.now(datetime.timezone.utc) - parsed),
            datetime.timedelta(minutes=5),
        )

    def test_a_job_for_later_is_accepted_and_waits(self):
        self.db.executescript(EXAMPLES["later.sql"])
        self.drain()
        ((status, later),) = self.jobs("status, run_at > datetime('now', '+119 minutes')")
        self.assertEqual((status, later), ("queued", 1))

    def test_a_unique_key_is_on_its_way_once_and_free_again_afterwards(self):
        for _ in range(3):
            self.db.executescript(EXAMPLES["unique.sql"])
        self.assertEqual(len(self.jobs()), 1)
        self.drain()
        self.db.executescript(EXAMPLES["unique.sql"])
        self.assertEqual(self.jobs("status"), [("succeeded",), ("queued",)])

    def test_on_conflict_do_nothing_still_refuses_a_wrong_payload(self):
        wrong = EXAMPLES["unique.sql"].replace("'{", "'")
        with self.assertRaisesRegex(sqlite3.IntegrityError, "payload must be"):
            self.db.executescript(wrong)
        self.db.execute(
            "INSERT OR IGNORE INTO jobs (kind, priority) VALUES ('export.report', 'high')"
        )
        self.assertEqual(self.jobs(), [])

    def test_a_cancelled_job_never_starts(self):
        self.db.executescript(EXAMPLES["smallest.sql"])
        self.assertEqual(self.db.execute(EXAMPLES["cancel.sql"], {"id": 1}).rowcount, 1)
        self.drain()
        self.assertEqual(self.jobs("status, attempt"), [("cancelled", 0)])
        self.assertEqual(self.db.execute(EXAMPLES["cancel.sql"], {"id": 1}).rowcount, 0)

    def test_the_result_can_be_read_as_the_document_says(self):
        self.db.executescript(EXAMPLES["smallest.sql"])
        self.assertEqual(self.db.execute(EXAMPLES["wait.sql"], {"id": 1}).fetchone()[0], "queued")
        self.drain()
        status, _, _, result, error = self.db.execute(EXAMPLES["wait.sql"], {"id": 1}).fetchone()
        self.assertEqual((status, error), ("succeeded", None))
        for field in ("path", "bytes", "sha256", "expires_at"):
            self.assertIn('"%s"' % field, result)

    def test_larger_priorities_start_first_and_equal_ones_in_order(self):
        for priority in (0, -10, 10, 0, 10):
            self.db.execute(
                "INSERT INTO jobs (kind, payload, priority) VALUES"
                " ('export.report', '{\"report\":\"financial_summary\"}', ?)",
                (priority,),
            )
        self.drain()
        self.assertEqual(
            [
                row[0]
                for row in self.db.execute("SELECT id FROM jobs ORDER BY token, started_at, id")
            ],
            [3, 5, 1, 4, 2],
        )

    def test_a_wrong_report_fails_with_the_nearest_right_word(self):
        self.db.execute(
            "INSERT INTO jobs (kind, payload) VALUES ('export.report', '{\"report\":\"financial_sumary\"}')"
        )
        self.drain()
        ((status, attempt, error),) = self.jobs("status, attempt, error")
        self.assertEqual((status, attempt), ("failed", 1))
        self.assertIn("financial_summary", error)

    def test_a_kind_that_nobody_knows_waits(self):
        self.db.execute("INSERT INTO jobs (kind) VALUES ('nobody.knows')")
        self.drain()
        self.assertEqual(self.jobs(), [("nobody.knows", "queued")])


class Refusals(Fixture):
    def test_every_mistake_in_the_list_is_refused_with_its_words(self):
        rows = REFUSED.findall(DOCUMENT.read_text(encoding="utf-8"))
        self.assertGreater(len(rows), 20)
        for column, value, message in rows:
            columns = {"kind": "'export.report'", column: value}
            sql = "INSERT INTO jobs (%s) VALUES (%s)" % (
                ", ".join(columns),
                ", ".join(columns.values()),
            )
            with self.subTest(sql):
                with self.assertRaises(sqlite3.IntegrityError) as caught:
                    self.db.execute(sql)
                self.assertEqual(str(caught.exception), "CHECK constraint failed: " + message)
        self.assertEqual(self.jobs(), [])

    def test_every_constraint_of_the_table_is_in_the_list(self):
        (sql,) = self.db.execute("SELECT sql FROM sqlite_master WHERE name = 'jobs'").fetchone()
        names = [
            name.replace('""', '"') for name in re.findall(r'CONSTRAINT "((?:[^"]|"")*)"', sql)
        ]
        self.assertGreater(len(names), 10)
        self.assertEqual(
            set(names), {row[2] for row in REFUSED.findall(DOCUMENT.read_text(encoding="utf-8"))}
        )

    def test_every_column_of_the_table_is_in_the_document(self):
        columns = {row[1] for row in self.db.execute("PRAGMA table_info(jobs)")}
        section = DOCUMENT.read_text(encoding="utf-8").split("## The columns")[1].split("##")[0]
        listed = {
            name
            for cell in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
            for name in re.findall(r"`(\w+)`", cell)
        }
        self.assertEqual(listed, columns)

    def test_a_missing_kind_and_a_second_key_are_refused(self):
        with self.assertRaisesRegex(
            sqlite3.IntegrityError, r"^NOT NULL constraint failed: jobs\.kind$"
        ):
            self.db.execute("INSERT INTO jobs (payload) VALUES ('{}')")
        self.db.execute("INSERT INTO jobs (kind, unique_key) VALUES ('export.report', 'k')")
        with self.assertRaisesRegex(
            sqlite3.IntegrityError, r"^UNIQUE constraint failed: jobs\.unique_key$"
        ):
            self.db.execute("INSERT INTO jobs (kind, unique_key) VALUES ('export.report', 'k')")

    def test_values_at_the_limits_are_accepted(self):
        for column, value in (
            ("kind", "a" * 100),
            ("kind", "x1_-.y"),
            ("priority", 1000),
            ("priority", -1000),
            ("priority", "7"),
            ("payload", " \n{}"),
            ("payload", '{"ä":"\U0001F600"}'),
            ("run_at", "2024-02-29 23:59:59"),
            ("run_at", "0001-01-01 00:00:00.000001"),
            ("max_attempts", 100),
            ("unique_key", "ü" * 200),
        ):
            columns = {"kind": "export.report", column: value}
            with self.subTest(column=column, value=value):
                self.db.execute(
                    "INSERT INTO jobs (%s) VALUES (%s)"
                    % (", ".join(columns), ", ".join("?" * len(columns))),
                    list(columns.values()),
                )

    def test_text_is_data_and_never_sql(self):
        hostile = "'; DROP TABLE jobs; --"
        with self.assertRaisesRegex(sqlite3.IntegrityError, "kind must be a name"):
            self.db.execute("INSERT INTO jobs (kind) VALUES (?)", (hostile,))
        self.db.execute(
            "INSERT INTO jobs (kind, unique_key, requested_by) VALUES ('nobody.knows', ?, ?)",
            (hostile, hostile),
        )
        self.drain()
        self.assertEqual(self.jobs("unique_key, requested_by"), [(hostile, hostile)])


class PythonSqlite(Fixture):
    def setUp(self):
        super().setUp()
        self.plain = example_module("plain.py")
        (self.booking,) = self.db.execute(
            "SELECT id FROM consultation_bookings WHERE payment_status = 'completed' LIMIT 1"
        ).fetchone()
        self.producer = self.plain.connect(self.path)
        self.addCleanup(self.producer.close)

    def payment_status(self):
        return self.db.execute(
            "SELECT payment_status FROM consultation_bookings WHERE id = ?", (self.booking,)
        ).fetchone()[0]

    def test_row_and_job_appear_together_and_the_job_runs(self):
        job_id = self.plain.refund(self.producer, self.booking, 1)
        self.assertEqual(self.payment_status(), "refunded")
        self.assertEqual(self.jobs("id, requested_by"), [(job_id, "1")])
        self.drain()
        self.assert_report_is_written(job_id)

    def test_a_refused_job_takes_the_row_back_with_it(self):
        with self.assertRaisesRegex(sqlite3.IntegrityError, "requested_by must be"):
            self.plain.refund(self.producer, self.booking, "x" * 201)
        self.assertEqual(self.payment_status(), "completed")
        self.assertEqual(self.jobs(), [])
        self.assertFalse(self.producer.in_transaction)

    def test_a_rollback_leaves_neither_row_nor_job(self):
        self.producer.execute("BEGIN IMMEDIATE")
        self.producer.execute(
            "UPDATE consultation_bookings SET payment_status = 'refunded' WHERE id = ?",
            (self.booking,),
        )
        self.producer.execute(EXAMPLES["smallest.sql"])
        self.producer.execute("ROLLBACK")
        self.assertEqual(self.payment_status(), "completed")
        self.drain()
        self.assertEqual(self.jobs(), [])

    def test_a_plain_begin_fails_where_the_document_says_so_and_begin_immediate_does_not(self):
        self.producer.execute("BEGIN")
        self.producer.execute("SELECT count(*) FROM consultation_bookings").fetchone()
        self.db.executescript(EXAMPLES["smallest.sql"])
        with self.assertRaisesRegex(sqlite3.OperationalError, "database is locked"):
            self.producer.execute(EXAMPLES["smallest.sql"])
        self.producer.execute("ROLLBACK")
        self.plain.refund(self.producer, self.booking, 1)
        self.assertEqual(len(self.jobs()), 2)

    def test_python_writes_times_in_the_form_that_the_table_takes(self):
        berlin = datetime.timezone(datetime.timedelta(hours=1))
        when = datetime.datetime(2025, 11, 3, 13, 0, 0, tzinfo=berlin)
        text = when.astimezone(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
        self.db.execute("INSERT INTO jobs (kind, run_at) VALUES ('nobody.knows', ?)", (text,))
        self.assertEqual(self.jobs("run_at"), [("2025-11-03 12:00:00",)])


class SqlAlchemy(Fixture):
    def setUp(self):
        super().setUp()
        self.engine = sqlalchemy.create_engine(
            "sqlite:///%s" % self.path, connect_args={"timeout": 30}
        )
        self.addCleanup(self.engine.dispose)

    def test_a_session_adds_a_job_that_runs(self):
        with Session(self.engine) as session:
            job_id = example_module("session.py", worker_queue=MODEL).order_report(session, 1)
        self.assertEqual(
            self.jobs("payload, status, priority, requested_by, typeof(result), typeof(error)"),
            [('{"report": "financial_summary"}', "queued", 0, "1", "null", "null")],
        )
        self.drain()
        self.assert_report_is_written(job_id)
        with Session(self.engine) as session:
            job = session.get(MODEL.Job, job_id)
            self.assertEqual(job.status, "succeeded")
            self.assertIn("path", job.result)

    def test_a_job_with_nothing_but_a_kind_takes_the_defaults_of_the_table(self):
        with Session(self.engine) as session:
            session.add(MODEL.Job(kind="nobody.knows"))
            session.commit()
        self.assertEqual(
            self.jobs(
                "payload, priority, status, cancel_requested, run_at, max_attempts, unique_key"
            ),
            [("{}", 0, "queued", 0, None, None, None)],
        )

    def test_every_field_of_the_model_reaches_the_row(self):
        when = datetime.datetime(2030, 1, 2, 3, 4, 5)
        with Session(self.engine) as session:
            session.add(
                MODEL.Job(
                    kind="nobody.knows",
                    payload={"list": [1, None], "ä": "ß"},
                    priority=-3,
                    run_at=when,
                    max_attempts=2,
                    unique_key="k",
                    requested_by="7",
                )
            )
            session.commit()
        self.assertEqual(
            self.jobs(
                "json_extract(payload, '$.list[0]'), priority, run_at, max_attempts, unique_key"
            ),
            [(1, -3, "2030-01-02 03:04:05.000000", 2, "k")],
        )

    def test_a_rollback_leaves_neither_row_nor_job(self):
        with Session(self.engine) as session:
            session.execute(sqlalchemy.text("DELETE FROM consultant_reviews"))
            session.add(MODEL.Job(kind="export.report", payload={"report": "financial_summary"}))
            session.flush()
            session.rollback()
        self.assertEqual(self.jobs(), [])
        self.assertGreater(
            self.db.execute("SELECT count(*) FROM consultant_reviews").fetchone()[0], 0
        )

    def test_a_wrong_job_says_so_in_the_producer(self):
        for wrong in (
            dict(payload=None),
            dict(payload=["x"]),
            dict(payload={}, priority=5000),
            dict(payload={}, status="done"),
        ):
            with self.subTest(wrong), Session(self.engine) as session:
                session.add(MODEL.Job(kind="export.report", **wrong))
                with self.assertRaisesRegex(
                    sqlalchemy.exc.IntegrityError, r"CHECK constraint failed: \w+ must be"
                ):
                    session.commit()
        self.assertEqual(self.jobs(), [])

    def test_begin_immediate_takes_the_lock_before_the_first_read(self):
        immediate = example_module("immediate.py")
        immediate.use_immediate(self.engine)
        with Session(self.engine) as session:
            immediate.begin_immediate(session)
            session.execute(sqlalchemy.text("SELECT count(*) FROM consultation_bookings")).scalar()
            self.db.execute("PRAGMA busy_timeout = 0")
            with self.assertRaisesRegex(sqlite3.OperationalError, "database is locked"):
                self.db.executescript(EXAMPLES["smallest.sql"])
            session.add(MODEL.Job(kind="nobody.knows"))
            session.commit()
        with Session(self.engine) as session:
            session.execute(sqlalchemy.text("SELECT count(*) FROM consultation_bookings")).scalar()
            self.db.executescript(EXAMPLES["smallest.sql"])
            session.rollback()
        self.assertEqual(self.jobs("kind"), [("nobody.knows",), ("export.report",)])


class Async(Fixture):
    def setUp(self):
        super().setUp()
        self.example = example_module("async_session.py", worker_queue=MODEL)

    def run_async(self, work):
        async def wrapped():
            engine = create_async_engine(
                "sqlite+aiosqlite:///%s" % self.path, connect_args={"timeout": 30}
            )
            try:
                return await work(engine, sessionmaker(engine, class_=AsyncSession))
            finally:
                await engine.dispose()

        return asyncio.run(wrapped())

    def test_an_async_session_adds_a_job_and_waits_for_its_result(self):
        async def work(engine, make_session):
            async with make_session() as session:
                job_id = await self.example.order_report(session, 1)
            worker = asyncio.get_running_loop().run_in_executor(None, self.drain)
            job = await self.example.wait_for(make_session, job_id)
            await worker
            return job

        self.assertEqual(self.run_async(work).status, "succeeded")

    def test_waiting_ends_with_an_error_that_names_the_job(self):
        async def work(engine, make_session):
            async with make_session() as session:
                job_id = await self.example.order_report(session, 1)
            await self.example.wait_for(make_session, job_id, timeout_s=0.5)

        with self.assertRaisesRegex(TimeoutError, "job 1 has not ended"):
            self.run_async(work)

    def test_begin_immediate_works_for_async_engines(self):
        async def work(engine, make_session):
            example_module("immediate.py").use_immediate(engine.sync_engine)
            async with make_session() as session:
                await session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})
                self.db.execute("PRAGMA busy_timeout = 0")
                with self.assertRaisesRegex(sqlite3.OperationalError, "database is locked"):
                    self.db.executescript(EXAMPLES["smallest.sql"])
                await self.example.order_report(session, 1)

        self.run_async(work)
        self.assertEqual(len(self.jobs()), 1)


class Migrations(Fixture):
    """The application's own models: three tables are enough, two of them with names like ours."""

    def setUp(self):
        super().setUp()
        self.engine = sqlalchemy.create_engine("sqlite:///%s" % self.path)
        self.addCleanup(self.engine.dispose)
        self.base = declarative_base()
        for table in ("admin_users", "job_applications", "jobs_of_the_month"):
            sqlalchemy.Table(
                table,
                self.base.metadata,
                sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True),
            )

    def changes(self, include_object):
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        with self.engine.connect() as connection:
            options = {"include_object": include_object} if include_object else {}
            context = MigrationContext.configure(connection, opts=options)
            return [
                change
                for change in compare_metadata(context, self.base.metadata)
                if isinstance(change, tuple)
            ]

    def of_the_worker(self):
        return self.db.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = 'jobs' OR tbl_name GLOB 'mq_*'"
            " ORDER BY 1, 2"
        ).fetchall()

    def test_create_all_of_the_application_does_not_touch_the_queue(self):
        before = self.of_the_worker()
        self.assertGreater(len(before), 5)
        self.base.metadata.create_all(self.engine)
        self.assertEqual(self.of_the_worker(), before)
        self.assertNotIn("jobs", self.base.metadata.tables)

    def test_create_all_on_a_new_database_makes_no_queue(self):
        engine = sqlalchemy.create_engine("sqlite:///%s" % (self.dir / "new.db"))
        self.addCleanup(engine.dispose)
        self.base.metadata.create_all(engine)
        self.assertEqual(
            set(sqlalchemy.inspect(engine).get_table_names()), set(self.base.metadata.tables)
        )

    def test_alembic_without_the_filter_would_drop_the_queue(self):
        dropped = {change[1].name for change in self.changes(None) if change[0] == "remove_table"}
        self.assertIn("jobs", dropped)
        self.assertIn("mq_attempts", dropped)

    def test_alembic_with_the_filter_leaves_the_queue_alone_and_sees_everything_else(self):
        include_object = example_module("include_object.py").include_object
        changes = self.changes(include_object)
        dropped = {change[1].name for change in changes if change[0] == "remove_table"}
        added = {change[1].name for change in changes if change[0] == "add_table"}
        self.assertIn("consultants", dropped)
        self.assertEqual(added, {"jobs_of_the_month"})
        touched = str(
            [change for change in changes if "mq_" in str(change) or "'jobs'" in str(change)]
        )
        self.assertEqual(touched, "[]")

    def test_the_filter_knows_tables_indexes_and_columns_by_their_table(self):
        include_object = example_module("include_object.py").include_object
        ours = sqlalchemy.Table(
            "jobs", sqlalchemy.MetaData(), sqlalchemy.Column("kind", sqlalchemy.Text)
        )
        theirs = sqlalchemy.Table(
            "job_applications", sqlalchemy.MetaData(), sqlalchemy.Column("mq_x", sqlalchemy.Text)
        )
        for obj, name, type_, kept in (
            (ours, "jobs", "table", False),
            (theirs, "job_applications", "table", True),
            (ours.c.kind, "kind", "column", False),
            (theirs.c.mq_x, "mq_x", "column", True),
            (sqlalchemy.Index("mq_jobs_ready", ours.c.kind), "mq_jobs_ready", "index", False),
        ):
            with self.subTest(name):
                self.assertEqual(include_object(obj, name, type_, True, None), kept)


class Demo(unittest.TestCase):
    def test_the_demo_database_is_what_its_script_writes(self):
        demo = SOURCE / "deploy/demo"
        written = subprocess.run(
            [sys.executable, demo / "make_demo.py"], capture_output=True, check=True, timeout=60
        ).stdout
        self.assertEqual(written, (demo / "demo.sql").read_bytes())


if __name__ == "__main__":
    print(
        "Python %s, SQLite %s, SQLAlchemy %s"
        % (sys.version.split()[0], sqlite3.sqlite_version, sqlalchemy.__version__),
        file=sys.stderr,
    )
    unittest.main(verbosity=2)

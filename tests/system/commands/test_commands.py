"""Each command on a real database: what it prints, and what it says to wrong input."""
import json
import os
import sqlite3
import subprocess

import worker
from worker import PROGRAM, WorkerCase, environment


class Everywhere(WorkerCase):
    def test_alone_it_prints_help(self):
        text = self.ok().stdout
        for command in worker.COMMANDS:
            self.assertIn("\n  %s" % command, text)

    def test_help_of_every_command_begins_with_examples(self):
        for command in worker.COMMANDS:
            for option in "--help", "-h":
                text = self.ok(command, option).stdout
                examples, usage = text.index("\n\n  mq-worker %s" % command), text.index(
                    "usage: mq-worker " + command
                )
                self.assertLess(examples, usage, text)
                self.assertLessEqual(max(map(len, text.splitlines())), 100, text)

    def test_help_needs_no_configuration(self):
        self.config.write_text("[nonsense]\n")
        self.ok("list", "--help")
        self.ok("--version")

    def test_version_names_the_libraries(self):
        self.assertRegex(
            self.ok("--version").stdout, r"^mq-worker \d+\.\d+\.\d+\nschema \d+, SQLite 3\."
        )
        self.assertIn("sqlcipher", self.json("--version")[0])

    def test_slips_are_named(self):
        self.refused(2, "there is no command 'lst', did you mean 'list'?", "lst")
        self.refused(
            2,
            "list has no option '--statsu', did you mean '--status'?",
            "list",
            "--statsu",
            "failed",
        )
        self.assertIn(
            "usage: mq-worker list",
            self.refused(2, "needs a value", "list", config=False, *["--status"]).stderr,
        )

    def test_too_many_arguments_are_refused(self):
        for command in "list", "status", "init", "config", "doctor", "reports":
            self.refused(2, "'extra' is too much", command, "extra")

    def test_messages_are_json_with_json(self):
        done = self.run_worker("show", "999", "--json")
        self.assertEqual(done.returncode, 4)
        self.assertEqual(json.loads(done.stderr)["error"], "not-found")
        done = self.run_worker("show", "x", "--json")
        self.assertEqual((done.returncode, json.loads(done.stderr)["error"]), (2, "usage"))
        for args in ("lst", "--json"), ("--json", "lst"), ("list", "--zzz", "1", "--json"):
            done = self.run_worker(*args, config=False)
            self.assertEqual((done.returncode, json.loads(done.stderr)["error"]), (2, "usage"))

    def test_a_broken_configuration_stops_every_command(self):
        self.config.write_text("[pool]\nworkres = 4\n")
        for command in "list", "status", "enqueue", "config", "init", "kinds", "run":
            done = self.refused(
                3,
                "mq-worker.conf:2: [pool] has no setting 'workres', did you mean 'workers'?",
                command,
                *(["x.y"] if command == "enqueue" else [])
            )
            self.assertEqual(done.stdout, "")

    def test_options_and_environment_name_the_database(self):
        done = self.refused(
            4, "elsewhere.db", "list", "--database-url", "sqlite:///./data/elsewhere.db"
        )
        self.assertEqual(done.stdout, "")
        self.refused(4, "other.db", "list", env={"database_url": "sqlite:///./data/other.db"})
        self.refused(
            3, "four: 'sqlite:////", "list", "--database-url", "sqlite://%s" % self.database
        )

    def test_a_full_disk_below_standard_output_is_a_failure(self):
        for command in "list", "config", "--help", "kinds":
            with open("/dev/full", "w") as full:
                done = subprocess.run(
                    [worker.PROGRAM, command, "--config", str(self.config)],
                    cwd=self.dir,
                    stdout=full,
                    stderr=subprocess.PIPE,
                    text=True,
                    env=worker.environment(),
                )
            if command != "list":  # an empty list has nothing to write
                self.assertEqual(done.returncode, 10, done.stderr)
                self.assertIn("standard output cannot be written", done.stderr)

    def test_no_file_takes_the_place_of_a_closed_descriptor(self):
        script = 'exec "$0" "$@" <&- >&- 2>&-'
        child = subprocess.Popen(
            ["sh", "-c", script, worker.PROGRAM, "run", "--workers", "1"]
            + ["--config", str(self.config)],
            cwd=self.dir,
            env=worker.environment(),
        )
        try:
            self.until(lambda: self.sql("SELECT id FROM mq_workers"))
            for fd in "0", "1", "2":
                self.assertEqual(os.readlink("/proc/%d/fd/%s" % (child.pid, fd)), "/dev/null")
        finally:
            child.terminate()
            self.assertEqual(child.wait(), 0)
        done = subprocess.run(
            ["sh", "-c", 'exec "$0" "$@" >&-', worker.PROGRAM, "config"],
            cwd=self.dir,
            stderr=subprocess.PIPE,
            text=True,
            env=worker.environment(),
        )
        self.assertEqual(done.returncode, 9, done.stderr)
        self.assertIn("standard output cannot be written: Bad file descriptor", done.stderr)

    def test_no_text_of_others_steers_the_terminal(self):
        evil = "a\x1b[2Jb\x9b31mc\x07"
        job = self.failed(error=evil)
        queued = self.insert(error=evil, attempt=1, run_at="2999-01-01 00:00:00")
        running = self.insert("a.b", "running", progress_note=evil, progress=1)
        for number in str(job), str(queued), str(running):
            for text in (
                self.ok("list").stdout,
                self.ok("show", number).stdout,
                self.terminal("list", env={"NO_COLOR": "1"})[0],
                self.terminal("show", number, env={"NO_COLOR": "1"})[0],
            ):
                self.assertNotRegex(text, "[\x00-\x08\x0b-\x1f\x7f-\x9f]")
        done = self.run_worker("list", "--status", evil)
        self.assertEqual(done.returncode, 2)
        self.assertNotRegex(done.stderr, "[\x00-\x08\x0b-\x1f\x7f-\x9f]")

    def test_a_reader_that_goes_away_is_no_failure(self):
        self.sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
            " INSERT INTO jobs (kind) SELECT 'a.b' FROM n"
        )
        child = subprocess.Popen(
            [worker.PROGRAM, "list", "--limit", "0", "--config", str(self.config)],
            cwd=self.dir,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=worker.environment(),
        )
        child.stdout.readline()
        child.stdout.close()
        self.assertEqual(child.wait(), 0)
        self.assertEqual(child.stderr.read(), "")
        child.stderr.close()


class Enqueue(WorkerCase):
    def test_prints_the_id_and_stores_what_was_said(self):
        done = self.ok(
            "enqueue",
            "export.report",
            '{"report": "financial_summary"}',
            "--priority",
            "-7",
            "--run-at",
            "2031-05-06 07:08",
            "--unique",
            "k",
            "--max-attempts=9",
            "--requested-by",
            "12",
        )
        self.assertEqual(done.stdout, "1\n")
        self.assertEqual(done.stderr, "")
        self.assertEqual(
            self.sql(
                "SELECT kind, payload, priority, run_at, unique_key, max_attempts, requested_by, status"
                " FROM jobs"
            ),
            [
                (
                    "export.report",
                    '{"report": "financial_summary"}',
                    -7,
                    "2031-05-06 07:08:00.000000",
                    "k",
                    9,
                    "12",
                    "queued",
                )
            ],
        )

    def test_json_and_terminal(self):
        self.assertEqual(self.json("enqueue", "x.y"), [{"id": 1, "kind": "x.y"}])
        text, status = self.terminal("enqueue", "export.report", '{"report":"financial_summary"}')
        self.assertEqual((text, status), ("job 2 is queued\n", 0))

    def test_payload_from_standard_input(self):
        self.ok("enqueue", "export.report", "-", stdin='{"report":\n"financial_summary"}\n')
        self.assertIn("financial_summary", self.sql("SELECT payload FROM jobs")[0][0])

    def test_wrong_payloads_are_refused_before_anything_is_queued(self):
        for payload, says in (
            ('{"report":}', "line 1, column 11"),
            ("[]", "must be a JSON object"),
            ("", "no JSON"),
            ("{} x", "no JSON"),
            ('{"reprot":"x"}', "report"),
            ('{"report":7}', "report"),
            ("{}", "report"),
            ('{"report":"a","format":"cvs"}', "csv"),
        ):
            self.refused(3, says, "enqueue", "export.report", payload)
        self.refused(3, "empty", "enqueue", "export.report", "-")
        self.refused(3, "NUL", "enqueue", "export.report", "-", stdin='{"a":1}\0')
        self.assertEqual(self.sql("SELECT count(*) FROM jobs"), [(0,)])

    def test_an_unknown_kind_is_queued_with_a_warning(self):
        done = self.ok("enqueue", "export.reprot")
        self.assertIn("did you mean 'export.report'?", done.stderr)
        self.assertEqual(done.stdout, "1\n")

    def test_a_kind_of_another_running_worker_is_no_surprise(self):
        self.living_worker(["else.where"])
        self.assertEqual(self.ok("enqueue", "else.where").stderr, "")

    def test_a_unique_key_is_taken_once(self):
        self.ok("enqueue", "a.b", "--unique", "nightly")
        self.refused(5, "nightly", "enqueue", "a.b", "--unique", "nightly")

    def test_wrong_arguments(self):
        self.refused(2, "which kind", "enqueue")
        self.refused(2, "one argument", "enqueue", "a.b", "{", "}")
        self.refused(2, "-1000 to 1000", "enqueue", "a.b", "--priority", "1001")
        self.refused(2, "-1000 to 1000", "enqueue", "a.b", "--priority", "high")
        self.refused(2, "from 1 to 100", "enqueue", "a.b", "--max-attempts", "0")
        self.refused(2, "is no time", "enqueue", "a.b", "--run-at", "tomorrow")
        self.refused(2, "--wait", "enqueue", "a.b", "--timeout", "3s")
        self.refused(2, "is no duration", "enqueue", "a.b", "--wait", "--timeout", "3 fish")
        self.refused(3, "kind must be a name", "enqueue", "A B")


class List(WorkerCase):
    def test_an_empty_queue_lists_nothing(self):
        self.assertEqual(self.ok("list").stdout, "")
        self.assertEqual(self.json("list"), [])
        self.assertEqual(self.terminal("list"), ("No jobs match.\n", 0))

    def test_rows_are_separated_by_tabs_newest_first(self):
        self.failed(error="first line\nsecond\tline")
        self.insert("no.such", created_at="2025-11-03 12:00:00.000000")
        rows = [line.split("\t") for line in self.ok("list").stdout.splitlines()]
        self.assertEqual(
            rows[0],
            [
                "2",
                "no.such",
                "queued",
                "0",
                "2025-11-03 12:00:00",
                "waits: no worker knows this kind",
            ],
        )
        self.assertEqual(rows[1][5], "first line\\nsecond\\tline")

    def test_filters(self):
        self.failed("export.report")
        self.failed("media.image")
        self.insert("media.image", created_at="2020-01-01 00:00:00")
        ids = lambda *args: [job["id"] for job in self.json("list", *args)]
        self.assertEqual(ids(), [3, 2, 1])
        self.assertEqual(ids("--status", "failed"), [2, 1])
        self.assertEqual(ids("--status", "failed,queued", "--kind", "media.*"), [3, 2])
        self.assertEqual(ids("--since", "1h"), [2, 1])
        self.assertEqual(ids("--limit", "1"), [3])
        self.assertEqual(ids("--limit", "0"), [3, 2, 1])

    def test_fifty_are_shown_unless_told_otherwise(self):
        for _ in range(51):
            self.insert()
        self.assertEqual(len(self.json("list")), 50)
        self.assertIn("The newest 50; more with --limit N", self.terminal("list")[0])
        self.assertEqual(len(self.json("list", "--limit", "60")), 51)

    def test_a_terminal_gets_a_table(self):
        self.failed(error="\x1b[2Jhostile " + "x" * 200)
        text, _ = self.terminal("list")
        self.assertIn("CREATED (UTC)", text)
        self.assertIn("\x1b[31mfailed\x1b[0m", text)
        self.assertNotIn("\x1b[2J", text)
        plain, _ = self.terminal("list", env={"NO_COLOR": "1"})
        self.assertNotIn("\x1b", plain)
        self.assertLessEqual(max(map(len, plain.splitlines())), 100)

    def test_json_has_everything(self):
        self.insert(
            payload='{"report":"x","n":18446744073709551616}',
            status="running",
            progress=40,
            progress_note="ä",
        )
        job = self.json("list")[0]
        self.assertEqual(
            (job["progress"], job["progress_note"], job["status"]), (40, "ä", "running")
        )
        self.assertEqual(job["note"], "40 %, ä")

    def test_wrong_arguments(self):
        self.refused(2, "queued, running, succeeded", "list", "--status", "done")
        self.refused(2, "queued, running, succeeded", "list", "--status", "")
        self.refused(2, "is no time", "list", "--since", "yesterday-ish")
        self.refused(2, "whole number", "list", "--limit", "-1")


class Show(WorkerCase):
    def test_everything_about_a_job(self):
        number = self.failed(error="first\nsecond \x1b[1m")
        self.sql("UPDATE jobs SET requested_by = '12', payload = '{\"report\":\"x\"}', attempt = 2")
        self.sql(
            "INSERT INTO mq_attempts VALUES (?, 1, 1, 3, '2025-11-03 12:00:00', '2025-11-03 12:00:01.500000', 'crashed',"
            " 'gone', 9, NULL, 0.25, 2048), (?, 2, 2, 4, NULL, '2025-11-03 12:00:02', 'failed', NULL, NULL, 3, NULL, NULL)",
            number,
            number,
        )
        text = self.ok("show", str(number)).stdout
        for part in (
            "export.report",
            "failed",
            "first\n",
            "requested by  12",
            "mq-worker retry 1",
            '{"report": "x"}',
            "attempt\t1\t2025-11-03 12:00:00\t1.5 s\t3\t0.25 s\t2.0 MiB\tcrashed (signal 9)\tgone",
        ):
            self.assertIn(part, text)
        self.assertNotIn("\x1b", text)
        job = self.json("show", str(number))[0]
        self.assertEqual([a["outcome"] for a in job["attempts"]], ["crashed", "failed"])
        self.assertEqual((job["attempts"][0]["signal"], job["attempts"][1]["exit_status"]), (9, 3))
        self.assertEqual(job["payload"], {"report": "x"})
        self.assertIn("OUTCOME", self.terminal("show", str(number))[0])

    def test_what_happens_next(self):
        self.insert("export.report")
        self.assertIn("waits: no worker runs", self.ok("show", "1").stdout)
        self.living_worker(["x.y"])
        self.assertIn("waits: no running worker takes this kind", self.ok("show", "1").stdout)
        self.insert("x.y", run_at="2031-01-01 00:00:00", error="busy")
        self.assertIn("again at 2031-01-01 00:00:00 after: busy", self.ok("show", "2").stdout)
        self.insert("x.y")
        self.assertIn("waits for a free worker", self.ok("show", "3").stdout)
        self.insert("x.y", "running", cancel_requested=1)
        self.assertIn("asked to stop", self.ok("show", "4").stdout)

    def test_several_jobs(self):
        self.insert()
        self.insert()
        self.assertEqual([job["id"] for job in self.json("show", "2", "1")], [2, 1])

    def test_wrong_arguments(self):
        self.refused(2, "which job", "show")
        self.refused(4, "99", "show", "99")
        for text in "x", "-1", "0", "1.5", "99999999999999999999", "":
            self.refused(2, "is no job id", "show", "--", text, config=False)


class Retry(WorkerCase):
    def states(self):
        return [row[0] for row in self.sql("SELECT status FROM jobs ORDER BY id")]

    def test_all_failed_jobs_when_nothing_is_named(self):
        self.failed()
        self.failed()
        self.insert(status="succeeded")
        done = self.ok("--retry")
        self.assertEqual(self.states(), ["queued", "queued", "succeeded"])
        self.assertIn("2 failed jobs queued again.", done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), 2)

    def test_by_id_kind_and_age(self):
        self.failed("export.report")
        self.failed("media.image")
        self.failed("media.video", finished="2020-01-01 00:00:00")
        self.ok("retry", "1")
        self.assertEqual(self.states(), ["queued", "failed", "failed"])
        self.sql(
            "UPDATE jobs SET finished_at = strftime('%Y-%m-%d %H:%M:%f', 'now') || '000' WHERE id = 2"
        )
        self.ok("retry", "--kind", "media.*", "--since", "1d")
        self.assertEqual(self.states(), ["queued", "queued", "failed"])

    def test_a_dry_run_changes_nothing(self):
        self.failed()
        done = self.ok("retry", "--dry-run")
        self.assertIn("1 failed job would run again.", done.stderr)
        self.assertEqual(done.stdout.split("\t")[:2], ["1", "export.report"])
        self.assertEqual(self.states(), ["failed"])
        self.assertEqual(self.json("retry", "--dry-run")[0]["id"], 1)
        self.assertIn("ERROR", self.terminal("retry", "--dry-run")[0])

    def test_nothing_failed(self):
        self.assertIn("0 failed jobs queued again.", self.ok("retry").stderr)

    def test_a_unique_key_that_is_on_its_way_is_left_alone(self):
        number = self.failed()
        self.sql("UPDATE jobs SET unique_key = 'k' WHERE id = ?", number)
        self.insert(unique_key="k")
        self.assertIn("1 left alone", self.ok("retry").stderr)

    def test_wrong_arguments(self):
        self.refused(4, "9", "retry", "9")
        self.insert()
        self.refused(3, "1", "retry", "1")
        self.refused(2, "is no job id", "retry", "all")
        self.refused(2, "is no time", "retry", "--since", "x")


class Cancel(WorkerCase):
    def test_queued_jobs_end_and_running_ones_are_asked(self):
        self.insert()
        self.insert(status="running")
        self.assertEqual(
            self.ok("cancel", "1", "2").stdout,
            "job 1 is cancelled\njob 2 is running and was asked to stop\n",
        )
        self.assertEqual(
            self.sql("SELECT status, cancel_requested FROM jobs ORDER BY id")[1], ("running", 1)
        )
        self.insert()
        self.assertEqual(
            self.json("cancel", "3"), [{"id": 3, "before": "queued", "now": "cancelled"}]
        )

    def test_one_that_has_ended_does_not_stop_the_others(self):
        self.failed()
        self.insert()
        self.refused(3, "1", "cancel", "1", "2")
        self.assertEqual(
            self.sql("SELECT status FROM jobs ORDER BY id"), [("failed",), ("cancelled",)]
        )

    def test_wrong_arguments(self):
        self.refused(2, "which job", "cancel")
        self.refused(2, "is no job id", "cancel", "1x")
        self.refused(4, "5", "cancel", "5")


class Status(WorkerCase):
    def test_an_empty_queue(self):
        self.assertEqual(
            [line.split("\t")[0] for line in self.ok("status").stdout.splitlines()], ["database"]
        )
        text, _ = self.terminal("status")
        self.assertIn("No jobs yet", text)
        self.assertIn("No worker runs", text)

    def test_counts_by_kind_and_worker(self):
        self.insert("a.b", created_at="2020-01-01 00:00:00")
        self.insert("a.b", run_at="2031-01-01 00:00:00")
        self.insert("a.b", "running")
        self.failed("c.d")
        self.living_worker(["a.b"])
        self.dead_worker(["a.b"], 2)
        lines = {
            tuple(line.split("\t")[:2]): line.split("\t")
            for line in self.ok("status").stdout.splitlines()
        }
        self.assertEqual(lines["kind", "a.b"][2:5], ["1", "1", "1"])
        self.assertGreater(int(lines["kind", "a.b"][8]), 10**8)
        self.assertEqual(lines["kind", "c.d"][6], "1")
        self.assertEqual((lines["worker", "1"][4], lines["worker", "1"][6]), ("busy", "3"))
        self.assertEqual(lines["worker", "2"][4], "dead")
        kinds = [row for row in self.json("status") if row["type"] == "kind"]
        self.assertEqual(
            (kinds[0]["queued"], kinds[0]["scheduled"], kinds[0]["running"]), (2, 1, 1)
        )
        self.assertIn("OLDEST WAITS", self.terminal("status")[0])


class Kinds(WorkerCase):
    def test_parameters_and_limits(self):
        self.config.write_text("[kind.export.*]\nmax_attempts = 9\n")
        kind = {row["kind"]: row for row in self.json("kinds")}["export.report"]
        self.assertEqual(kind["max_attempts"], 9)
        fields = {field["name"]: field for field in kind["parameters"]}
        self.assertTrue(fields["report"]["required"])
        self.assertIn("csv", fields["format"]["choices"])
        self.assertIn("report", self.terminal("kinds", "export.report")[0])
        self.assertEqual(self.ok("kinds").stdout.split("\t")[:2], ["export.report", "9"])

    def test_it_works_without_a_database(self):
        self.database.unlink()
        done = self.ok("kinds")
        self.assertIn("without counts", done.stderr)

    def test_unknown_kind(self):
        self.refused(4, "did you mean 'export.report'?", "kinds", "export.reprot")
        self.refused(2, "too much", "kinds", "a", "b")


class Init(WorkerCase):
    with_queue = False

    def test_says_what_it_did_and_does_it_once(self):
        first = self.ok("init").stdout
        self.assertRegex(first, r"^schema\tmade\tversion \d+ in .*/data/magnetiq\.db\n")
        self.assertIn("folder\tmade\t%s/exports\n" % self.data, first)
        for name, mode in (
            ("exports", 0o755),
            ("temp", 0o700),
            ("temp/processing", 0o700),
            ("backups", 0o700),
        ):
            self.assertEqual((self.data / name).stat().st_mode & 0o7777, mode)
        second = self.ok("init").stdout
        self.assertIn("up to date", second)
        self.assertNotIn("made", second)
        self.assertEqual(self.json("init")[0]["state"], "up to date")

    def test_the_modes_do_not_depend_on_the_umask(self):
        old = os.umask(0o077)
        try:
            self.ok("init")
        finally:
            os.umask(old)
        self.assertEqual((self.data / "exports").stat().st_mode & 0o7777, 0o755)

    def test_never_makes_the_database(self):
        self.database.unlink()
        done = self.refused(4, "start the application once", "init")
        self.assertEqual(done.stdout, "")
        self.assertFalse(self.database.exists())

    def test_a_file_that_is_no_database_is_left_alone(self):
        for content in (b"x" * 4096, os.urandom(8192)):
            self.database.write_bytes(content)
            self.refused(8, "magnetiq.db", "init")
            self.assertEqual(self.database.read_bytes(), content)

    def test_a_folder_that_is_a_file(self):
        (self.data / "exports").write_text("")
        self.refused(6, "exports", "init")

    def test_other_commands_say_that_it_is_missing(self):
        for command in (["list"], ["status"], ["show", "1"]):
            self.refused(4, "mq-worker init", *command)


class Run(WorkerCase):
    def test_a_log_that_nobody_reads_any_more_ends_no_worker(self):
        for _ in range(4):
            self.ok("enqueue", "export.report", '{"report":"none"}')
        reader, writer = os.pipe()
        pool = subprocess.Popen(
            [PROGRAM, "run", "--drain", "--workers", "2", "--config", str(self.config)],
            cwd=self.dir,
            stderr=writer,
            env=environment(),
        )
        os.close(writer)
        os.close(reader)
        self.assertEqual(pool.wait(timeout=60), 0)
        with sqlite3.connect(self.database) as db:
            outcomes = db.execute("SELECT attempt, outcome FROM mq_attempts").fetchall()
        db.close()
        self.assertEqual(outcomes, [(1, "failed")] * 4)


class Config(WorkerCase):
    def test_every_value_and_its_origin(self):
        self.config.write_text("[pool]\nworkers = 3\n[kind.a.*]\nbackoff = 5s..1min\n")
        items = {
            row["name"]: row
            for row in self.json(
                "config", "--set", "logs.level=debug", env={"EXPORTS_DIR": "/srv/exports"}
            )
        }
        self.assertEqual(items["pool.workers"]["value"], "3")
        self.assertEqual(items["pool.workers"]["origin"], "%s:2" % self.config)
        self.assertEqual(items["logs.level"]["origin"], "option")
        self.assertEqual(
            (items["data.exports_dir"]["value"], items["data.exports_dir"]["origin"]),
            ("/srv/exports", "environment EXPORTS_DIR"),
        )
        self.assertEqual(items["kind.a.*.backoff"]["value"], "5s..1min")
        self.assertEqual(items["database file"]["value"], str(self.database))
        self.assertIsNone(items["database.key_file"]["value"])

    def test_tabs_and_table(self):
        rows = [line.split("\t") for line in self.ok("config").stdout.splitlines()]
        self.assertTrue(all(len(row) == 3 for row in rows))
        self.assertIn("SETTING", self.terminal("config")[0])

    def test_the_key_itself_is_not_shown(self):
        key = self.dir / "db.key"
        key.write_bytes(b"K" * 32)
        self.assertNotIn("KKKK", self.ok("config", "--set", "database.key_file=%s" % key).stdout)


if __name__ == "__main__":
    worker.main()

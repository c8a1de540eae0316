"""doctor: each trap is found and named, and nothing is changed by looking."""
import os
import sqlite3
import stat

import worker
from worker import WorkerCase


class Doctor(WorkerCase):
    def look(self, *args, status=0, **how):
        """{check: (state, found, todo)} of the worst line of each check."""
        done = self.run_worker("doctor", *args, **how)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        self.assertTrue(all(len(row) == 4 for row in rows), rows)
        order = ["ok", "info", "warn", "fail"]
        rows.sort(key=lambda row: order.index(row[0]))
        return {row[1]: (row[0], row[2], row[3]) for row in rows}

    def assert_says(self, checks, check, state, found, todo=""):
        self.assertIn(check, checks)
        self.assertEqual(checks[check][0], state, checks[check])
        self.assertIn(found, checks[check][1])
        self.assertIn(todo, checks[check][2])

    def test_a_sound_place(self):
        checks = self.look()
        for check in (
            "configuration",
            "database url",
            "database",
            "data directory",
            "folders",
            "file system",
            "locks",
            "inotify",
            "journal",
            "schema",
            "encryption",
            "kinds",
            "mmap",
        ):
            self.assert_says(checks, check, "ok", "")
        self.assert_says(checks, "workers", "info", "none runs", "mq-worker run")
        self.assertTrue(
            all(todo for state, _, todo in checks.values() if state in ("warn", "fail"))
        )

    def test_looking_changes_nothing(self):
        def everything():
            return {
                path: (path.stat().st_mode, path.read_bytes() if path.is_file() else None)
                for path in self.data.rglob("*")
                if not path.name.endswith("-shm")
            }

        self.look()
        before = everything()
        self.look()
        self.assertEqual(everything(), before)

    def test_json_and_terminal(self):
        row = {row["check"]: row for row in self.json("doctor")}["database"]
        self.assertEqual((row["state"], row["todo"]), ("ok", None))
        text, _ = self.terminal("doctor")
        self.assertRegex(text, r"\nok \d+, info \d+, warn \d+, fail 0\n$")

    def test_three_slashes(self):
        checks = self.look(
            "--database-url",
            "sqlite+aiosqlite:///%s" % str(self.database)[1:],
            "--data-dir",
            str(self.data),
            "--set",
            "database.working_dir=/app",
            status=1,
        )
        self.assert_says(
            checks, "configuration", "fail", "four: 'sqlite+aiosqlite:///%s'" % self.database
        )

    def test_database_outside_the_data_directory(self):
        checks = self.look("--data-dir", str(self.dir / "other"), status=1)
        self.assert_says(checks, "configuration", "fail", "not below the data directory")

    def test_missing_database(self):
        self.database.unlink()
        self.assert_says(
            self.look(status=1), "database", "fail", "does not exist", "start the application once"
        )
        self.assertFalse(self.database.exists())

    def test_missing_data_directory(self):
        checks = self.look(
            "--data-dir", "nowhere", "--database-url", "sqlite:///nowhere/x.db", status=1
        )
        self.assert_says(checks, "data directory", "fail", "nowhere", "DATA_DIR")

    def test_encrypted_or_damaged(self):
        content = os.urandom(8192)
        self.database.write_bytes(content)
        self.assert_says(
            self.look(status=1), "database", "fail", "encrypted or damaged", "database.key_file"
        )
        self.assertEqual(self.database.read_bytes(), content)

    def test_a_plain_database_with_a_key(self):
        key = self.dir / "db.key"
        key.write_bytes(b"k" * 32)
        key.chmod(0o400)
        checks = self.look("--set", "database.key_file=%s" % key, status=1)
        self.assert_says(checks, "database", "fail", "is not encrypted, but a key is set")
        self.assert_says(checks, "key file", "ok", "0400")

    def test_key_files(self):
        key = self.dir / "db.key"
        option = "--set", "database.key_file=%s" % key
        self.assert_says(self.look(*option, status=1), "key file", "fail", "No such file")
        key.write_bytes(b"k" * 33)
        self.assert_says(self.look(*option, status=1), "key file", "fail", "33 bytes instead of 32")
        key.write_bytes(b"k" * 32)
        key.chmod(0o644)
        self.assert_says(
            self.look(*option, status=1), "key file", "fail", "others can read it", "chmod 0400"
        )

    def test_damage_inside(self):
        with open(self.database, "r+b") as file:
            file.seek(100)
            file.write(b"\xff" * 2000)
        for name in "-wal", "-shm":
            if os.path.exists(str(self.database) + name):
                os.unlink(str(self.database) + name)
        self.assert_says(self.look(status=1), "queue", "fail", "magnetiq.db", "restore a backup")

    def test_what_stands_in_the_place_of_a_companion_file(self):
        for suffix in "-workers", "-shm":
            path = worker.pathlib.Path(str(self.database) + suffix)
            path.unlink(missing_ok=True)
            path.mkdir()
            checks = self.look(status=1)
            path.rmdir()
            self.assert_says(checks, "database", "fail", "%s is no regular file" % path)

    def test_a_file_in_the_place_of_a_folder(self):
        (self.data / "exports").rmdir()
        (self.data / "exports").write_text("")
        self.assert_says(self.look(status=1), "exports", "fail", "is no folder")

    def test_no_queue_yet(self):
        self.sql("DROP TABLE jobs")
        for (name,) in self.sql(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'mq!_%' ESCAPE '!'"
        ):
            self.sql("DROP TABLE " + name)
        self.assert_says(self.look(status=1), "queue", "fail", "", "mq-worker init")

    def test_other_journal(self):
        db = sqlite3.connect(self.database)
        db.execute("PRAGMA journal_mode=DELETE")
        db.close()
        self.assert_says(self.look(), "journal", "warn", "delete instead of wal")

    def test_a_wal_that_has_grown(self):
        keep = sqlite3.connect(self.database, isolation_level=None)
        self.addCleanup(keep.close)
        keep.execute("PRAGMA wal_autocheckpoint=0")
        keep.execute("CREATE TABLE big (b)")
        keep.execute("INSERT INTO big VALUES (zeroblob(6000000))")
        self.assert_says(self.look(), "journal", "warn", "grown to 5")

    def test_modes_and_folders(self):
        self.data.chmod(0o755)
        self.assert_says(self.look(), "data directory", "warn", "mode 0755", "chmod 0750")
        (self.data / "exports").rmdir()
        checks = self.look()
        self.assert_says(checks, "folders", "warn", "no folder for exports", "mq-worker init")

    def test_kinds_that_nobody_knows(self):
        self.insert("no.such")
        self.assert_says(self.look(), "kinds", "warn", "no.such")
        self.sql("DELETE FROM jobs")
        self.insert("export.report")
        self.living_worker(["other.kind"])
        self.assert_says(self.look(), "kinds", "warn", "no running worker knows it")

    def test_workers(self):
        self.insert("export.report")
        self.assert_says(self.look(), "workers", "warn", "ready: 1")
        self.living_worker(["export.report"])
        self.assert_says(self.look(), "workers", "ok", "1 running")
        self.dead_worker(["export.report"], 2)
        self.assertIn("1 died", self.ok("doctor").stdout)

    def test_failed_jobs_are_told(self):
        self.failed()
        self.assert_says(self.look(), "failed jobs", "info", "1", "--retry")

    def test_who_maps_the_database(self):
        db = sqlite3.connect(self.database)
        self.addCleanup(db.close)
        if db.execute("PRAGMA mmap_size=1000000").fetchone()[0] == 0:
            self.skipTest("this library maps nothing")
        db.execute("SELECT * FROM consultants").fetchall()
        self.assert_says(
            self.look(), "mmap", "warn", "process %d maps" % os.getpid(), "mmap_size=0"
        )

    def test_a_wrong_report_file(self):
        reports = self.dir / "reports"
        reports.mkdir()
        (reports / "bad.sql").write_text("SELECT 1")
        checks = self.look("--set", "data.reports_dir=%s" % reports)
        self.assert_says(checks, "reports", "warn", "bad.sql")

    def test_missing_programs_are_no_failure(self):
        self.assert_says(self.look(env={"PATH": "/nonexistent"}), "ffmpeg", "info", "not found")

    def test_a_folder_that_cannot_be_written(self):
        if os.geteuid() == 0:
            self.skipTest("root may write everywhere")
        (self.data / "exports").chmod(stat.S_IRUSR)
        self.assert_says(self.look(status=1), "exports", "fail", "cannot be written")


if __name__ == "__main__":
    worker.main()

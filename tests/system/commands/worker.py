"""The real binary on a real database in a folder of its own."""
import fcntl
import json
import os
import pathlib
import pty
import sqlite3
import struct
import subprocess
import tempfile
import time
import unittest

PROGRAM = os.environ["MQ_WORKER"]
SOURCE = pathlib.Path(os.environ["MQ_SOURCE_DIR"])
COMMANDS = [
    "run",
    "enqueue",
    "list",
    "show",
    "retry",
    "cancel",
    "status",
    "kinds",
    "reports",
    "init",
    "config",
    "doctor",
]


def environment(**more):
    """Only what the program is meant to see."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if k in ("PATH", "HOME", "LANG", "ASAN_OPTIONS", "LSAN_OPTIONS")
    }
    return {**kept, **more}


class WorkerCase(unittest.TestCase):
    """self.dir is the application's working directory; the database is data/magnetiq.db."""

    with_queue = True

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="mq-commands-")
        self.addCleanup(self.folder.cleanup)
        self.dir = pathlib.Path(self.folder.name)
        self.data = self.dir / "data"
        self.data.mkdir(mode=0o750)
        self.database = self.data / "magnetiq.db"
        self.config = self.dir / "mq-worker.conf"
        self.config.write_text("")
        with sqlite3.connect(self.database) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("CREATE TABLE consultants (id TEXT PRIMARY KEY, email TEXT)")
        db.close()
        if self.with_queue:
            self.ok("init")

    def run_worker(self, *args, stdin="", env=None, config=True):
        options = ["--config", str(self.config)] if config else []
        return subprocess.run(
            [PROGRAM, *args, *options],
            cwd=self.dir,
            input=stdin,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(**(env or {})),
            timeout=60,
        )

    def ok(self, *args, **how):
        done = self.run_worker(*args, **how)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return done

    def json(self, *args, **how):
        return [json.loads(line) for line in self.ok(*args, "--json", **how).stdout.splitlines()]

    def refused(self, status, says, *args, **how):
        done = self.run_worker(*args, **how)
        self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        self.assertIn(says, done.stderr)
        self.assertTrue(done.stderr.startswith("mq-worker: "), done.stderr)
        return done

    def sql(self, text, *values):
        db = sqlite3.connect(self.database, timeout=30, isolation_level=None)
        try:
            return db.execute(text, values).fetchall()
        finally:
            db.close()

    def insert(self, kind="export.report", status="queued", **columns):
        """A job in any state, as its life would have left it."""
        names = ["kind", "status", *columns]
        if status == "running" and "token" not in columns:
            names += ["token", "worker_id"]
            columns = {**columns, "token": 1, "worker_id": 1}
        values = [kind, status, *columns.values()]
        marks = ",".join("?" * len(values))
        return self.sql(
            "INSERT INTO jobs (%s) VALUES (%s) RETURNING id" % (",".join(names), marks), *values
        )[0][0]

    def failed(
        self, kind="export.report", error="no such report", finished="2025-11-03 12:00:00.000000"
    ):
        return self.insert(kind, "failed", error=error, attempt=1, token=1, finished_at=finished)

    def until(self, happened, timeout_s=20):
        """What somebody else does is asked for until it is there."""
        end = time.monotonic() + timeout_s
        while not happened():
            self.assertLess(time.monotonic(), end, "it did not happen")
            time.sleep(0.01)

    def living_worker(self, kinds, worker_id=1):
        """A row in mq_workers whose byte this process holds."""
        lock = open(str(self.database) + "-workers", "r+b")
        self.addCleanup(lock.close)
        whole = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, worker_id, 1, 0)
        fcntl.fcntl(lock, 37, whole)  # F_OFD_SETLK
        self.dead_worker(kinds, worker_id)

    def dead_worker(self, kinds, worker_id=1):
        self.sql(
            "INSERT INTO mq_workers VALUES (?, 1, 'here', 'boot', '2025-11-03 12:00:00', '0', ?)",
            worker_id,
            json.dumps(kinds),
        )

    def terminal(self, *args, env=None, stdin=""):
        """What stands on a terminal, and the exit status."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, 0x5414, struct.pack("HHHH", 40, 100, 0, 0))  # TIOCSWINSZ
        child = subprocess.Popen(
            [PROGRAM, *args, "--config", str(self.config)],
            cwd=self.dir,
            stdin=subprocess.DEVNULL,
            stdout=slave,
            stderr=slave,
            env=environment(TERM="xterm", **(env or {})),
        )
        os.close(slave)
        text = b""
        while True:
            try:
                block = os.read(master, 65536)
            except OSError:  # EIO: the other side is closed
                break
            if not block:
                break
            text += block
        os.close(master)
        return text.decode().replace("\r\n", "\n"), child.wait()


def main():
    unittest.main(verbosity=1)

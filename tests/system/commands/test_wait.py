"""enqueue --wait: a worker is played by this test, so that each step is known."""
import os
import pty
import select
import signal
import subprocess

import worker
from worker import WorkerCase


class Wait(WorkerCase):
    def setUp(self):
        super().setUp()
        self.living_worker(["test.it"])

    def start(self, *options, terminal=False):
        """The waiting command, and the descriptor of its terminal."""
        master, slave = pty.openpty() if terminal else (None, subprocess.PIPE)
        child = subprocess.Popen(
            [
                worker.PROGRAM,
                "enqueue",
                "test.it",
                "--wait",
                *options,
                "--config",
                str(self.config),
            ],
            cwd=self.dir,
            stdout=subprocess.PIPE,
            stderr=slave,
            text=True,
            env=worker.environment(),
        )
        self.addCleanup(child.kill)
        self.addCleanup(child.stdout.close)
        if terminal:
            os.close(slave)
            self.addCleanup(os.close, master)
        else:
            self.addCleanup(child.stderr.close)
        self.until_queued(child)
        return child, master

    def until_queued(self, child):
        while not self.sql("SELECT 1 FROM jobs"):
            self.assertIsNone(child.poll(), "ended before it queued anything")

    def step(self, text, *values):
        self.sql("UPDATE jobs SET " + text, *values)

    def read_until(self, master, wanted):
        text = ""
        while wanted not in text:
            self.assertTrue(
                select.select([master], [], [], 30)[0], "never shown: %s in %r" % (wanted, text)
            )
            text += os.read(master, 65536).decode()
        return text

    def run_job(self):
        self.step(
            "status = 'running', token = 1, worker_id = 1, attempt = 1,"
            " started_at = strftime('%Y-%m-%d %H:%M:%f', 'now', '-3 seconds') || '000'"
        )

    def end(self, status, **columns):
        names = "".join(", %s = ?" % name for name in columns)
        self.step(
            "status = '%s', worker_id = NULL, finished_at = strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now') || '000'%s"
            % (status, names),
            *columns.values()
        )

    def test_success_is_status_0_with_the_result(self):
        child, _ = self.start()
        self.run_job()
        self.end("succeeded", result='{"rows":3}')
        out, err = child.communicate(timeout=30)
        self.assertEqual((child.returncode, out, err), (0, '1\tsucceeded\t{"rows":3}\n', ""))

    def test_failure_is_status_1_with_the_reason(self):
        child, _ = self.start()
        self.run_job()
        self.end("failed", error="disk full")
        out, _ = child.communicate(timeout=30)
        self.assertEqual((child.returncode, out), (1, "1\tfailed\tdisk full\n"))

    def test_cancelled_is_status_15(self):
        child, _ = self.start("--json")
        self.end("cancelled")
        out, _ = child.communicate(timeout=30)
        self.assertEqual(child.returncode, 15)
        self.assertIn('"status":"cancelled"', out)

    def test_a_terminal_shows_progress_with_note_and_time_left(self):
        child, master = self.start(terminal=True)
        self.read_until(master, "job 1 queued: waits for a free worker")
        self.run_job()
        self.step("progress = 50, progress_note = '12,000 rows'")
        text = self.read_until(master, "left")
        self.assertIn("[############------------] 50 %, 12,000 rows, about 3", text)
        self.end("succeeded")
        out, _ = child.communicate(timeout=30)
        self.assertEqual(child.returncode, 0)
        self.assertTrue(out.startswith("1\tsucceeded\tin "), out)

    def test_ctrl_c_leaves_the_job_alone(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            self.sql("DELETE FROM jobs")
            child, _ = self.start()
            child.send_signal(number)
            out, err = child.communicate(timeout=30)
            self.assertEqual(child.returncode, status)
            self.assertIn("goes on", err)
            self.assertEqual(out.strip(), str(self.sql("SELECT max(id) FROM jobs")[0][0]))
        self.assertEqual(self.sql("SELECT DISTINCT status FROM jobs"), [("queued",)])

    def test_a_time_limit_leaves_the_job_alone(self):
        child, _ = self.start("--timeout", "50ms")
        _, err = child.communicate(timeout=30)
        self.assertEqual(child.returncode, 17)
        self.assertIn("job 1 goes on", err)

    def test_waiting_without_a_worker_is_told(self):
        self.sql("DELETE FROM mq_workers")
        child, _ = self.start()
        self.assertIn("no worker here knows the kind", child.stderr.readline())
        self.assertIn("no worker runs on this database", child.stderr.readline())
        self.end("succeeded")
        self.assertEqual(child.wait(timeout=30), 0)


if __name__ == "__main__":
    worker.main()

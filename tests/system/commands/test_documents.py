"""Manual pages, completions and the example configuration name everything that the program has."""
import re
import shutil
import subprocess
import unittest

import worker
from worker import SOURCE, WorkerCase

DEPLOY = SOURCE / "deploy"


class Documents(WorkerCase):
    with_queue = False

    def options(self, command):
        """The options of one command, or the common ones."""
        text = self.ok(command, "--help").stdout if command else self.ok("--help").stdout
        return set(re.findall(r"^  (--[a-z-]+)", text, re.MULTILINE))

    def settings(self):
        kinds = ["--set=kind.x.%s=1" % key for key in ("timeout_s", "max_attempts", "backoff")]
        return [row["name"] for row in self.json("config", *kinds) if "." in row["name"]]

    def test_the_manual_has_every_command_and_option(self):
        text = (DEPLOY / "man/mq-worker.1").read_text()
        for command in worker.COMMANDS:
            self.assertIn("\n.It Cm " + command, text)
        for command in [None, *worker.COMMANDS]:
            for option in self.options(command):
                self.assertRegex(text, r"Fl %s\b" % option[1:])

    def test_the_manual_has_every_exit_status(self):
        text = (DEPLOY / "man/mq-worker.1").read_text()
        source = (SOURCE / "worker/base/err.c").read_text()
        numbers = re.findall(r'\{ "[a-z-]+", (?:true|false), (\d+) \}', source)
        self.assertGreater(len(numbers), 10)
        for number in numbers:
            self.assertIn("\n.It %s\n" % number, text)

    def test_every_setting_is_in_the_manual_and_in_the_example(self):
        manual = (DEPLOY / "man/mq-worker.conf.5").read_text()
        example = (DEPLOY / "mq-worker.conf.example").read_text()
        for name in self.settings():
            section, key = name.rsplit(".", 1)
            self.assertIn("[%s]" % ("kind.GLOB" if section == "kind.x" else section), manual)
            self.assertRegex(manual, r"\b%s\b" % key)
            self.assertRegex(example, r"(?m)^#?%s = " % key)

    def test_every_variable_is_in_both_manuals(self):
        source = (SOURCE / "worker/base/config.c").read_text()
        names = set(re.findall(r'"([A-Z]+_[A-Z]+)"', source)) - {"MQ_CONFIG"}
        self.assertGreaterEqual(len(names), 13)
        for page in "mq-worker.1", "mq-worker.conf.5":
            text = (DEPLOY / "man" / page).read_text()
            for name in names:
                self.assertIn(name, text)

    def test_the_example_is_a_valid_file_and_shows_the_defaults(self):
        example = (DEPLOY / "mq-worker.conf.example").read_text()
        self.config.write_text(example)
        self.ok("config")
        self.config.write_text(re.sub(r"(?m)^#([a-z_]+ = )", r"\1", example))
        changed = {row["name"]: row["value"] for row in self.json("config")}
        self.config.write_text("")
        standard = {row["name"]: row["value"] for row in self.json("config")}
        free = {"pool.workers", "pool.only", "pool.except", "database.key_file", "data.reports_dir"}
        for name, value in standard.items():
            if name not in free:
                self.assertEqual(changed[name], value, name)

    def test_the_pages_are_well_formed(self):
        if not shutil.which("man"):
            self.skipTest("no man")
        for page in (DEPLOY / "man").iterdir():
            done = subprocess.run(
                ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(page)],
                text=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_completions_have_every_command_and_option(self):
        for name in "mq-worker.bash", "_mq-worker", "mq-worker.fish":
            text = (DEPLOY / "completion" / name).read_text()
            for command in worker.COMMANDS:
                self.assertRegex(text, r"\b%s\b" % command)
            for command in [None, *worker.COMMANDS]:
                for option in self.options(command):
                    self.assertRegex(text, r"(--|-l )%s\b" % option[2:], name)

    def test_bash_completes(self):
        script = (
            """
            . '%s/completion/mq-worker.bash'
            complete_line() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _mq_worker; echo "${COMPREPLY[*]}"; }
            complete_line mq-worker en
            complete_line mq-worker run --dr
            complete_line mq-worker list --status fa
        """
            % DEPLOY
        )
        done = subprocess.run(["bash", "-c", script], text=True, stdout=subprocess.PIPE, check=True)
        self.assertEqual(done.stdout, "enqueue\n--drain\nfailed\n")

    def test_the_unit_names_only_what_exists(self):
        text = (DEPLOY / "mq-worker.service").read_text()
        self.assertIn("Type=notify", text)
        for line in (
            "KillMode=mixed",
            "WatchdogSec=30",
            "TimeoutStopSec=30",
            "ProtectSystem=strict",
        ):
            self.assertIn("\n%s\n" % line, text)


if __name__ == "__main__":
    unittest.main()

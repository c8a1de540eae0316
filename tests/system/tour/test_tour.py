#!/usr/bin/env python3
"""README.md: the tour is typed as printed and shows what is printed, the example compiles, the map is true.

test_tour.py --print writes the tour with what the commands show now.
"""
import fcntl
import os
import pathlib
import pty
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import unittest

SOURCE = pathlib.Path(os.environ["MQ_SOURCE_DIR"])
README = SOURCE / "README.md"
sys.path.insert(0, str(SOURCE / "tests/support"))
import documents  # noqa: E402

# The directory of the tour, as the document calls it.
HOME = "/home/you/demo"
# What differs from run to run; blanks too, since columns are as wide as what stands in them.
VARIES = (
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?Z?", "TIME"),
    (r"\d{8}_\d{6}", "STAMP"),
    (r"\b[0-9a-f]{64}\b", "SHA256"),
    (r"\b\d+(\.\d+)? (ms|s|min|h)\b", "DURATION"),
    (r"\b\d+(\.\d+)? ([KM]i)?B\b", "SIZE"),
    (r"─+|-{3,}", "-"),
    (r"[ \t]+", " "),
    (r" +$", ""),
)
WARNINGS = (
    "-std=gnu17 -fsyntax-only -Wall -Wextra -Wconversion -Wshadow -Wmissing-prototypes -Werror"
)


def normal(text):
    for pattern, instead in VARIES:
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    return text.strip()


def tour():
    """[(command, output)] of the console blocks; a command goes on while its lines end with \\."""
    steps = []
    text = README.read_text(encoding="utf-8").split("## A tour")[1].split("\n## ")[0]
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command = re.match(r"(?:.*\\\n)*.*\n", part).group()
            steps.append((command.rstrip("\n"), part[len(command) :]))
    return steps


class Terminal:
    """A fresh directory, with the tree's deploy folder in it, and a shell whose output is a terminal."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mq-tour-"))
        (self.dir / "bin").mkdir()
        (self.dir / "bin/mq-worker").symlink_to(os.environ["MQ_WORKER"])
        (self.dir / "deploy").symlink_to(SOURCE / "deploy")
        self.env = {
            "PATH": "%s:%s" % (self.dir / "bin", os.environ["PATH"]),
            "HOME": str(self.dir),
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "NO_COLOR": "1",
            "MQ_CONFIG": "deploy/demo/demo.conf",
        }

    def close(self):
        shutil.rmtree(self.dir)

    def type(self, command):
        """What standard output shows; standard error is not part of the tour."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        with subprocess.Popen(
            ["sh", "-c", command],
            cwd=self.dir,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=slave,
            stderr=subprocess.DEVNULL,
        ) as process:
            os.close(slave)
            shown = b""
            try:
                while chunk := os.read(master, 65536):
                    shown += chunk
            except OSError:
                pass  # a terminal whose other side is closed says EIO instead of end of file
            os.close(master)
        return shown.decode().replace("\r", "").replace(str(self.dir), HOME)


class Tour(unittest.TestCase):
    maxDiff = None

    def test_each_command_shows_what_the_tour_says(self):
        terminal = Terminal()
        self.addCleanup(terminal.close)
        steps = tour()
        self.assertGreater(len(steps), 6)
        for command, output in steps:
            shown = terminal.type(command)
            with self.subTest(command):
                self.assertEqual(normal(shown), normal(output))

    def test_the_two_commands_stand_first(self):
        text = README.read_text(encoding="utf-8")
        first = re.search(r"```sh\n(.*?)```", text, re.DOTALL).group(1)
        commands = re.findall(r"^(deploy/\S+)", first, re.MULTILINE)
        self.assertEqual(commands, ["deploy/run.sh", "deploy/test.sh"])
        self.assertLess(text.index(first), text.index("## "))
        for command in commands:
            self.assertTrue(os.access(SOURCE / command, os.X_OK), command)


class Documents(unittest.TestCase):
    def test_the_example_of_a_job_kind_compiles_without_a_warning(self):
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        flags = WARNINGS.split() + ["-D_GNU_SOURCE", "-I%s" % (SOURCE / "include")]
        flags += shlex.split(
            subprocess.run(
                ["pkg-config", "--cflags", "jansson"], capture_output=True, text=True
            ).stdout
        )
        done = subprocess.run(
            [compiler, *flags, "-x", "c", "-"],
            input=documents.examples(README)["greeting.c"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_map_names_what_is_there(self):
        text = README.read_text(encoding="utf-8").split("## The map")[1].split("\n## ")[0]
        block = re.search(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL).group(1)
        folders = []
        for line in block.splitlines():
            depth, name = len(line) - len(line.lstrip(" ")), line.split()[0]
            folders = folders[: depth // 2] + [name]
            path = SOURCE.joinpath(*folders)
            with self.subTest(str(path.relative_to(SOURCE))):
                self.assertTrue(path.is_dir() if name.endswith("/") else path.exists())

    def test_links_lead_somewhere(self):
        for document in (README, SOURCE / "schema/README.md"):
            for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
                with self.subTest("%s: %s" % (document.name, link)):
                    self.assertTrue((document.parent / link).exists())


def print_tour():
    terminal = Terminal()
    for command, _ in tour():
        print("$ %s\n%s" % (command, terminal.type(command)), end="")
    terminal.close()


if __name__ == "__main__":
    if sys.argv[1:] == ["--print"]:
        print_tour()
    else:
        unittest.main(verbosity=2)

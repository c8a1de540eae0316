#!/usr/bin/env python3
"""deploy/packages.sh reads the machine's apt sources, whatever form they have. Installs nothing."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(os.environ["MQ_SOURCE_DIR"]) / "deploy/packages.sh"
DEB822 = """\
# comment
Types: deb deb-src
# http://old.invalid/debian
URIs: http://one.invalid/debian http://two.invalid/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/x.gpg

types: deb
uris: http://security.invalid/debian
suites: bookworm-security
components: main
"""


class Sources(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mq-packages-"))
        self.addCleanup(shutil.rmtree, self.dir)
        (self.dir / "parts").mkdir()
        (self.dir / "apt.conf").write_text(
            'Dir::Etc::sourcelist "%s/sources.list"; Dir::Etc::sourceparts "%s/parts";'
            % (self.dir, self.dir)
        )

    def mirror(self, suite):
        return subprocess.run(
            [SCRIPT, "mirror", suite],
            env=dict(os.environ, APT_CONFIG=str(self.dir / "apt.conf")),
            capture_output=True,
            text=True,
            timeout=60,
        )

    def assert_mirror(self, suite, uri, key=""):
        done = self.mirror(suite)
        self.assertEqual(
            (done.returncode, done.stdout, done.stderr), (0, "%s\t%s\n" % (uri, key), "")
        )

    def assert_no_mirror(self, suite):
        done = self.mirror(suite)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "")
        self.assertIn("no source of '%s main'" % suite, done.stderr)

    def test_no_file_at_all_is_an_error_that_names_the_suite(self):
        self.assert_no_mirror("bookworm")

    def test_stanzas_are_kept_apart(self):
        (self.dir / "parts/debian.sources").write_text(DEB822)
        self.assert_mirror("bookworm", "http://one.invalid/debian", "/usr/share/keyrings/x.gpg")
        self.assert_mirror(
            "bookworm-updates", "http://one.invalid/debian", "/usr/share/keyrings/x.gpg"
        )
        self.assert_mirror("bookworm-security", "http://security.invalid/debian")
        self.assert_no_mirror("bookworm-backports")

    def test_disabled_stanzas_and_sources_alone_do_not_count(self):
        (self.dir / "parts/a.sources").write_text(
            DEB822.replace("Types: deb deb-src", "Types: deb\nEnabled: no")
        )
        (self.dir / "parts/b.sources").write_text(
            DEB822.replace("Types: deb deb-src", "Types: deb-src")
        )
        (self.dir / "parts/c.sources").write_text(DEB822.replace("main contrib", "contrib"))
        self.assert_no_mirror("bookworm")

    def test_a_key_inside_the_stanza_is_kept_with_its_lines(self):
        (self.dir / "parts/a.sources").write_text(
            DEB822.replace(
                "Signed-By: /usr/share/keyrings/x.gpg",
                "Signed-By:\n -----BEGIN\n .\n abc=\n -----END",
            )
        )
        self.assert_mirror(
            "bookworm", "http://one.invalid/debian", "\\n -----BEGIN\\n .\\n abc=\\n -----END"
        )

    def test_one_line_sources_with_and_without_options(self):
        (self.dir / "sources.list").write_text(
            "# deb http://no.invalid/debian bookworm main\n"
            "deb cdrom:[Debian 12]/ bookworm main\n"
            "deb-src http://no.invalid/debian bookworm main\n"
            "deb http://plain.invalid/debian bookworm main # the one\n"
            "deb [ arch=amd64 signed-by=/k.gpg ] http://key.invalid/debian bookworm-updates contrib main\n"
            "deb [arch=amd64] http://nokey.invalid/debian bookworm-proposed main\n"
        )
        self.assert_mirror("bookworm", "http://plain.invalid/debian")
        self.assert_mirror("bookworm-updates", "http://key.invalid/debian", "/k.gpg")
        self.assert_mirror("bookworm-proposed", "http://nokey.invalid/debian")

    def test_other_files_are_not_read(self):
        (self.dir / "parts/debian.sources.disabled").write_text(DEB822)
        (self.dir / "parts/x.list.save").write_text("deb http://no.invalid/debian bookworm main\n")
        self.assert_no_mirror("bookworm")

    def test_a_wrong_call_says_what_is_right(self):
        for args in ([], ["everything"]):
            done = subprocess.run([SCRIPT, *args], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertIn("usage: deploy/packages.sh run|test", done.stderr)


if __name__ == "__main__":
    if not shutil.which("apt-config"):
        print("SKIP: apt is not here")
        raise SystemExit(77)
    unittest.main(verbosity=2)

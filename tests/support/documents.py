"""Examples in the documents: the tests run what the documents print."""
import pathlib
import re

EXAMPLE = re.compile(r"^<!-- example: (\S+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(path):
    """{name: text} of the fenced blocks that stand under a line <!-- example: NAME -->."""
    text = pathlib.Path(path).read_text(encoding="utf-8")
    found = EXAMPLE.findall(text)
    assert len(dict(found)) == len(found), "two examples of one name in %s" % path
    assert len(found) == text.count("<!-- example:"), "an example without its block in %s" % path
    return dict(found)

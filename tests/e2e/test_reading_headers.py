"""docs/reading-headers.md says what the command says."""

import json
import re
import subprocess

import pytest

from gate import POSTSEAL, ROOT

pytestmark = pytest.mark.quick

PAGE = (ROOT / "docs/reading-headers.md").read_text()
START = "from mx.sender.example (mx.sender.example [192.0.2.7]) "
DATE = "; Mon, 23 Nov 2026 18:00:07 +0000"
ROWS = re.findall(r"^\| [^|]+ \| `([^|]+)` \| ([^|]+) \|$", PAGE, re.M)
LINES = re.findall(r"```received\n(.*?)\n```\nIt is: (.*)", PAGE)


def trace(*words, text):
    return subprocess.run([POSTSEAL, "trace", *words, "-"],
                          input=text.encode(), capture_output=True,
                          check=False, timeout=60).stdout.decode()


def reading(line):
    """What the command makes of one line, in the words of the page."""
    hop = json.loads(trace("--json", text=f"Received: {line}\n"))["hops"][0]
    tls = hop["tls"] or {}
    words = [hop["state"], hop["evidence"], tls.get("version"),
             tls.get("cipher")]
    if tls.get("client_certificate") == "ok":
        words.append("client certificate ok")
    return ", ".join(word for word in words if word)


@pytest.mark.parametrize("text, says", ROWS)
def test_table(text, says):
    assert reading(START + text + DATE) == says


@pytest.mark.parametrize("line, says", LINES)
def test_trap(line, says):
    assert reading(line) == says


def test_picture():
    message, output = (re.search(f"```{kind}\n(.*?)```", PAGE, re.S)[1]
                       for kind in ("message", "output"))
    assert trace("--color", "never", text=message) == output
    shown = re.search(r"\$ postseal trace message.eml\n(.*?)```",
                      (ROOT / "README.md").read_text(), re.S)[1]
    assert output.startswith(shown)


def test_nothing_is_left_out():
    assert len(ROWS) == PAGE.count("\n| ") - 1 and len(ROWS) >= 15
    assert len(LINES) == PAGE.count("```received") >= 3

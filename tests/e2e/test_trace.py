"""postseal trace as people and scripts use it (group HA)."""

import html.parser
import json
import os
import pty
import subprocess
import time

import pytest

from gate import POSTSEAL

pytestmark = pytest.mark.quick

CLAUSE = ("(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))"
          "\n\t(No client certificate requested)")


def received(helo, ip, by, with_, clause="", second=0):
    clause = f"\n\t{clause}" if clause else ""
    return (f"Received: from {helo} ({helo} [{ip}]){clause}\n"
            f"\tby {by} (Postfix) with {with_} id 4F2ABC\n"
            f"\tfor <pat@clinic.example>; Mon, 23 Nov 2026 18:00:0{second} "
            "+0000\n")


TOP = received("mx.sender.example", "192.0.2.7", "mx.clinic.example", "ESMTPS",
               CLAUSE, 3)
BELOW = received("app.sender.example", "198.51.100.9", "mx.sender.example",
                 "ESMTPS", CLAUSE, 1)
REST = ("From: Ann <ann@sender.example>\nTo: pat@clinic.example\n"
        "Subject: labs\nDate: Mon, 23 Nov 2026 18:00:00 +0000\n"
        "Message-ID: <1@sender.example>\n\nhello\n")
CLEAR = received("mx.sender.example", "192.0.2.7", "mx.clinic.example",
                 "ESMTP", "", 3)
UNKNOWN = ("Received: from mx.sender.example ([192.0.2.7]) by box.example "
           "with ESMTP id 1; Mon, 23 Nov 2026 18:00:03 +0000\n")


def trace(*words, stdin=b"", code=None):
    stdin = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run([POSTSEAL, "trace", *words], input=stdin,
                          capture_output=True, check=False, timeout=60)
    if code is not None:
        assert done.returncode == code, (done.returncode, done.stderr)
    return done


def as_json(text, *words, code=None):
    return json.loads(trace("--json", *words, "-", stdin=text,
                            code=code).stdout)


@pytest.mark.parametrize("head, code, verdict", [
    (TOP + BELOW, 0, "encrypted"),
    (CLEAR + BELOW, 1, "not encrypted"),
    (received("a.example", "192.0.2.7", "b.example", "ESMTPS",
              CLAUSE.replace("TLSv1.3", "TLSv1.0")), 1, "weak"),
    (UNKNOWN, 4, "unknown"),
    ("", 4, "unknown"),
])
def test_HA_06_verdict_and_exit_code(head, code, verdict):
    found = as_json(head + REST, code=code)
    assert found["verdict"] == verdict and found["summary"]
    assert verdict == "encrypted" or found["advice"]


def test_json_has_every_field():
    found = as_json(TOP + BELOW + REST)
    assert set(found) >= {"verdict", "summary", "trust_boundary", "hops"}
    assert [h["index"] for h in found["hops"]] == [0, 1]
    hop = found["hops"][0]
    assert set(hop) >= {"index", "from", "by", "with", "state", "evidence",
                        "tls", "time", "delay_s", "skew", "trusted", "family",
                        "raw"}
    assert hop["from"] == {"helo": "app.sender.example",
                           "name": "app.sender.example",
                           "ip": "198.51.100.9"}
    assert hop["tls"] == {"version": "TLSv1.3", "version_range": None,
                          "cipher": "TLS_AES_256_GCM_SHA384", "bits": 256,
                          "client_certificate": "unasked"}
    assert (hop["evidence"], hop["family"]) == ("clause", "postfix")
    assert found["hops"][1]["delay_s"] == 2


def test_HA_01_trust_boundary():
    """Perfect lines below the first receiver we do not trust are claims."""
    found = as_json(TOP + BELOW * 5 + REST, "--trust", "clinic.example")
    assert [h["trusted"] for h in found["hops"]] == [False] * 5 + [True]
    assert found["trust_boundary"]["index"] == 5
    assert not found["trust_boundary"]["assumed"]
    both = as_json(TOP + BELOW + REST, "--trust", "clinic.example",
                   "--trust", "sender.example")
    assert all(h["trusted"] for h in both["hops"])
    other = as_json(TOP + BELOW + REST, "--trust", "other.example")
    assert not any(h["trusted"] for h in other["hops"])
    assert as_json(TOP + REST)["trust_boundary"]["assumed"]


@pytest.mark.parametrize("spoil", [
    lambda t: t.replace("\n", "\r\n"),
    lambda t: t.replace("\n\t", " "),
    lambda t: t.replace("\n\t", "\n    "),
    lambda t: "".join("> " + line for line in t.splitlines(True)),
    lambda t: t.replace("\n\t", "\n\n\t"),
])
def test_HA_03_copied_headers_read_the_same(spoil):
    plain = as_json(TOP + BELOW)
    found = as_json(spoil(TOP + BELOW))
    for a, b in zip(plain["hops"], found["hops"], strict=True):
        for key in ("from", "by", "with", "state", "tls", "time"):
            assert a[key] == b[key]


HOSTILE = (
    b"Received: from \x1b[31mevil\x07<script>alert(1)</script> "
    b"(\xff\xfe\"quote\"\\ [203.0.113.9]) by mx.clinic.example (Postfix) "
    b"with ESMTP id \x9b2J<b>; Mon, 23 Nov 2026 18:00:03 +0000\n"
    b"From: \xe2\x80\xae\x1b]0;title\x07<img src=x onerror=alert(1)>\n"
    b"Subject: </title><style>*{display:none}</style>\r\x0b\x00\n\nbody\n")


def test_HA_09_nothing_moves_a_terminal():
    out = trace("--color", "never", "-", stdin=HOSTILE).stdout
    assert out.decode("utf-8")  # valid whatever came
    assert all(c >= 0x20 or c == 0x0a for c in out)
    assert b"\xc2\x9b" not in out and "\u202e".encode() not in out


def test_HA_09_nothing_runs_in_a_page():
    out = trace("--html", "-", stdin=HOSTILE).stdout.decode("utf-8")

    class Reader(html.parser.HTMLParser):
        tags, attributes = set(), set()

        def handle_starttag(self, tag, attrs):
            self.tags.add(tag)
            self.attributes |= {name for name, _ in attrs}

    reader = Reader()
    reader.feed(out)
    assert not reader.tags & {"script", "img", "b" * 9, "iframe", "link"}
    assert not {a for a in reader.attributes if a.startswith("on")}
    assert "default-src 'none'" in out and "src=x" in out
    assert "http:" not in out and "https:" not in out


def test_HA_09_json_is_valid():
    found = as_json(HOSTILE)
    assert "<script>" in found["hops"][0]["raw"]


def test_mbox(tmp_path):
    """Borders are borders and nothing else; no message is lost."""
    path = tmp_path / "a.mbox"
    one = ("From ann@sender.example Mon Nov 23 18:00:00 2026\n"
           + TOP + BELOW + REST)
    bare = "From x Mon Nov 23 18:00:00 2026\nSubject: none\n\n\n"
    text = (one + "\n>From me 18:00 on\nFrom here at 18:00\n\n"
            "From there we walked\n\n" + bare + one + "\n" + "x" * 3_000_000
            + "\n\n" + one)
    path.write_text(text)
    lines = trace("--mbox", path).stdout.decode().splitlines()
    found = [json.loads(line) for line in lines]
    assert [len(m["hops"]) for m in found[:-1]] == [2, 0, 2, 2]
    assert found[-1]["totals"]["messages"] == 4
    assert found[-1]["totals"]["encrypted"] == 3
    again = trace("--mbox", "-", stdin=path.read_bytes()).stdout
    assert again.decode().splitlines() == lines


def test_mbox_of_many_has_flat_memory(tmp_path):
    path = tmp_path / "many.mbox"
    one = ("From ann@sender.example Mon Nov 23 18:00:00 2026\n" + TOP + BELOW
           + "X-Filler: " + "x" * 4000 + "\n" + REST + "\n").encode()
    path.write_bytes(one * 20_000)
    with open(tmp_path / "out", "wb") as out:
        child = subprocess.Popen([POSTSEAL, "trace", "--mbox", path],
                                 stdout=out)
        peak = 0
        while child.poll() is None:
            try:
                text = open(f"/proc/{child.pid}/status").read()
                peak = max(peak, int(text.split("VmHWM:")[1].split()[0]))
            except (OSError, IndexError):
                pass
            time.sleep(0.005)
    assert child.returncode == 0
    assert 0 < peak < 64 * 1024  # kB, of a file of 100 MB
    assert json.loads((tmp_path / "out").read_bytes().splitlines()[-1])[
        "totals"]["messages"] == 20_000


@pytest.mark.parametrize("words, stdin, says", [
    (["/nonexistent"], "", "cannot read /nonexistent"),
    (["/"], "", "is a folder"),
    (["-"], "", "is empty"),
    (["-"], "just words\n", "holds no mail header"),
    (["--mbox", "-"], TOP + REST, "is no mbox"),
    (["--html", "--json", "-"], TOP, "--html makes one page"),
    (["--trist", "x", "-"], TOP, "did you mean --trust"),
    (["--trust"], "", "needs a value"),
    (["--trust", "10.0.0.0/99", "-"], TOP, "or a range"),
    (["--trust", "", "-"], TOP, "name a domain"),
    (["--trust", "no host!", "-"], TOP, "name a domain"),
    (["-"], b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "Outlook"),
    (["-"], bytes(range(256)) * 40, "holds no mail header"),
    (["/nonexistent\x1b[31m"], "", "/nonexistent?[31m"),
])
def test_wrong_input_is_explained(words, stdin, says):
    done = trace(*words, stdin=stdin, code=2)
    assert says in done.stderr.decode() and done.stdout == b""


def test_several_files(tmp_path):
    for name, head in (("a", TOP), ("b", CLEAR)):
        (tmp_path / name).write_text(head + REST)
    found = trace("--json", tmp_path / "a", tmp_path / "b", code=1).stdout
    assert [json.loads(line)["verdict"] for line in found.splitlines()] == [
        "encrypted", "not encrypted"]
    page = trace("--html", tmp_path / "a", tmp_path / "b", code=1).stdout
    assert page.count(b'class="verdict') == 2


FIELDS = {
    "verdict": str, "summary": str, "trust_boundary": dict, "hops": list,
    "notes": list, "total_s": (int, type(None)),
}
HOP_FIELDS = {
    "index": int, "from": dict, "by": (str, type(None)),
    "with": (str, type(None)), "state": str, "evidence": str,
    "tls": (dict, type(None)), "time": (str, type(None)),
    "delay_s": (int, type(None)), "skew": bool, "trusted": bool,
    "family": (str, type(None)), "raw": str,
}
STATES = {"encrypted", "weak", "clear", "not-recorded", "local", "not-smtp",
          "unreadable"}


@pytest.mark.parametrize("head", [
    TOP + BELOW, CLEAR, UNKNOWN, "", HOSTILE.decode("latin-1"),
    "Received: ((((\nReceived: by\nReceived:\nReceived: from x by y;\n"])
def test_json_keeps_its_form_whatever_comes(head):
    found = as_json(head + REST)
    for name, kind in FIELDS.items():
        assert isinstance(found[name], kind), name
    assert found["verdict"] in {"encrypted", "not encrypted", "weak",
                                "unknown"}
    for hop in found["hops"]:
        for name, kind in HOP_FIELDS.items():
            assert isinstance(hop[name], kind), name
        assert hop["state"] in STATES
        assert hop["evidence"] in {"clause", "keyword", "side-header", "none"}
        assert set(hop["from"]) == {"helo", "name", "ip"}
        assert (hop["tls"] is not None) == (hop["state"] in {"encrypted",
                                                             "weak"})
        if hop["tls"]:
            assert set(hop["tls"]) == {"version", "version_range", "cipher",
                                       "bits", "client_certificate"}


def test_HA_09_bytes_that_are_no_text():
    out = trace("--json", "-", stdin=HOSTILE).stdout
    assert "\ufffd" in json.loads(out.decode())["hops"][0]["raw"]


@pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\u200b", "\u061c",
                                  "\ufeff", "\U000e0041"])
def test_HA_09_marks_that_deceive_the_eye(sign):
    text = f"Received: from a{sign}b by c; x\nSubject: =?utf-8?B?4oCu?=\n" + REST
    for words in (["--color", "never"], ["--html"]):
        out = trace(*words, "-", stdin=text).stdout.decode()
        assert sign not in out and "\u202e" not in out
    subject = "Subject: Gr\u00fc\u00dfe \u2013 it\u2019s\n"
    assert subject[9:-1] in trace("-", stdin=subject + TOP).stdout.decode()


def test_text_shows_verdict_boundary_and_marks():
    out = trace("--color", "never", "-", stdin=TOP + CLEAR + REST).stdout
    lines = out.decode().splitlines()
    assert lines[0].startswith("NOT ENCRYPTED  ")
    edge = next(i for i, line in enumerate(lines) if "above: claimed" in line)
    assert any(line.startswith("[!!]   1  in clear") for line in lines[:edge])
    assert any(line.startswith("[ok]   2  encrypted  TLSv1.3")
               for line in lines[edge:])
    assert all(len(line) <= 80 for line in lines)
    assert not any("above: claimed" in line for line in trace(
        "--trust", "clinic.example", "-",
        stdin=TOP + REST).stdout.decode().splitlines())


def test_whose_certificate_was_verified():
    verified = CLAUSE.replace("No client certificate requested",
                              'Client CN "a", Issuer "b" (verified OK)')
    text = received("a.example", "192.0.2.7", "b.example", "ESMTPS", verified)
    for words in ([], ["--html"]):
        out = " ".join(trace(*words, "-", stdin=text).stdout.decode().split())
        assert "verified the sending side" in out and "no line can tell" in out


def test_colour_only_where_wanted():
    for words, coloured in ((["--color", "always"], True), ([], False),
                            (["--color", "never"], False)):
        assert (b"\x1b[" in trace(*words, "-", stdin=TOP).stdout) == coloured
    master, slave = pty.openpty()
    for extra, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        subprocess.run([POSTSEAL, "trace", "-"], input=TOP.encode(),
                       stdout=slave, check=False, timeout=60,
                       env={**os.environ, "TERM": "xterm", **extra})
        assert (b"\x1b[" in os.read(master, 65536)) == coloured
    os.close(slave)
    os.close(master)


def test_a_terminal_is_told_what_to_do():
    master, slave = pty.openpty()
    done = subprocess.run([POSTSEAL, "trace"], stdin=slave, check=False,
                          capture_output=True, timeout=60)
    os.close(slave)
    os.close(master)
    assert done.returncode == 2 and b"Ctrl-D" in done.stderr


def test_progress_on_a_terminal(tmp_path):
    path = tmp_path / "many.mbox"
    path.write_text(("From a Mon Nov 23 18:00:00 2026\n" + TOP + REST + "\n")
                    * 20_000)
    master, slave = pty.openpty()
    with open(tmp_path / "out", "wb") as out:
        child = subprocess.Popen([POSTSEAL, "trace", "--mbox", path],
                                 stdout=out, stderr=slave)
        os.close(slave)
        shown = b""
        try:
            while part := os.read(master, 4096):
                shown += part
        except OSError:
            pass  # the other end is closed
        assert child.wait(60) == 0
    os.close(master)
    assert b" messages, " in shown and b" s left" in shown
    assert shown.endswith(b"\r\x1b[K")


@pytest.mark.parametrize("piece, times", [
    (b"From ", 4_000_000), (b"\nFrom x\n", 1_000_000), (b"x", 20_000_000),
    (b"\n>From a 18:00\n", 1_000_000)])
def test_mbox_bodies_cost_no_more_than_their_size(tmp_path, piece, times):
    path = tmp_path / "a.mbox"
    one = ("From a Mon Nov 23 18:00:00 2026\n" + TOP + REST).encode()
    path.write_bytes((one + piece * times + b"\n\n" + one).replace(b"\n", b"\r\n"))
    out = trace("--mbox", path, code=0).stdout.splitlines()
    assert json.loads(out[-1])["totals"]["messages"] == 2


@pytest.mark.parametrize("words", [[], ["--json"], ["--html"]])
def test_ten_thousand_hops_and_a_line_of_a_megabyte(words):
    head = TOP * 10_000 + "Received: from a (" + "(" * (1 << 20) + "\n"
    assert trace(*words, "-", stdin=head + REST, code=None).returncode in (0, 4)

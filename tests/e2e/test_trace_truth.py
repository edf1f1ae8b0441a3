# SPDX-License-Identifier: Apache-2.0
"""Lines real receivers wrote, against what is known of the way."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.practice.fixture import free_ports
from tests.truth import judge
from tests.truth.make import KINDS, Truth

ROOT = Path(__file__).resolve().parent.parent.parent
POSTSEAL = ROOT / "build/src/cli/postseal"
RECORDED = [json.loads(line) for line in
            (ROOT / "tests/data/received-truth.jsonl").open()]
LABEL = ("mta", "variant", "tls", "cipher", "client_certificate", "verb",
         "auth")
FROM_WHERE = pytest.mark.parametrize("far", [None, "ipv4", "ipv6"])


def trace(*words, data=""):
    return subprocess.run([POSTSEAL, "trace", "--json", *words], input=data,
                          text=True, capture_output=True, timeout=60,
                          check=False)


def wrongly_read(rows, far):
    """Every difference, from one run over a mailbox of all lines."""
    done = trace("--mbox", "-", data="".join(
        "From kim@sender.example Thu Jan  1 00:00:00 2026\n"
        + judge.message(judge.line(row, far)) + "\n" for row in rows))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(rows) + 1, done.stderr  # the totals are last
    return [(fault, judge.line(row, far))
            for row, answer in zip(rows, answers)
            for fault in judge.faults(row, answer, far)]


@pytest.mark.quick
@FROM_WHERE
def test_recorded_lines(far):
    assert wrongly_read(RECORDED, far) == []


@pytest.mark.quick
def test_wrong_labels_are_noticed():
    """The control: a set whose labels were changed does not pass."""
    swapped = [row | {"tls": "TLSv1.2" if row["tls"] == "TLSv1.3" else
                      row["tls"] and "TLSv1.3"} for row in RECORDED]
    clauses = [row for row in RECORDED if judge.evidence(row) == "clause"]
    assert len(wrongly_read(swapped, "ipv4")) >= len(clauses)
    bare = [row | {"received": re.sub(r"(?i)(ESMTP)S", r"\1",
                                      row["received"])} for row in RECORDED]
    assert wrongly_read(bare, "ipv4")


@pytest.fixture(scope="module")
def fresh():
    with Truth(ROOT / f"build/truth-{os.getpid()}", free_ports(2)) as truth:
        return truth.rows()


def labels(rows, versions):
    return {tuple(row[name] for name in LABEL) for row in rows
            if (row["mta"], row["mta_version"]) in versions}


def test_receivers_write_what_was_recorded(fresh):
    """Every receiver takes part, and takes what it took then."""
    assert {row["mta"] for row in fresh} == {kind.name for kind in KINDS}
    versions = ({(row["mta"], row["mta_version"]) for row in fresh}
                & {(row["mta"], row["mta_version"]) for row in RECORDED})
    assert labels(fresh, versions) == labels(RECORDED, versions)
    for row in fresh:
        shown = re.search(r"\bTLSv?1(\.\d)?\b", row["received"])
        assert bool(shown) == (judge.evidence(row) == "clause"), row


@FROM_WHERE
def test_fresh_lines(fresh, far):
    assert wrongly_read(fresh, far) == []


def test_one_file_each(fresh, tmp_path):
    """The same for one message, with the exit code."""
    path = tmp_path / "message.eml"
    for row in fresh:
        path.write_text(judge.message(judge.line(row, "ipv4")))
        done = trace(path)
        answer = json.loads(done.stdout)
        assert judge.faults(row, answer, "ipv4") == [], answer
        assert done.returncode == judge.EXITS[answer["verdict"]]

# SPDX-License-Identifier: Apache-2.0
"""Lines real receivers wrote, against what is known of the way."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.practice.fixture import free_ports
from tests.truth import judge
from tests.truth.make import KINDS, Truth

ROOT = Path(__file__).resolve().parent.parent.parent
RECORDED = [json.loads(line) for line in
            (ROOT / "tests/data/received-truth.jsonl").open()]
LABEL = ("mta", "variant", "tls", "client_certificate", "verb", "auth")


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

# SPDX-License-Identifier: Apache-2.0
"""./run, as somebody sees it who has just cloned the project."""

import os
import re
import subprocess

from tests.practice.fixture import free_ports
from tests.practice.processes import ROOT


def test_every_row_of_the_show_is_right():
    done = subprocess.run(
        ["/usr/bin/python3", "-m", "tools.demo", "--exit"], cwd=ROOT,
        env=os.environ | {"POSTSEAL_PORT_BASE": str(free_ports(110))},
        capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    right, rows = re.search(r"(\d+) of (\d+) rows are right",
                            done.stdout).groups()
    assert right == rows and "<-- wrong" not in done.stdout
    # CM-08, RFC 9788: the subject is inside, for those who have the key.
    for recipient, method in (("pia@pgp.example", "pgp"),
                              ("mia@smime.example", "smime")):
        row = re.search(rf"{recipient} +sealed +{method} .*", done.stdout)
        assert "outside: [...], inside with the reader's key: Your results" \
            in row.group(0)

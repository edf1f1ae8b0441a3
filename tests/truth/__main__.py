"""Makes the set.

    sudo /usr/bin/python3 -m tests.truth [--output FILE] [--port-base N]
        [--only NAME...] [--refused]
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path

from tests.practice.fixture import free_ports
from tests.practice.processes import ROOT, PracticeError
from tests.truth import judge
from tests.truth.make import KINDS, Truth


def table(rows):
    lines = ["%-22s %-16s %5s  %s" % ("receiver", "way", "lines",
                                      "states when from afar")]
    ways = Counter((f"{r['mta']} {r['mta_version']}", r["variant"])
                   for r in rows)
    for (name, variant), n in ways.items():
        states = Counter(
            judge.state(r) for r in rows if r["variant"] == variant
            and name.startswith(r["mta"] + " "))
        lines.append("%-22s %-16s %5d  %s" % (name, variant, n, ", ".join(
            f"{n} {word}" for word, n in states.items())))
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.truth",
        description="What real receivers write of TLS, labelled.")
    parser.add_argument("--output", type=Path, help="JSON lines")
    parser.add_argument("--port-base", type=int)
    parser.add_argument("--only", nargs="+", default=[k.name for k in KINDS],
                        choices=[k.name for k in KINDS], metavar="NAME")
    parser.add_argument("--refused", action="store_true",
                        help="also say which combinations were not taken")
    options = parser.parse_args()
    begun = time.monotonic()
    kinds = [k for k in KINDS if k.name in options.only]
    try:
        with Truth(ROOT / f"build/truth-{os.getpid()}",
                   options.port_base or free_ports(2), kinds) as truth:
            rows = truth.rows()
    except PracticeError as error:
        print(f"tests.truth: {error}", file=sys.stderr)
        return 1
    if options.output:
        options.output.write_text(
            "".join(json.dumps(row) + "\n" for row in rows))
    print(table(rows))
    if options.refused:
        for way, combination, error in truth.refused:
            print(f"{way.mta}, {way.variant}: {combination}: {error}")
    print(f"{len(rows)} lines, {len(truth.refused)} combinations not taken, "
          f"{time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

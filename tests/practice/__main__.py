"""The command.

    /usr/bin/python3 -m tests.practice up --dir DIR --port-base N [--json]
    /usr/bin/python3 -m tests.practice table
"""

import argparse
import json
import signal
import sys
import time

from tests.practice.domains import DOMAINS
from tests.practice.internet import PracticeInternet
from tests.practice.processes import PracticeError


def table():
    """The README's table."""
    lines = ["| domain | address | server | signed | posture | a `verified` "
             "message goes by | cases |", "|---|---|---|---|---|---|---|"]
    for d in DOMAINS.values():
        addresses = "<br>".join(h.address for h in d.hosts) or "-"
        servers = "<br>".join(h.server for h in d.hosts) or "-"
        lines.append(
            f"| `{d.name}` | {addresses} | {servers} "
            f"| {'yes' if d.signed else 'no'} | {d.posture} | {d.verified} "
            f"| {d.cases} |")
    return "\n".join(lines)


def up(options):
    ended = False  # no Event: its lock may be held when a signal comes

    def end(*_):
        nonlocal ended

        # Once: a second signal must not cut the tearing down short.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        ended = True
        raise KeyboardInterrupt

    practice = PracticeInternet(options.dir, options.port_base)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    try:
        practice.start()
        if options.json:
            print(json.dumps(practice.facts), flush=True)
        else:
            print(f"practice Internet up: {len(DOMAINS)} domains\n"
                  f"{practice.config_fragment()}Ctrl-C ends it.", flush=True)
        while not ended:
            time.sleep(0.2)
    except KeyboardInterrupt:
        pass
    finally:
        practice.stop()
    return 0


def main():
    parser = argparse.ArgumentParser(prog="python3 -m tests.practice")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("up", help="bring it up until SIGTERM or SIGINT")
    one.add_argument("--dir", required=True, help="its folder; emptied first")
    one.add_argument("--port-base", type=int, default=20100,
                     help="five ports from here on")
    one.add_argument("--json", action="store_true",
                     help="print the facts as JSON")
    commands.add_parser("table", help="print the domains")
    options = parser.parse_args()
    if options.command == "table":
        print(table())
        return 0
    try:
        return up(options)
    except PracticeError as error:
        print(f"practice Internet: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

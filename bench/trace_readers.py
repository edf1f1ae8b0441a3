"""`postseal trace --mbox` beside Python's email package and SpamAssassin's
Received parser, over the same mbox in one run."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

from bench import trace_mail
from tests.practice.processes import ROOT

WORK = ROOT / "build" / "bench-work"
POSTSEAL = ROOT / "build/src/cli/postseal"
MANY = 10  # how much larger the large file is
READERS = {
    "postseal": [POSTSEAL, "trace", "--mbox", "--json"],
    "python email": ["/usr/bin/python3", ROOT / "bench/trace_email.py"],
    "spamassassin": ["/usr/bin/perl", ROOT / "bench/trace_spamassassin.pl"],
}


def peak_kb(pid):
    try:
        status = open(f"/proc/{pid}/status", encoding="ascii").read()
        return int(status.split("VmHWM:")[1].split()[0])
    except (OSError, IndexError):
        return 0  # it has ended


def spent_s(pid):
    """User and system time of an ended process that is waited for here."""
    _, code, usage = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(code), usage.ru_utime + usage.ru_stime


def run(reader, mbox):
    """What one run took; ends the bench if the reader lost a message."""
    out = WORK / "trace.out"
    with open(out, "wb") as file:
        begin = time.monotonic()
        child = subprocess.Popen([*READERS[reader], mbox], stdout=file,
                                 stderr=subprocess.DEVNULL)
        peak = 0
        while os.waitid(os.P_PID, child.pid,
                        os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            peak = max(peak, peak_kb(child.pid))
            time.sleep(0.01)
        wall = time.monotonic() - begin
    child.returncode, cpu = spent_s(child.pid)
    with open(out, "rb") as file:
        file.seek(max(0, out.stat().st_size - 4096))
        last = json.loads(file.read().splitlines()[-1])
    out.unlink()
    return {"wall_s": wall, "cpu_s": cpu, "peak_kb": peak,
            **last.get("totals", last)}


def measure(reader, mbox, count, rounds):
    runs = [run(reader, mbox) for _ in range(rounds)]
    for one in runs:
        if one["messages"] != count:
            sys.exit(f"{reader} read {one['messages']} of {count} messages")
    wall, cpu = (statistics.median(one[name] for one in runs)
                 for name in ("wall_s", "cpu_s"))
    return {"reader": reader, "messages": count, "hops": runs[0]["hops"],
            "per_cpu_s": round(count / cpu), "per_wall_s": round(count / wall),
            "peak_kb": max(one["peak_kb"] for one in runs)}


def show(row, first):
    print(f"{row['reader']:<14}{row['messages']:>9,}{row['hops']:>10,}"
          f"{row['per_cpu_s']:>17,}{row['per_wall_s']:>13,}"
          f"{row['peak_kb']:>13,}{first / row['per_cpu_s']:>8.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="also write the figures there")
    options = parser.parse_args()
    count, rows = options.messages, []
    small, large = WORK / "trace.mbox", WORK / "trace-large.mbox"

    WORK.mkdir(parents=True, exist_ok=True)
    trace_mail.write(count, small)
    print(f"{count:,} messages of {small.stat().st_size / count:,.0f} bytes, "
          f"nearly all headers; medians of {options.rounds}\n")
    print(f"{'reader':<14}{'messages':>9}{'hops':>10}{'messages/CPU s':>17}"
          f"{'messages/s':>13}{'peak KB':>13}{'times':>8}")
    try:
        for reader in READERS:
            rows.append(measure(reader, small, count, options.rounds))
            show(rows[-1], rows[0]["per_cpu_s"])
        with open(large, "wb") as out:
            for _ in range(MANY):
                out.write(small.read_bytes())
        rows.append(measure("postseal", large, count * MANY, 1))
        show(rows[-1], rows[0]["per_cpu_s"])
    finally:
        large.unlink(missing_ok=True)
        small.unlink(missing_ok=True)
    if options.json:
        with open(options.json, "w", encoding="ascii") as out:
            json.dump(rows, out, indent=1)


if __name__ == "__main__":
    main()

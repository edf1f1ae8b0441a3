"""Kill -9 of a random process at random moments under load: every message
that was acknowledged arrives (group QD)."""

import json
import os
import random
import signal
import subprocess
import time

import pytest

from tests.e2e.lone_gate import Gate, ROOT, free_port

BENCH = ROOT / "build/bench"
# The suite's figure is for every run; the promise was tried with 200.
ROUNDS = int(os.environ.get("POSTSEAL_CRASH_ROUNDS", "15"))

CONFIG = """
listen 127.0.0.1:{smtp} {{ accept-from 127.0.0.0/8 }}
limits {{ connections-per-source 1000 }}
delivery {{ retry 1s 1s 2s  connections-per-destination 8  %s }}
route * {{ to 127.0.0.1:%d  floor tls }}
rule "all" {{ floor tls  ladder tls }}
"""


def load(gate, folder, number):
    """Load until it is ended; the numbers acknowledged go to a file."""
    return subprocess.Popen(
        [BENCH / "load", "--to",
         f"127.0.0.1:{gate.ports['smtp']}", "--connections", "8",
         "--messages", "3000000", "--tls", "--run", "%x" % number,
         "--acked", folder / f"acked.{number}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_one(gate, chance):
    while True:
        pids = gate.role_pids()
        role = chance.choice(sorted(pids) or [None])
        try:
            if role is not None:
                os.kill(pids[role], signal.SIGKILL)
                return role
        except ProcessLookupError:
            pass
        time.sleep(0.05)


def wait_empty(gate, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        left = json.loads(gate.postseal("queue", "list", "--json",
                                        "-c", gate.config))
        if not left:
            return []
        time.sleep(0.3)
    return left


@pytest.mark.skipif(not (BENCH / "load").exists(), reason="bench not built")
def test_QD_01_random_kills_lose_nothing(tmp_path):
    chance = random.Random(4711)
    port = free_port()
    gate = Gate(tmp_path / "gate", CONFIG % ("lease 10s", port))
    sink = subprocess.Popen(
        [BENCH / "sink", "--port", str(port), "--seconds", "900", "--wait",
         "0", "--certificate", gate.folder / "gate.pem", "--key",
         gate.folder / "gate.key", "--arrived", tmp_path / "arrived"],
        stdout=subprocess.PIPE, text=True)
    killed = {}
    with gate:
        work = load(gate, tmp_path, 1)
        time.sleep(0.5)
        for _ in range(ROUNDS):
            time.sleep(chance.uniform(0.05, 0.6))
            role = kill_one(gate, chance)
            killed[role] = killed.get(role, 0) + 1
        time.sleep(1)
        work.kill()
        work.wait()
        left = wait_empty(gate, 90)
    sink.send_signal(signal.SIGINT)
    result = json.loads(sink.communicate(timeout=30)[0])
    acked = {int(n) for n in (tmp_path / "acked.1").read_text().split()}
    arrived = dict(map(int, line.split()) for line in
                   (tmp_path / "arrived").read_text().splitlines())
    lost = acked - arrived.keys()
    assert not left
    assert not lost, f"{len(lost)} of {len(acked)} lost; killed {killed}"
    assert result["corrupt"] == 0
    assert len(acked) > 50
    # A second copy only where a crash fell between the far side's 250 and our
    # commit: at most what dispatch had in hand at each of its deaths (the
    # kernel cuts the process name to 15 letters).
    assert result["doubled"] <= 8 * 20 * killed.get("dispat", 0)
    print(f"acked {len(acked)}, doubled {result['doubled']}, killed {killed}")

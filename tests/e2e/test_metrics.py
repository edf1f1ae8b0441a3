"""/metrics: what is counted, by all roles, in one page."""

import os
import re
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from gate import PORTS, ROOT, Gate
from tests.practice.fixture import free_ports

pytestmark = pytest.mark.quick
RULES = ('rule "all" { floor verified  ladder tls portal  switch-after 30s }')
SENDER = "clinic@clinic.example"
MAIL = b"From: clinic@clinic.example\r\nSubject: x\r\n\r\nhello\r\n"


@pytest.fixture(scope="module")
def gate(practice_internet, tmp_path_factory):
    gate = Gate(tmp_path_factory.mktemp("metrics"), practice_internet, free_ports(PORTS),
                RULES)
    try:
        yield gate.start()
    finally:
        gate.stop()


def text_of(gate):
    with urllib.request.urlopen(f"http://127.0.0.1:{gate.port + 2}/metrics",
                                timeout=10) as answer:
        return answer.read().decode()


def figures(gate):
    found = {}
    for line in text_of(gate).splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            found[name.removeprefix("postseal_")] = float(value)
    return found


def wait_for(gate, name, value, wait_s=20):
    end = time.monotonic() + wait_s
    while time.monotonic() < end:
        found = figures(gate)
        if found[name] >= value:
            return found
        time.sleep(0.1)
    raise AssertionError((name, value, figures(gate)[name]))


def kill_role(gate, role):
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if (f"postseal-{role}".encode() in words
                and str(gate.config).encode() in words):
            os.kill(int(path.parent.name), signal.SIGKILL)


def test_counts_what_happened(gate):
    before = figures(gate)
    for domain in ("pkix.example", "dane.example", "plain.example"):
        gate.wait_final(gate.send(SENDER, [f"a@{domain}", f"b@{domain}"],
                                  MAIL))
    after = wait_for(gate, 'deliveries_total{method="portal",'
                           'result="deposited"}', 2)

    def grew(name):
        return after[name] - before[name]

    assert grew("messages_accepted_total") == 3
    assert grew("recipients_accepted_total") == 6
    assert grew('policy_decisions_total{floor="verified"}') == 6
    # Four of the six, and the portal's mails to its readers and the sender.
    assert grew('deliveries_total{method="tls",result="delivered"}') >= 4
    assert grew('deliveries_total{method="portal",result="deposited"}') == 2
    assert grew('tls_sessions_total{direction="out",version="1.3"}') >= 2
    assert grew('dns_lookups_total{security="secure"}') > 0
    assert grew("delivery_delay_seconds_count") >= 6
    assert grew("store_commit_seconds_count") >= 3


def test_a_role_that_dies_goes_on_counting(gate):
    before = figures(gate)["messages_accepted_total"]
    assert before > 0
    kill_role(gate, "intake")
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            gate.send(SENDER, ["a@pkix.example"], MAIL)
            break
        except OSError:
            time.sleep(0.2)
    assert figures(gate)["messages_accepted_total"] == before + 1


def ready(gate):
    try:
        with urllib.request.urlopen(
                f"http://127.0.0.1:{gate.port + 2}/readyz", timeout=10) as a:
            return a.status, a.read().decode().strip()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def test_readyz_tells_when_a_role_cannot_run(gate):
    """A role that dies as soon as it starts is waited for ever longer."""
    assert ready(gate) == (200, "ready")
    key = gate.folder / "data/keys/dispatch.key"
    away = key.with_suffix(".away")
    key.rename(away)
    try:
        kill_role(gate, "dispatch")
        end = time.monotonic() + 20
        while ready(gate)[0] == 200 and time.monotonic() < end:
            time.sleep(0.02)
        code, why = ready(gate)
    finally:
        away.rename(key)
    assert code == 503 and "roles run" in why
    end = time.monotonic() + 60
    while ready(gate)[0] != 200 and time.monotonic() < end:
        time.sleep(0.2)
    assert ready(gate)[0] == 200


def test_is_prometheus_text_and_documented(gate):
    """Every line is a sample of a declared family; every family has a row in
    the documentation, and no other has."""
    declared = {}
    for line in text_of(gate).splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in declared
            declared[name] = kind
            continue
        if line.startswith("# HELP "):
            continue
        assert re.fullmatch(r'postseal_[a-z_]+(\{[a-z_]+="[^"]*"'
                            r'(,[a-z_]+="[^"]*")*\})? [0-9.e+-]+', line), line
        base = re.sub(r"_(bucket|sum|count)$", "", line.split("{")[0]
                      .split(" ")[0])
        assert base in declared or line.split(" ")[0] in declared, line
    page = (ROOT / "docs/metrics.md").read_text()
    told = set(re.findall(r"^\| `(postseal_[a-z_]+)`", page, re.M))
    assert told == set(declared)

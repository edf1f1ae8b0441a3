"""`postseal check` and `postseal doctor` on the practice Internet.

TL-01 every domain of the table judged as it is; TL-02 what goes over the wire;
TL-03 servers that never end; HA-09 what strangers say is shown inert.
"""

import csv
import io
import json
import os
import pty
import re
import subprocess
import time

import pytest

from gate import Gate, PORTS, POSTSEAL, RULES
from tests.practice.domains import DOMAINS
from tests.practice.fixture import free_ports

HELO = "gate.clinic.example"
# Their servers misbehave only once mail is named, which a check never does.
LATER = {"fewreplies", "morereplies", "closing", "window", "refusing"}
DANE = ("dane-ee", "dane-ta")
BY = {"DANE": DANE, "MTA-STS": ("mta-sts",), "public CA": ("pkix",)}


def possible(domain):
    """Whether mail with the floor `verified` can be handed over."""
    return (domain.verified.startswith("tls")
            or domain.name.removesuffix(".example") in LATER)


def settings(net):
    facts = net.facts
    return ["--resolver", f"{facts['resolver']}@{facts['dns_port']}",
            "--trust-anchor", facts["trust_anchor"], "--ca",
            facts["ca_file"], "--port", str(facts["smtp_port"]),
            "--mta-sts-port", str(facts["https_port"]), "--helo", HELO]


def run(net, command, *words, stdin=None, timeout=120):
    return subprocess.run(
        [POSTSEAL, command, *settings(net), *words], input=stdin, text=True,
        capture_output=True, check=False, timeout=timeout)


def check_json(net, *words, **more):
    done = run(net, "check", *words, "--json", **more)
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.fixture(scope="module")
def all_domains(practice_internet):
    """domain -> what --json says, and the sessions the servers saw."""
    practice_internet.control.reset()
    practice_internet.control.sessions(clear=True)
    done = run(practice_internet, "check", "--file", "-", "--json", "--jobs",
               "60", "--timeout", "16s", stdin="\n".join(DOMAINS))
    assert done.returncode == 1, done.stderr
    looks = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(looks) == len(DOMAINS)
    return ({look["domain"]: look for look in looks},
            practice_internet.control.sessions())


@pytest.mark.parametrize("domain", DOMAINS.values(), ids=lambda d: d.name)
def test_tl_01_judged_as_it_is(all_domains, domain):
    look = all_domains[0][domain.name]
    verified = look["answers"]["verified"]
    if domain.verified.startswith("waits") and not possible(domain):
        assert verified["possible"] is not True, verified
    elif domain.name == "down.example":  # it may come back
        assert (verified["possible"], verified["now"]) == (None, "waits")
    else:
        assert verified["possible"] is possible(domain), verified
    assert look["exit"] == (0 if possible(domain) else 1)
    assert verified["how"] and verified["message"] and look["summary"]
    kind = re.search(r"\((DANE|MTA-STS|public CA)\)", domain.verified)
    if kind and possible(domain):
        assert verified["verified_by"] in BY[kind.group(1)]
    if "second MX" in domain.verified:
        assert verified["host"] == f"mx2.{domain.name}"
    if not possible(domain):
        assert verified["fault"] == "theirs", verified
        assert look["findings"], "nothing to mend is named"
    for finding in look["findings"]:
        assert finding["id"] and finding["text"] and finding["severity"]


def test_tl_01_no_false_good(all_domains):
    """What meets the standard is proven, and speaks nothing old."""
    for look in all_domains[0].values():
        if not look["nist_sp_800_52r2"]["met"]:
            continue
        assert look["answers"]["verified"]["possible"]
        for host in look["hosts"]:
            for address in host["addresses"]:
                for old in ("TLSv1", "TLSv1.1"):
                    assert address["versions"][old]["result"] != "accepted"


@pytest.mark.parametrize("name, floors, now", [
    ("plain", (True, False, False), "next-rung"),
    ("selfsigned", (True, True, False), "next-rung"),
    ("old", (True, False, False), "next-rung"),
    ("dane", (True, True, True), "delivered"),
    ("down", (None, None, None), "waits"),
    ("nullmx", (False, False, False), "refused"),
    ("nohost", (False, False, False), "refused"),
])
def test_answers_for_each_floor(all_domains, name, floors, now):
    answers = all_domains[0][f"{name}.example"]["answers"]
    assert tuple(answers[floor]["possible"]
                 for floor in ("open", "tls", "verified")) == floors
    assert answers["verified"]["now"] == now


def test_evidence(all_domains):
    look = all_domains[0]["old.example"]
    address, = look["hosts"][0]["addresses"]
    accepted = [name for name, trial in address["versions"].items()
                if trial["result"] == "accepted"]
    assert accepted == ["TLSv1", "TLSv1.1"]
    look = all_domains[0]["sts.example"]
    assert look["mta_sts"]["policy"]["mode"] == "enforce"
    assert look["mta_sts"]["covers_every_mx"] is True
    address, = look["hosts"][0]["addresses"]
    assert address["chain"][0]["names"] == ["mx1.sts.example"]
    assert address["tls"]["version"] == "TLSv1.3"
    assert address["trusted"] is True
    look = all_domains[0]["badsts.example"]
    assert look["mta_sts"]["covers_every_mx"] is False
    look = all_domains[0]["stshostexpired.example"]
    assert "expired" in look["mta_sts"]["fault"]
    look = all_domains[0]["dane.example"]
    assert look["dns"]["mx_dnssec"] == "secure"
    host, = look["hosts"]
    assert host["tlsa"][0]["usage"] == 3 and host["tlsa"][0]["usable"]
    assert host["addresses"][0]["tlsa_match"] == 0


def test_one_bad_mx_among_good_ones(all_domains):
    look = all_domains[0]["stripped.example"]
    assert look["answers"]["verified"]["possible"] is True
    assert look["answers"]["verified"]["hosts_bad"] == 1
    assert any(f["host"] == "mx1.stripped.example"
               and f["severity"] in ("warning", "error")
               for f in look["findings"]), look["findings"]


def test_tl_02_manners(all_domains):
    """No MAIL FROM, an honest EHLO, QUIT, and quiet after a 421."""
    sessions = all_domains[1]
    assert len(sessions) > 100
    for session in sessions:
        said = [line.split(" ")[0].upper() for line in session["commands"]]
        assert set(said) <= {"EHLO", "STARTTLS", "QUIT"}, session["commands"]
        for line in session["commands"]:
            if line.upper().startswith("EHLO"):
                assert line == f"EHLO {HELO}"
        if session["tls"]:
            assert said[-1] == "QUIT", session["commands"]
    busy = DOMAINS["busy.example"].hosts[0].address
    assert len([s for s in sessions if s["address"] == busy]) == 1


# --- forms -----------------------------------------------------------------
def test_exit_codes(practice):
    assert run(practice, "check", "dane.example", "-q").returncode == 0
    assert run(practice, "check", "plain.example", "-q").returncode == 1
    assert run(practice, "check", "dane.example", "plain.example",
               "-q").returncode == 1
    assert run(practice, "check").returncode == 2
    assert run(practice, "check", "not_a_domain").returncode == 2
    assert run(practice, "check", "a.example", "--jobs", "201").returncode == 2
    assert run(practice, "check", "a.example", "--csv",
               "--json").returncode == 2


def test_text_at_80_columns(practice):
    done = run(practice, "check", "baddane.example", "--color", "never")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("baddane.example: ")
    answers = [i for i, line in enumerate(lines) if re.match(
        r"  (open|tls|verified) +(yes|no|\?)", line)]
    assert len(answers) == 3 and answers[-1] < 15  # first on the screen
    assert "\x1b" not in done.stdout
    wide = [line for line in lines if len(line) > 80
            and " IN " not in line and "TLSA" not in line]
    assert not wide, wide
    assert "\x1b[" in run(practice, "check", "baddane.example", "--color",
                          "always").stdout


def test_csv(practice):
    done = run(practice, "check", "--csv", "dane.example", "plain.example")
    rows = {row["domain"]: row
            for row in csv.DictReader(io.StringIO(done.stdout))}
    assert rows["dane.example"]["verified"] == "yes"
    assert rows["dane.example"]["verified_by"] == "dane-ee"
    assert rows["plain.example"]["tls"] == "no"
    assert rows["plain.example"]["findings"]


def test_progress_on_a_terminal(practice):
    """On standard error, with results streaming out beside it."""
    master, slave = pty.openpty()
    with subprocess.Popen(
            [POSTSEAL, "check", "--file", "-", "--json", "--timeout", "4s",
             *settings(practice)], stdin=subprocess.PIPE, stderr=slave,
            stdout=subprocess.PIPE, text=True,
            env=os.environ | {"TERM": "xterm"}) as child:
        os.close(slave)
        out, _ = child.communicate("dane.example\nsilent.example\n", 60)
    seen = b""
    while True:
        try:
            seen += os.read(master, 65536)
        except OSError:
            break
    os.close(master)
    assert b"of 2" in seen and b" left" in seen
    assert len(out.splitlines()) == 2


def test_since(practice, tmp_path):
    # The records of rollover come in another order each time.
    names = ["script1.example", "pkix.example", "rollover.example"]
    earlier = tmp_path / "earlier.json"
    done = run(practice, "check", *names, "--json")
    assert done.returncode == 0, done.stderr
    earlier.write_text(done.stdout)
    done = run(practice, "check", "--since", str(earlier))
    assert "nothing has changed" in done.stdout
    practice.control.script("mx1.script1.example", {"tls": None})
    done = run(practice, "check", "--since", str(earlier), "--json")
    assert done.returncode == 1
    look = json.loads(done.stdout)
    assert look["domain"] == "script1.example"
    changes = {c["what"]: (c["was"], c["now"]) for c in look["changes"]}
    was, now = changes["floor verified"]
    assert was.startswith("possible") and now == "not possible"
    done = run(practice, "check", "--since", str(earlier))
    assert "floor verified: was possible (pkix), now not possible" \
        in done.stdout
    assert "pkix.example has changed" not in done.stdout


def test_ha_09_inert(practice):
    """Colours, bells and line ends of strangers do not reach the terminal."""
    practice.control.script("mx1.script2.example", {"on": {
        "CONNECT": "220 \x1b[2J\x1b]0;owned\x07 \u202e\x9b31m \"}],"
                   "=cmd() </script>"}})
    done = run(practice, "check", "script2.example", "--color", "never")
    assert "owned" in done.stdout
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.stdout)
    _, look, _ = check_json(practice, "script2.example")
    banner = look["hosts"][0]["addresses"][0]["banner"]
    assert "owned" in banner
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", banner)


def test_tl_03_hostile_servers_cost_bounded_time(practice):
    practice.control.script("mx1.script3.example", {"on": {
        "EHLO": {"reply": "250 " + "x" * 2000, "drip": 0.2}}})
    practice.control.script("mx1.script4.example", {"on": {
        "EHLO": {"nothing": True, "raw": "250-" + "y" * 60 + "\r\n"
                 "250-FILL\r\n" * 100000}}})
    begin = time.monotonic()
    code, out, err = 0, [], ""
    done = run(practice, "check", "script3.example", "script4.example",
               "silent.example", "--json", "--timeout", "5s")
    code, err = done.returncode, done.stderr
    out = [json.loads(line) for line in done.stdout.splitlines()]
    assert code in (1, 4), err
    assert len(out) == 3
    assert all(look["answers"]["verified"]["possible"] is not True
               for look in out)
    assert time.monotonic() - begin < 60


# --- our own side ----------------------------------------------------------
def test_dead_resolver_blames_no_domain(practice, tmp_path):
    port = free_ports(1)
    words = ["--resolver", f"127.0.0.1@{port}", "--trust-anchor",
             practice.facts["trust_anchor"], "--ca",
             practice.facts["ca_file"], "--timeout", "3s"]
    done = subprocess.run(
        [POSTSEAL, "check", "dane.example", "--json", *words],
        capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 4, done.stdout
    look = json.loads(done.stdout)
    assert look["answers"]["verified"]["possible"] is None
    assert look["answers"]["verified"]["fault"] == "ours"
    assert look["self_test"]["resolver"]["state"] == "bad"
    assert not [f for f in look["findings"] if f["fault"] == "theirs"]
    assert "our own side" in done.stderr and "resolver" in done.stderr
    # Of many, the first ends it: nobody is judged by a blind eye.
    done = subprocess.run(
        [POSTSEAL, "check", "--file", "-", "--jobs", "1", *words], text=True,
        input="".join(f"d{i}.example\n" for i in range(500)),
        capture_output=True, check=False, timeout=60)
    assert done.returncode == 4 and "d1.example" not in done.stdout
    done = subprocess.run([POSTSEAL, "doctor", *words], capture_output=True,
                          text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert re.search(r"^fail +resolver", done.stdout, re.M), done.stdout
    bad = tmp_path / "ca.pem"
    bad.write_text("no certificates")
    done = run(practice, "check", "dane.example", "--ca", str(bad))
    assert done.returncode == 4 and "our own side" in done.stderr


def test_doctor_good(practice):
    done = run(practice, "doctor", "dane.example", "--json")
    parts = json.loads(done.stdout)
    assert parts["resolver"]["state"] == "good", parts
    assert parts["ca"]["state"] == "good", parts
    assert parts["port"]["state"] == "good", parts
    assert not [p for p in parts.values() if p["state"] == "bad"], parts
    assert done.returncode in (0, 4)
    done = run(practice, "doctor", "dane.example")
    assert re.search(r"^ok +resolver", done.stdout, re.M), done.stdout


# --- replies ---------------------------------------------------------------
@pytest.mark.parametrize("ours, force", [
    ("dane", "dane"), ("sts", "mta-sts"), ("pkix", "none")])
def test_replies(practice, ours, force):
    _, answer, err = check_json(practice, "--replies", f"{ours}.example")
    replies = answer["replies"]
    assert replies["tls_required_by"] == force, err
    assert replies["every_mx_offers_tls"] is True
    assert replies["senders"]["careless"]["text"]
    if force == "none":
        assert replies["remedies"]


def test_replies_of_a_domain_without_tls(practice):
    done = run(practice, "check", "--replies", "plain.example",
               "pkix.example")
    assert done.returncode == 1
    assert "cannot be guaranteed" in done.stdout
    assert "portal" in done.stdout
    assert "pkix.example" in done.stdout


# --- watch -----------------------------------------------------------------
def test_watched_domain_reports_changes(practice, tmp_path):
    gate = Gate(tmp_path, practice, free_ports(PORTS), RULES + (
        "\ncheck { watch script1.example  every 2s }\nlog { format json }"))

    def events(name):
        found = []
        for line in gate.log.read_text().splitlines():
            if line.startswith("{") and f'"{name}"' in line:
                found.append(json.loads(line))
        return found

    def wait_for(name, n):
        until = time.monotonic() + 60
        while len(events(name)) < n and time.monotonic() < until:
            time.sleep(0.1)
        return events(name)

    try:
        gate.start()
        assert len(wait_for("domain.watched", 1)) == 1
        practice.control.script("mx1.script1.example", {"tls": None})
        change = wait_for("domain.changed", 1)[0]
        assert change["domain"] == "script1.example"
        assert "verified yes (pkix)" in change["old"]
        assert "verified no" in change["new"]
        # A restart does not forget: the way back is a change again.
        gate.stop()
        practice.control.reset("mx1.script1.example")
        gate.start()
        assert "verified yes (pkix)" in wait_for("domain.changed", 2)[1]["new"]
        assert len(events("domain.watched")) == 1
    finally:
        gate.stop()


def test_round_trips(practice_internet):
    """One healthy domain costs two handshakes one after the other (ours, then
    the trials of versions at once), each three replies, and at most three
    round trips more."""
    net, host, wait_s = practice_internet, "mx1.rollover.example", 0.6
    slow = {verb: {"delay": wait_s}
            for verb in ("CONNECT", "EHLO", "STARTTLS", "QUIT")}

    def took(**script):
        net.control.script(host, {"tls": {"certificate": "self"}} | script)
        begun = time.monotonic()
        code, look, _ = check_json(net, "rollover.example")
        assert code == 0 and look["answers"]["verified"]["possible"]
        return time.monotonic() - begun

    try:
        took()
        quick = took()
        replies = (took(on=slow, on_tls=slow) - quick) / wait_s
    finally:
        net.control.reset(host)
    assert replies < 2 * 3 + 3

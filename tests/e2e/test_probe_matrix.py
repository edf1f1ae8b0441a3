"""What a look from outside says of a domain, against the truth and delivery.

TL-01: the practice domains and scripted servers of known kinds. TL-02: what
the servers saw of it. TL-03: servers that mean harm.
"""

import base64
import concurrent.futures
import json
import socket
import ssl
import subprocess
import threading
import time

import pytest

from gate import POSTSEAL
from tests.practice.domains import DOMAINS

CONFIG = """\
hostname gate.clinic.example
data     {folder}/data
{practice}
listen 127.0.0.1:1 {{ accept-from 127.0.0.0/8 }}
rule "all" {{ floor {floor}  ladder tls }}
"""
FLOORS = ("open", "tls", "verified")

# The truth, by hand: what becomes of a message with each floor now. Every
# domain that stands in no list takes the floors open and tls at once.
NOT_EVEN_OPEN = {"badsts", "baddane", "danetaname", "danetaexpired",
                 "daneplain", "unusableplain", "stsself", "stswrongname",
                 "stsdangling", "mxaddress"}
REFUSED = {"nullmx", "nohost"}
WAITS = {"down", "servfail", "bogus", "bogusmx", "mxloop", "silent", "drip",
         "busy"}
NO_TLS = {"plain", "old"}
TLS_MAY_PASS = {"tls454", "tls500", "tlsreset", "inject"}
NOT_PROVEN = {"selfsigned", "expired", "wrongname", "unusable", "unsignedself",
              "ststesting", "future", "mxalias"}
# Each needs some seconds by its nature; explain is not asked about them.
SLOW = {"stsslow", "silent", "drip", "blackhole", "v6hole"}
# Proof other than a public CA and the MX name.
DANE = {"dane", "clinic", "daneexpired", "danename", "danefuture", "dane301",
        "dane512", "danemixed", "rollover", "aliasexpanded", "aliasoriginal",
        "aliasboth", "both"}
DANE_TA = {"daneta0", "daneta1"}
STS = {"sts", "stsmixed", "stswild", "stsroll", "stsattacked", "tenant2"}
SECOND = {"stripped", "danemixed", "stsmixed", "deadfirst", "blackhole"}
# What must be found, and with it that nothing else is called an error.
ERRORS = {
    "selfsigned": {"cert-self-signed"}, "expired": {"cert-expired"},
    "wrongname": {"cert-wrong-name"}, "plain": {"mx-no-starttls"},
    "stripped": {"mx-no-starttls", "mx-one-bad"},
    "badsts": {"sts-mx-unlisted"}, "baddane": {"tlsa-mismatch"},
    "old": {"mx-tls-old-only"}, "danetaname": {"dane-cert-unfit"},
    "danetaexpired": {"dane-cert-unfit"},
    "danemixed": {"tlsa-mismatch", "mx-one-bad"},
    "daneplain": {"mx-no-starttls"},
    "unusable": {"tlsa-unusable", "cert-self-signed"},
    "unusableplain": {"mx-no-starttls"}, "servfail": {"tlsa-lookup-failed"},
    "bogus": {"tlsa-lookup-failed"}, "bogusmx": {"dns-failed"},
    "unsignedself": {"cert-self-signed"}, "both": {"sts-mx-unlisted"},
    "stsmixed": {"sts-mx-unlisted", "mx-one-bad"},
    "stsself": {"cert-self-signed"}, "stswrongname": {"cert-wrong-name"},
    "ststesting": {"cert-self-signed"},
    "stshostexpired": {"sts-policy-certificate"},
    "stshostname": {"sts-policy-certificate"},
    "stshostself": {"sts-policy-certificate"},
    "stsredirect": {"sts-policy-http"}, "stsbig": {"sts-policy-http"},
    "ststype": {"sts-policy-http"}, "stsslow": {"sts-policy-unreachable"},
    "stsdangling": {"sts-mx-unlisted"}, "future": {"cert-not-yet-valid"},
    "nohost": {"domain-no-mail"}, "mxaddress": {"mx-no-address"},
    "mxalias": {"cert-wrong-name"}, "mxloop": {"mx-no-address"},
    "tls454": {"mx-tls-failed"}, "tls500": {"mx-tls-failed"},
    "tlsreset": {"mx-tls-failed"}, "inject": {"mx-tls-failed"},
}


def label(name):
    return name.split(".")[0]


def truth(name, floor):
    """delivered, waits, next-rung or refused."""
    who = label(name)
    if who in REFUSED:
        return "refused"
    if who in WAITS:
        return "waits"
    if who in NOT_EVEN_OPEN:
        return "next-rung"
    if floor != "open" and who in TLS_MAY_PASS:
        return "waits"
    if floor != "open" and who in NO_TLS:
        return "next-rung"
    if floor == "verified" and who in NOT_PROVEN:
        return "next-rung"
    return "delivered"


def proof(name):
    who = label(name)
    return ("dane-ee" if who in DANE else "dane-ta" if who in DANE_TA
            else "mta-sts" if who in STS else "pkix")


@pytest.fixture(scope="module")
def configs(practice_internet, tmp_path_factory):
    """floor -> configuration file."""
    folder = tmp_path_factory.mktemp("probe")
    for floor in FLOORS:
        (folder / f"{floor}.conf").write_text(CONFIG.format(
            folder=folder, floor=floor,
            practice=practice_internet.config_fragment(
                connect_timeout="4s", command_timeout="3s")))
    return {floor: folder / f"{floor}.conf" for floor in FLOORS}


def probe(config, domains, timeout_s=20):
    """domain -> what `check` says of it."""
    done = subprocess.run(
        [POSTSEAL, "check", "-c", config, "--json", "--jobs", "40",
         "--timeout", f"{timeout_s}s", *domains],
        capture_output=True, text=True, check=False, timeout=400)
    lines = ([json.loads(done.stdout)] if len(domains) == 1 else
             [json.loads(line) for line in done.stdout.splitlines()])
    found = {line["domain"]: line for line in lines}
    assert set(found) == set(domains), done.stderr
    return found


def addresses(found):
    return [a for host in found["hosts"] for a in host["addresses"]]


def ids(found, severity=None):
    return {f["id"] for f in found["findings"]
            if severity in (None, f["severity"])}


@pytest.fixture(scope="module")
def looks(practice_internet, configs):
    """domain -> result, and what the scripted servers saw."""
    practice_internet.control.reset()
    practice_internet.control.sessions(clear=True)
    slow = [n for n in DOMAINS if label(n) in SLOW]
    quick = [n for n in DOMAINS if label(n) not in SLOW]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(probe, [configs["verified"]] * 2, [quick, slow],
                             [30, 8]))
    return runs[0] | runs[1], practice_internet.control.sessions()


@pytest.fixture(scope="module")
def forecasts(looks, practice_internet, configs):
    """floor -> domain -> what delivery would do, as explain has it."""
    practice_internet.control.reset()
    names = [n for n in DOMAINS if label(n) not in SLOW]

    def ask(floor):
        done = subprocess.run(
            [POSTSEAL, "explain", "-c", configs[floor], "--json",
             "--timeout", "30s", "a@clinic.example",
             *[f"ok@{n}" for n in names]],
            capture_output=True, text=True, check=False, timeout=400)
        return {f["recipient"].split("@")[1]: f
                for f in json.loads(done.stdout)}
    with concurrent.futures.ThreadPoolExecutor(len(FLOORS)) as pool:
        return dict(zip(FLOORS, pool.map(ask, FLOORS)))


@pytest.mark.parametrize("name", list(DOMAINS))
def test_tl_01_verdict_is_the_truth(looks, name):
    found = looks[0][name]
    for floor in FLOORS:
        assert found["answers"][floor]["now"] == truth(name, floor), found
    verified = found["answers"]["verified"]
    want = {"delivered": True, "waits": None}
    assert verified["possible"] is want.get(verified["now"], False)
    assert found["exit"] == (0 if verified["possible"] else 1)
    if verified["possible"]:
        assert verified["verified_by"] == proof(name)
        if label(name) in SECOND:
            assert verified["host"] == DOMAINS[name].hosts[1].name
        assert verified["encrypted"]
    else:
        assert verified["fault"] == "theirs"


@pytest.mark.parametrize("name", list(DOMAINS))
def test_tl_01_every_fault_is_found_and_no_other(looks, name):
    assert ids(looks[0][name], "error") == ERRORS.get(label(name), set())
    for finding in looks[0][name]["findings"]:
        assert finding["text"].endswith(".") and len(finding["text"]) > 30
        if finding["severity"] != "info":
            assert finding["step"], finding


@pytest.mark.parametrize("floor", FLOORS)
def test_tl_01_check_and_delivery_agree(looks, forecasts, floor):
    for name, f in forecasts[floor].items():
        said = looks[0][name]["answers"][floor]["now"]
        if label(name) == "downgrade":
            continue  # what it does depends on who calls first
        would = ("next-rung" if f["method"] is None
                 else "waits" if f["later"] else "delivered")
        if said == "refused":
            assert would == "next-rung"
            assert any("takes no mail" in t for t in f["to_change"])
        else:
            assert said == would, (name, f)


def test_records_are_ready_to_paste(looks, practice_internet):
    found = {f["id"]: f for f in looks[0]["baddane.example"]["findings"]}
    record = found["tlsa-mismatch"]["record"]
    port = practice_internet.facts["smtp_port"]
    assert record.startswith(f"_{port}._tcp.mx1.baddane.example. IN TLSA 3 1 1 ")
    der = subprocess.run(
        f"openssl s_client -starttls smtp -connect "
        f"{DOMAINS['baddane.example'].hosts[0].address}:{port} </dev/null "
        "2>/dev/null | openssl x509 -pubkey -noout | openssl pkey -pubin "
        "-outform DER | openssl sha256 -r", shell=True, check=True,
        capture_output=True, text=True, timeout=60).stdout
    assert record.split()[-1] == der.split()[0]
    found = {f["id"]: f for f in looks[0]["pkix.example"]["findings"]}
    text = found["sts-missing"]["record"]
    assert '_mta-sts.pkix.example. IN TXT "v=STSv1; id=2' in text
    assert "\n\nversion: STSv1\nmode: enforce\nmx: mx1.pkix.example\n" in text
    assert found["tlsrpt-missing"]["record"].startswith(
        '_smtp._tls.pkix.example. IN TXT "v=TLSRPTv1; rua=mailto:')
    assert "dane-missing" in found  # it is signed


def test_standard_is_met_only_without_old_versions(looks):
    def nist(name):
        return looks[0][f"{name}.example"]["nist_sp_800_52r2"]
    assert nist("pkix")["met"] is False  # speaks TLS 1.0 too
    assert "TLS 1.0" in nist("pkix")["text"]
    assert nist("pkix")["met_by_our_connections"] is True
    assert nist("danename")["met"] is True
    assert nist("selfsigned")["met"] is False
    assert nist("busy")["met"] is None


@pytest.mark.parametrize("name,force", [
    ("clinic", "dane"), ("sts", "mta-sts"), ("both", "dane+mta-sts"),
    ("pkix", None), ("ststesting", None), ("stshostexpired", None)])
def test_replies_are_forced_only_by_dane_or_sts(practice, configs, name,
                                                force):
    done = subprocess.run(
        [POSTSEAL, "check", "-c", configs["verified"], "--json", "--replies",
         f"{name}.example"], capture_output=True, text=True, check=False,
        timeout=100)
    replies = json.loads(done.stdout)["replies"]
    assert replies["tls_required_by"] in (force, force or "none")
    assert ("cannot be guaranteed" in replies["summary"]) is (force is None)
    titles = [remedy["title"] for remedy in replies["remedies"]]
    assert any("portal" in title for title in titles)
    assert any("DANE" in title for title in titles) is (
        force in (None, "mta-sts"))


# --- TL-02 -------------------------------------------------------------------

def test_tl_02_manners(looks):
    """No MAIL, an honest EHLO, QUIT, at most four calls at a time."""
    shared = DOMAINS["tenant2.example"].hosts[0].address
    by_address = {}
    for session in looks[1]:
        by_address.setdefault(session["address"], []).append(session)
    assert len(by_address) > 60
    for sessions in by_address.values():
        changes = []
        for session in sessions:
            commands = [c.split(" ")[0].upper() for c in session["commands"]]
            assert set(commands) <= {"EHLO", "HELO", "STARTTLS", "QUIT"}
            assert all(c.split(" ")[1] == "gate.clinic.example"
                       for c in session["commands"]
                       if c.upper().startswith(("EHLO", "HELO")))
            if session["tls"] or session["end"] == "quit":
                assert commands[-1] == "QUIT", session
            changes += [(session["opened"], 1)]
            if session["closed"]:
                changes += [(session["closed"], -1)]
        at_once = most = 0
        # A server notes the end of a call a little after we do.
        for _, step in sorted(changes, key=lambda c: (c[0], c[1])):
            at_once += step
            most = max(most, at_once)
        if sessions[0]["address"] == shared:
            continue  # of two domains
        # As a delivery would, each version, and where TLS fails as an open
        # delivery would, with and without it.
        assert len(sessions) <= 7, sessions[0]["address"]
        assert most <= 6, sessions[0]["address"]


def test_tl_02_one_call_to_who_says_421(looks):
    busy = DOMAINS["busy.example"].hosts[0].address
    assert len([s for s in looks[1] if s["address"] == busy]) == 1
    assert "mx-busy" in ids(looks[0]["busy.example"])


# --- other servers of known kinds --------------------------------------------

def tls(**wish):
    return {"tls": wish}


def at(verb, *steps):
    return {"on": {verb: list(steps) if len(steps) > 1 else steps[0]}}


ALL = "ALL:@SECLEVEL=0"
# name, script, truth by floor (o t v: yes, no, ?), facts
KINDS = [
    ("only-13", tls(min="TLSv1.3"), "yyy", {"versions": "no no no yes"}),
    ("only-12", tls(min="TLSv1.2", max="TLSv1.2"), "yyy",
     {"versions": "no no yes no", "finding": "mx-tls13-missing"}),
    ("all-versions", tls(min="TLSv1", max="TLSv1.3", ciphers=ALL), "yyy",
     {"versions": "yes yes yes yes", "finding": "mx-tls-old-accepted",
      "nist": False}),
    ("only-11", tls(min="TLSv1.1", max="TLSv1.1", ciphers=ALL), "ynn",
     {"versions": "no yes no no", "finding": "mx-tls-old-only"}),
    ("only-10", tls(min="TLSv1", max="TLSv1", ciphers=ALL), "ynn",
     {"versions": "yes no no no", "finding": "mx-tls-old-only"}),
    ("cbc-only", tls(min="TLSv1.2", max="TLSv1.2",
                     ciphers="ECDHE-ECDSA-AES256-SHA384"), "ynn",
     {"versions": "no no yes no", "finding": "mx-tls-failed"}),
    ("chacha-only", tls(min="TLSv1.2", max="TLSv1.2",
                        ciphers="ECDHE-ECDSA-CHACHA20-POLY1305"), "ynn",
     {"versions": "no no yes no"}),
    ("requiretls", {"keywords_tls": ["REQUIRETLS"]}, "yyy",
     {"requiretls": True}),
    ("no-keywords", {"keywords": [], "keywords_tls": []}, "yyy",
     {"requiretls": False}),
    ("cert-expired", tls(certificate="good expired"), "yyn",
     {"finding": "cert-expired"}),
    ("cert-self", tls(certificate="self"), "yyn",
     {"finding": "cert-self-signed"}),
    ("cert-other-host", tls(host="mx1.sts.example"), "yyn",
     {"finding": "cert-wrong-name"}),
    ("greeting-554", at("CONNECT", "554 5.7.1 Not you"), "???",
     {"finding": "mx-busy"}),
    ("greeting-many-lines", at("CONNECT", "220 one\ntwo\nthree"), "yyy", {}),
    ("ehlo-500", at("EHLO", "500 5.5.1 What?"), "y??", {}),
    ("ehlo-421", at("EHLO", "421 4.3.2 Later"), "???",
     {"finding": "mx-busy"}),
    ("second-ehlo-hangs-up", {"on_tls": {"EHLO": {
        "nothing": True, "then": "close"}}}, "???", {}),
    ("blotted", at("EHLO", "250 {host}\nSIZE 1000\nXXXXXXXA"), "y??",
     {"finding": "starttls-mangled", "fault": "unclear"}),
    ("comes-and-goes", {"sessions": [{}, {"tls": None}, {}]}, "yyy",
     {"finding": "mx-unsteady"}),
    ("slow-greeting", at("CONNECT", {"reply": "220 {host} ESMTP",
                                     "delay": 1.5}), "yyy", {}),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k[0])
def test_tl_01_servers_of_known_kinds(practice, configs, kind):
    name, script, floors, facts = kind
    where = f"script{KINDS.index(kind) % 4 + 1}.example"
    practice.control.script(f"mx1.{where}", script)
    found = probe(configs["verified"], [where])[where]
    words = {True: "y", False: "n", None: "?"}
    assert "".join(words[found["answers"][f]["possible"]]
                   for f in FLOORS) == floors, (name, found)
    address = addresses(found)[0]
    if "versions" in facts:
        words = {"accepted": "yes", "refused": "no"}
        assert " ".join(words.get(v["result"], "?") for v in
                        address["versions"].values()) == facts["versions"]
    if "requiretls" in facts:
        assert address["requiretls"] == facts["requiretls"]
    if "nist" in facts:
        assert found["nist_sp_800_52r2"]["met"] is facts["nist"]
    if "finding" in facts:
        assert facts["finding"] in ids(found)
    if "fault" in facts:
        assert found["answers"]["verified"]["fault"] == facts["fault"]


def test_tl_01_addresses_that_differ(practice, configs):
    """Two addresses of one host, one of them without encryption."""
    other = DOMAINS["script2.example"].hosts[0].address
    mine = DOMAINS["script1.example"].hosts[0].address
    practice.control.script("mx1.script2.example", {"tls": None})
    practice.set_records("script1.example", "mx1", "A", [mine, other])
    try:
        found = probe(configs["verified"], ["script1.example"])[
            "script1.example"]
    finally:
        practice.set_records("script1.example", "mx1", "A", [mine])
    assert found["answers"]["verified"]["possible"] is True
    assert {"addresses-differ", "mx-no-starttls"} <= ids(found)


# --- our own side ------------------------------------------------------------

def test_no_domain_is_blamed_for_our_trust_anchor(configs, tmp_path):
    """A key that is not the root's: nothing can be proven, by our fault."""
    anchor = tmp_path / "root.key"
    anchor.write_text(". IN DS 20326 8 2 " + "e0" * 32 + "\n")
    text = configs["verified"].read_text().splitlines()
    text = [line.split("trust-anchor")[0] + f"trust-anchor {anchor} }}"
            if line.startswith("dns ") else line for line in text]
    config = tmp_path / "anchor.conf"
    config.write_text("\n".join(text) + "\n")
    found = probe(config, ["dane.example"])["dane.example"]
    assert found["exit"] == 4
    assert found["answers"]["verified"]["fault"] == "ours"
    own = json.loads(subprocess.run(
        [POSTSEAL, "doctor", "-c", config, "--json"], capture_output=True,
        text=True, check=False, timeout=100).stdout)
    assert own["resolver"]["state"] == "good"
    assert own["trust-anchor"]["state"] == "bad"


# --- TL-03: servers that mean harm -------------------------------------------

class Villain:
    """One address that does one thing to whoever connects."""

    def __init__(self, address, port, act):
        self.act = act
        self.listener = socket.create_server((address, port))
        self.open = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(sock)
            threading.Thread(target=self._play, args=(sock,),
                             daemon=True).start()

    def _play(self, sock):
        try:
            self.act(sock)
        except (OSError, ValueError):
            pass
        finally:
            sock.close()

    def stop(self):
        self.listener.close()
        for sock in self.open:
            sock.close()


def say(sock, text):
    sock.sendall(text.encode())


def hear(sock):
    line = b""
    while not line.endswith(b"\n"):
        octet = sock.recv(1)
        if not octet:
            raise ValueError("gone")
        line += octet
    return line


def up_to_starttls(sock):
    say(sock, "220 villain\r\n")
    hear(sock)
    say(sock, "250-villain\r\n250 STARTTLS\r\n")
    hear(sock)
    say(sock, "220 go\r\n")


def endless_banner(sock):
    while True:
        say(sock, "220-" + "x" * 1000 + "\r\n")


def endless_line(sock):
    while True:
        say(sock, "2" * 65536)


def drip(sock):
    for char in "220 villain\r\n" * 100:
        say(sock, char)
        time.sleep(60)


def big_ehlo(sock):
    say(sock, "220 villain\r\n")
    hear(sock)
    for _ in range(10 << 10):
        say(sock, "250-" + "x" * 1018 + "\r\n")
    say(sock, "250 STARTTLS\r\n")


def junk(sock):
    say(sock, "SSH-2.0-OpenSSH_9.2p1\r\n\x00\x01\x02")


def bare_newlines(sock):
    say(sock, "220 villain\n220 villain\n")


def changing_code(sock):
    say(sock, "220-villain\r\n550 villain\r\n")


def endless_handshake(sock):
    """Says in TLS that it will go on soon, for ever."""
    up_to_starttls(sock)
    sock.recv(4096)
    while True:
        sock.sendall(bytes([22, 3, 3, 0, 1, 2]))
        time.sleep(0.2)


def silent_handshake(sock):
    up_to_starttls(sock)
    time.sleep(600)


def junk_handshake(sock):
    up_to_starttls(sock)
    sock.sendall(b"\x16\x03\x03\xff\xff" + b"\xff" * 70000)


@pytest.fixture
def long_chain(practice, tmp_path):
    """A server whose certificate comes with 10 MiB of others."""
    leaf = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-keyout", tmp_path / "key.pem",
         "-subj", "/CN=villain", "-days", "2", "-addext", "subjectAltName="
         + ",".join(f"DNS:a-long-name-{i}.villain.example"
                    for i in range(2500))], capture_output=True,
        check=True, timeout=60).stdout
    size = len(ssl.PEM_cert_to_DER_cert(leaf.decode()))
    (tmp_path / "chain.pem").write_bytes(leaf * ((10 << 20) // size))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")

    def act(sock):
        up_to_starttls(sock)
        with context.wrap_socket(sock, server_side=True) as up:
            up.recv(100)
    return act


VILLAINS = [endless_banner, endless_line, drip, big_ehlo, junk, bare_newlines,
            changing_code, endless_handshake, silent_handshake,
            junk_handshake]


def meet(practice, configs, act, number):
    """The probe of a domain whose only server is a villain."""
    address = f"127.40.250.{number}"
    villain = Villain(address, practice.facts["smtp_port"], act)
    where = f"script{number % 4 + 1}.example"
    mine = DOMAINS[where].hosts[0].address
    practice.set_records(where, "mx1", "A", [address])
    begun = time.monotonic()
    try:
        found = probe(configs["verified"], [where], 4)[where]
    finally:
        practice.set_records(where, "mx1", "A", [mine])
        villain.stop()
    assert time.monotonic() - begun < 60
    return found


@pytest.mark.parametrize("act", VILLAINS, ids=lambda a: a.__name__)
def test_tl_03_hostile_server(practice, configs, act):
    found = meet(practice, configs, act, VILLAINS.index(act) + 1)
    assert found["answers"]["verified"]["possible"] is not True
    assert found["answers"]["tls"]["possible"] is not True
    assert found["took_ms"] < 40000
    assert found["findings"]


def test_tl_03_long_chain(practice, configs, long_chain):
    found = meet(practice, configs, long_chain, 40)
    assert found["answers"]["tls"]["possible"] is not True
    assert found["took_ms"] < 40000


def test_nothing_of_ours_is_in_what_servers_saw(looks):
    """No octet is sent that no command needs."""
    for session in looks[1]:
        clear = b"".join(base64.b64decode(e["data"])
                         for e in session["events"]
                         if e["from"] == "client" and not e["tls"])
        for line in clear.split(b"\r\n"):
            assert line.split(b" ")[0] in (b"", b"EHLO", b"HELO", b"STARTTLS",
                                           b"QUIT"), line

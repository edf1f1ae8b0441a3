"""The practice Internet itself, seen with tools that are not ours."""

import os
import signal
import smtplib
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from tests.practice import PracticeError, PracticeInternet, original
from tests.practice.__main__ import table
from tests.practice.control import octets
from tests.practice.domains import DOMAINS, HOSTS
from tests.practice.fixture import free_ports
from tests.practice.internet import PORTS

ROOT = Path(__file__).resolve().parent.parent.parent
MESSAGE = (b"From: Clinic <clinic@clinic.example>\r\nTo: reader\r\n"
           b"Subject: caf\xc3\xa9\r\n\r\n.leading dot\r\n..two\r\n\xff\x80\r\n"
           + b"x" * 990 + b"\r\n\r\n")
REAL = [h for h in HOSTS.values() if h.server in ("postfix", "exim")]


def run(*words, data=""):
    return subprocess.run([str(w) for w in words], input=data, text=True,
                          capture_output=True, timeout=30, check=False,
                          errors="replace")


def delv(practice, name, kind):
    done = run("delv", "@127.0.0.1", "-p", practice.facts["dns_port"], "-a",
               practice.dns.delv_anchor_file, "+root=.", name, kind)
    return done.stdout + done.stderr


def verdict(text):
    for word, meaning in (("broken trust chain", "bogus"),
                          ("resolution failed: failure", "error"),
                          ("resolution failed: SERVFAIL", "error"),
                          ("fully validated", "secure"),
                          ("unsigned answer", "insecure")):
        if word in text:
            return meaning
    return text


@pytest.fixture(scope="module")
def unbound(practice_internet):
    """Ask Unbound, as another validator: name, type -> its word."""
    config = practice_internet.folder / "unbound-host.conf"
    config.write_text(
        "server:\n    do-not-query-localhost: no\n"
        "    module-config: \"validator iterator\"\n"
        f"    trust-anchor-file: \"{practice_internet.dns.anchor_file}\"\n"
        "forward-zone:\n    name: \".\"\n    forward-addr: 127.0.0.1@"
        f"{practice_internet.facts['dns_port']}\n")

    def ask(name, kind):
        done = run("unbound-host", "-v", "-C", config, "-t", kind, name)
        text = done.stdout + done.stderr
        for word in ("(BOGUS", "(secure)", "(insecure)", "(error)",
                     "SERVFAIL"):
            if word in text:
                return word.strip("()").lower()
        return text
    return ask


@pytest.mark.parametrize("domain", DOMAINS.values(), ids=lambda d: d.name)
def test_dnssec_state_is_what_the_table_says(practice, domain):
    want = ("bogus" if domain.bogus else
            "secure" if domain.signed else "insecure")
    got = verdict(delv(practice, domain.name, "MX"))
    assert got == want if domain.mx else got in (want, got)
    for host in domain.hosts:
        if host.tlsa and host.name.endswith(domain.name):
            owner = practice.tlsa_owner(host.tlsa_at or host.name)
            assert verdict(delv(practice, owner, "TLSA")) == want


@pytest.mark.parametrize("domain, kind, want", [
    ("dane.example", "MX", "secure"), ("sts.example", "MX", "insecure"),
    ("nowhere.dane.example", "A", "secure"),
    ("bogusmx.example", "MX", "bogus"),
    ("mx.aliasboth.example", "A", "secure"),
    ("unsignedgood.example", "MX", "insecure"),
])
def test_unbound_agrees(unbound, domain, kind, want):
    assert unbound(domain, kind).startswith(want)


@pytest.mark.parametrize("domain, want", [("bogus.example", ("bogus",)),
                                          ("servfail.example",
                                           ("error", "servfail"))])
def test_tp_17_tlsa_cannot_be_looked_up(practice, unbound, domain, want):
    owner = practice.tlsa_owner(f"mx1.{domain}").rstrip(".")
    assert unbound(owner, "TLSA").startswith(want)
    assert verdict(delv(practice, f"mx1.{domain}", "A")) == "secure"


def s_client(practice, host, *words):
    return run("openssl", "s_client", "-starttls", "smtp", "-connect",
               f"{host.address}:{practice.facts['smtp_port']}",
               "-servername", host.name, "-verify_hostname", host.name,
               "-CAfile", practice.facts["ca_file"], *words, data="QUIT\n")


VERIFY = {"good": "Verify return code: 0", "self": "self-signed certificate",
          "good expired": "certificate has expired",
          "good wrongname": "ostname mismatch"}


@pytest.mark.parametrize("host", REAL, ids=lambda h: h.name)
def test_real_receivers_show_the_certificate_they_should(practice, host):
    done = s_client(practice, host, *(
        ["-cipher", "ALL:@SECLEVEL=0", "-tls1_1"] if host.tls_max else []))
    text = done.stdout + done.stderr
    if host.certificate is None:
        assert "Didn't find STARTTLS" in text
    else:
        assert VERIFY[host.certificate] in text


@pytest.mark.parametrize("host", [
    h for h in HOSTS.values() if h.server == "scripted"
    and h.certificate in VERIFY and not h.script], ids=lambda h: h.name)
def test_scripted_receivers_too(practice, host):
    done = s_client(practice, host)
    assert VERIFY[host.certificate] in done.stdout + done.stderr


@pytest.mark.parametrize("host", [
    h for h in HOSTS.values() if h.tlsa and h.certificate
    and h.name not in ("mx1.baddane.example", "mx1.danemixed.example")],
    ids=lambda h: h.name)
def test_tlsa_matches_as_openssl_sees_it(practice, host):
    domain = next(d for d in DOMAINS.values() if host in d.hosts)
    words = ["-dane_tlsa_domain", host.tlsa_at or host.name]
    for record in host.tlsa:
        words += ["-dane_tlsa_rrdata", practice.certificates.tlsa(
            host.name, host.certificate, *record)]
    done = run("openssl", "s_client", "-starttls", "smtp", "-connect",
               f"{host.address}:{practice.facts['smtp_port']}", "-servername",
               host.name, "-dane_ee_no_namechecks", *words, data="QUIT\n")
    matches = "Verification: OK" in done.stdout
    assert matches == (domain.verified.startswith("tls (DANE")
                       or domain.name == "unsignedself.example"
                       or domain.name == "clinic.example"), done.stdout


def test_old_speaks_old_versions_only(practice):
    host = HOSTS["mx1.old.example"]
    for version, works in (("-tls1", True), ("-tls1_1", True),
                           ("-tls1_2", False), ("-tls1_3", False)):
        done = s_client(practice, host, version, *(
            ["-cipher", "ALL:@SECLEVEL=0"] if works else []))
        assert ("Cipher is (NONE)" not in done.stdout) == works, done.stdout


def deliver(practice, host, recipient, message=MESSAGE):
    client = smtplib.SMTP(host.address, practice.facts["smtp_port"],
                          "test.clinic.example", timeout=10)
    client.ehlo()
    if host.certificate and not host.tls_max:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        client.starttls(context=context)
        client.ehlo()
    try:
        client.sendmail("clinic@clinic.example", [recipient], message,
                        ["BODY=8BITMIME"])
    finally:
        client.close()


@pytest.mark.quick
@pytest.mark.parametrize("host", [h for h in REAL if "greylist" not in h.name],
                         ids=lambda h: h.name)
def test_message_is_delivered_to_the_octet(practice, host):
    recipient = f"exact.{host.name.partition('.')[0]}@" + (
        host.name.partition(".")[2])
    deliver(practice, host, recipient)
    found = practice.wait_mail(recipient)
    assert len(found) == 1
    assert b"\nReceived: " in found[0]
    assert original(found[0]) == MESSAGE


def test_greylist_says_450_first(practice):
    host = HOSTS["mx1.greylist.example"]
    practice.control.greylist(1)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        deliver(practice, host, "gus@greylist.example")
    assert refused.value.recipients["gus@greylist.example"][0] == 450
    time.sleep(1.1)
    deliver(practice, host, "gus@greylist.example")
    assert len(practice.wait_mail("gus@greylist.example")) == 1


def curl(practice, host, path="/.well-known/mta-sts.txt", *words):
    port = practice.facts["https_port"]
    return run("curl", "-sS", "-i", "--max-time", 5, "--cacert",
               practice.facts["ca_file"], "--resolve",
               f"{host}:{port}:{practice.facts['https_address']}", *words,
               f"https://{host}:{port}{path}")


@pytest.mark.parametrize("domain", [d for d in DOMAINS.values() if d.sts],
                         ids=lambda d: d.name)
def test_policy_host_answers_as_it_should(practice, domain):
    done = curl(practice, f"mta-sts.{domain.name}")
    faulty = domain.sts.get("certificate", "good") != "good"
    if faulty:
        assert done.returncode == 60, done.stderr
    elif "delay" in domain.sts:
        assert done.returncode == 28
    elif "location" in domain.sts:
        assert " 301 " in done.stdout
    else:
        assert " 200 " in done.stdout and "version: STSv1" in done.stdout
        assert len(done.stdout) > domain.sts.get("pad", 0)


def test_policy_and_record_change_at_run_time(practice):
    practice.control.site("mta-sts.script1.example",
                          {"policy": "version: STSv1\r\nmode: none\r\n"})
    assert "mode: none" in curl(practice, "mta-sts.script1.example").stdout
    practice.control.site("mta-sts.script1.example", {"paths": {
        "/.well-known/openpgpkey/policy": {"body": "here"}}})
    assert curl(practice, "mta-sts.script1.example",
                "/.well-known/openpgpkey/policy").stdout.endswith("here")
    practice.set_records("rollover.example", "_mta-sts", "TXT",
                         ['"v=STSv1; id=2;"'])
    assert "id=2" in delv(practice, "_mta-sts.rollover.example", "TXT")
    practice.set_records("rollover.example", "_mta-sts", "TXT", [])
    assert "id=2" not in delv(practice, "_mta-sts.rollover.example", "TXT")


def test_nothing_answers_where_nothing_should(practice):
    port = practice.facts["smtp_port"]
    for name, fault in (("mx1.down.example", ConnectionRefusedError),
                        ("mx1.deadfirst.example", ConnectionRefusedError),
                        ("mx1.blackhole.example", socket.timeout)):
        with pytest.raises(fault):
            socket.create_connection((HOSTS[name].address, port), 0.5)
    with pytest.raises(OSError):
        socket.create_connection(("::1", port), 0.5)


class Line:
    """A client so plain that it does only what a test says."""

    def __init__(self, practice, name):
        self.sock = socket.create_connection(
            (HOSTS[name].address, practice.facts["smtp_port"]), 5)
        self.sock.settimeout(1)

    def say(self, text):
        self.sock.sendall(text.encode())

    def read(self):
        try:
            time.sleep(0.15)
            return self.sock.recv(65536).decode()
        except ConnectionResetError:
            return "reset"


@pytest.mark.parametrize("name, dialogue", [
    ("tls454", [("EHLO x", "250 STARTTLS"), ("STARTTLS", "454 ")]),
    ("tls500", [("EHLO x", "250 STARTTLS"), ("STARTTLS", "500 ")]),
    ("tlsreset", [("STARTTLS", "220 "), ("", "reset")]),
    ("inject", [("STARTTLS", "250-evil.inject.example\r\n250 AUTH PLAIN")]),
    ("refusing", [("MAIL FROM:<a@b>", "250"), ("RCPT TO:<x@y>", "550")]),
    ("morereplies", [("RCPT TO:<x@y>", "250 2.1.5 Ok\r\n354 Go on")]),
    ("mixed", [("RCPT TO:<ok@y>", "250"), ("RCPT TO:<later@y>", "450"),
               ("RCPT TO:<no@y>", "550"), ("QUIT", "421")]),
    ("limited", [("MAIL FROM:<a@b>", "250")] * 3
     + [("MAIL FROM:<a@b>", "421")]),
    ("closing", [("RCPT TO:<x@y>", "")]),
])
def test_scripted_servers_misbehave(practice, name, dialogue):
    line = Line(practice, f"mx1.{name}.example")
    assert line.read().startswith("220 ")
    for command, want in dialogue:
        if command:
            line.say(command + "\r\n")
        got = line.read()
        assert want in got if want else got == ""


def test_silent_and_busy_ones(practice):
    with pytest.raises(socket.timeout):
        Line(practice, "mx1.silent.example").read()
    assert Line(practice, "mx1.drip.example").sock.fileno() > 0
    assert Line(practice, "mx1.busy.example").read().startswith("421 ")


def test_window_is_closed_during_data(practice):
    line = Line(practice, "mx1.window.example")
    line.read()
    for command in ("EHLO x", "MAIL FROM:<a@b>", "RCPT TO:<x@y>", "DATA"):
        line.say(command + "\r\n")
        last = line.read()
    assert last.startswith("354")
    with pytest.raises(socket.timeout):
        line.sock.sendall(b"x" * (64 << 20))


def test_script_is_set_at_run_time_and_everything_recorded(practice):
    control = practice.control
    host = HOSTS["mx1.script2.example"]
    control.sessions(host.name, clear=True)
    control.messages(host.name, clear=True)
    control.script(host.name, {
        "keywords_tls": ["SIZE 1000"],
        "tls": {"certificate": "self", "max": "TLSv1.2"},
        "on_tls": {"EOM": ["451 4.3.0 Once more", "250 2.0.0 Ok: kept"]}})
    with pytest.raises(smtplib.SMTPDataError):
        deliver(practice, host, "two@script2.example")
    assert control.messages(host.name) == []
    client = smtplib.SMTP(host.address, practice.facts["smtp_port"], "me")
    context = ssl._create_unverified_context()
    client.starttls(context=context)
    client.ehlo()
    assert client.esmtp_features == {"size": "1000"}
    client.close()
    time.sleep(0.2)
    first, second = control.sessions(host.name)
    assert first["tls"]["version"] == "TLSv1.2"
    assert "data" in first["commands"]
    assert octets(second, tls=False) == b"ehlo me\r\nSTARTTLS\r\n"
    assert octets(second, tls=True) == b"ehlo me\r\n"
    control.reset(host.name)
    deliver(practice, host, "two@script2.example")
    message, = control.messages(host.name, body=True, clear=True)
    assert message["body"] == MESSAGE
    assert message["tls"]["version"] == "TLSv1.3"
    assert original(practice.mailbox("two@script2.example")[-1]) == MESSAGE


def test_sni_and_resumption_are_recorded(practice):
    host = HOSTS["mx.tenant2.example"]
    practice.control.sessions(host.name, clear=True)
    ticket = practice.folder / "ticket"
    s_client(practice, host, "-sess_out", ticket, "-tls1_2")
    s_client(practice, host, "-sess_in", ticket, "-tls1_2")
    time.sleep(0.2)
    first, second = practice.control.sessions(host.name)
    assert first["tls"]["sni"] == "mx.tenant2.example"
    assert (first["tls"]["resumed"], second["tls"]["resumed"]) == (False, True)


def test_downgrade_happens_on_the_second_connection(practice):
    offered = []
    for _ in range(3):
        line = Line(practice, "mx1.downgrade.example")
        line.read()
        line.say("EHLO x\r\n")
        offered.append("STARTTLS" in line.read())
    assert offered == [True, False, False]


# --- leftovers -------------------------------------------------------------
def listeners(base):
    """Sockets on the practice ports, by the kernel's own list."""
    ports = {base + i for i in range(len(PORTS))}
    found = []
    for name in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{name}").read_text().split("\n")[1:]:
            words = line.split()
            if words and int(words[1].rpartition(":")[2], 16) in ports and (
                    words[3] in ("0A", "07")):
                found.append(line)
    return found


def processes_below(folder):
    """Processes that name the folder or work in it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes()
            place = os.readlink(entry / "cwd")
        except OSError:
            continue
        if str(folder).encode() in words or place.startswith(str(folder)):
            found.append(words)
    return found


def nothing_left(folder, base):
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if not processes_below(folder) and not listeners(base):
            break
        time.sleep(0.05)
    assert processes_below(folder) == []
    assert listeners(base) == []
    assert str(folder) not in Path("/proc/self/mounts").read_text()


def test_stop_leaves_nothing(tmp_path):
    base = free_ports(len(PORTS))
    folder = tmp_path / "net"
    begun = time.monotonic()
    with PracticeInternet(folder, base) as up:
        took = time.monotonic() - begun
        assert len(processes_below(folder)) >= 4
        assert up.wait_mail("nobody@pkix.example", wait_s=0) == []
    nothing_left(folder, base)
    assert took < 15  # 2 s on a quiet machine


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT,
                                    signal.SIGKILL])
@pytest.mark.parametrize("after_s", [0.2, 0.6, 1.2, 4])
def test_command_killed_at_any_time_leaves_nothing(tmp_path, number, after_s):
    base = free_ports(len(PORTS))
    folder = tmp_path / "net"
    process = subprocess.Popen(
        ["/usr/bin/python3", "-m", "tests.practice", "up", "--dir", folder,
         "--port-base", str(base)], cwd=ROOT, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    time.sleep(after_s)
    process.send_signal(number)
    process.wait(20)
    nothing_left(folder, base)


def test_port_taken_is_a_clear_error(tmp_path):
    base = free_ports(len(PORTS))
    with socket.socket() as taken:
        taken.bind(("127.40.15.1", base + 1))
        taken.listen()
        with pytest.raises(PracticeError, match="127.40.15.1:.*already"):
            PracticeInternet(tmp_path / "net", base).start()
    nothing_left(tmp_path / "net", base)


def test_readme_holds_the_table():
    assert table() in (ROOT / "tests/practice/README.md").read_text()

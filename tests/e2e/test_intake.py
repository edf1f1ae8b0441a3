"""What the SMTP server takes and refuses (group SI of the cases)."""

import base64
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import time

import pytest

from tests.e2e.lone_gate import Gate
from tests.e2e.wire import Wire

pytestmark = pytest.mark.quick

CONFIG = """
listen 127.0.0.1:{smtp} {{ accept-from 127.0.0.0/8 }}
listen 127.0.0.1:{lenient} {{ accept-from 127.0.0.0/8  fix-line-ends 127.0.0.0/8 }}
listen 127.0.0.1:{shared} {{ accept-from 127.0.0.0/8  senders *@clinic.example }}
listen 127.0.0.1:{foreign} {{ accept-from 192.0.2.0/24 }}
listen 127.0.0.1:{submission} {{ starttls required  auth required }}
listen 127.0.0.1:{submissions} {{ tls implicit  auth required }}
limits {{ recipients 100  message 1M  errors 20 }}
delivery {{ port 9  retry 1h }}
rule "all" {{ floor verified  ladder tls }}
"""
PORTS = ("smtp", "lenient", "shared", "foreign", "submission", "submissions")
MESSAGE = b"From: a@clinic.example\r\nSubject: x\r\n\r\nhello\r\n"


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    # Nothing leaves: the resolver is a port where nobody answers.
    made = Gate(tmp_path_factory.mktemp("gate"), CONFIG, PORTS)
    text = made.config.read_text()
    made.config.write_text(text + "dns { resolver 127.0.0.1@9 }\n")
    made.postseal("user", "add", "app", "--senders", "app@clinic.example",
                  "-c", made.config, stdin="correct horse\n")
    made.postseal("user", "add", "safe", "--scram", "-c", made.config,
                  stdin="battery staple\n")
    with made:
        yield made


@pytest.fixture
def wire(gate):
    made = Wire(gate.ports["smtp"]).greet()
    yield made
    made.close()


def count(gate):
    return len(gate.queue())


def accepted(wire, data=MESSAGE):
    assert wire.code(b"DATA") == 354
    wire.send(data + b".\r\n")
    return wire.reply()


def test_message_is_kept_and_told(gate, wire):
    code, lines = accepted(wire.envelope(b"x@one.example", b"y@two.example"))
    assert code == 250 and lines[0].startswith("2.0.0 Ok: queued as ")
    story = gate.message(lines[0].rsplit(" ", 1)[1])
    assert story["from"] == "a@clinic.example"
    assert [r["recipient"] for r in story["recipients"]] == [
        "x@one.example", "y@two.example"]


def test_ehlo_offers_what_is_built(gate):
    wire = Wire(gate.ports["smtp"])
    wire.reply()
    _, lines = wire.ask(b"EHLO c.example")
    words = {line.split()[0] for line in lines[1:]}
    assert {"PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "CHUNKING", "DSN",
            "ENHANCEDSTATUSCODES", "STARTTLS", "LIMITS"} <= words
    assert "AUTH" not in words and "REQUIRETLS" not in words


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r"])
def test_SI_01_smuggling_is_refused(gate, wire, end):
    before = count(gate)
    wire.envelope()
    assert wire.code(b"DATA") == 354
    wire.send(b"Subject: x\r\n\r\nbody" + end +
              b"MAIL FROM:<evil@there.example>\r\nRCPT TO:<v@there.example>\r\n"
              b"DATA\r\nSubject: smuggled\r\n\r\n.\r\n")
    code, lines = wire.reply()
    assert code == 554 and lines[0].startswith("5.5.2")
    assert wire.closed()
    assert count(gate) == before
    assert "smtp.in.smuggling" in gate.log()


def test_SI_01_normalised_for_listed_clients(gate):
    before = count(gate)
    wire = Wire(gate.ports["lenient"]).greet().envelope()
    code, _ = accepted(wire, b"Subject: x\n\nbody\n.\nMAIL FROM:<e@x>\r\n")
    assert code == 250
    assert count(gate) == before + 1


def test_SI_02_nothing_before_tls_counts_after(gate):
    wire = Wire(gate.ports["smtp"]).greet()
    wire.send(b"STARTTLS\r\nRSET\r\nMAIL FROM:<x@y.example>\r\n")
    assert wire.closed()
    wire = Wire(gate.ports["smtp"]).greet()
    wire.envelope()
    assert wire.code(b"STARTTLS") == 220
    wire.start_tls()
    assert wire.code(b"RCPT TO:<b@there.example>") == 503


def test_SI_03_tls_torn_down_in_bdat(gate):
    before = count(gate)
    for sent in range(0, 10, 3):
        wire = Wire(gate.ports["smtp"]).greet(secure=True).envelope()
        wire.send(b"BDAT 1000\r\n" + b"x" * sent)
        raw = wire.socket.unwrap() if sent % 2 else wire.socket
        if sent % 2:
            raw.sendall(b"QUIT\r\n")
            raw.settimeout(5)
            assert raw.recv(100) == b""
        raw.close()
    assert count(gate) == before
    assert Wire(gate.ports["smtp"]).greet().code(b"NOOP") == 250


def test_SI_04_long_lines(gate, wire):
    assert wire.code(b"NOOP " + b"x" * 590) == 250
    assert wire.code(b"NOOP " + b"x" * 4096) == 500
    assert wire.code(b"NOOP") == 250
    wire.send(b"y" * (1 << 20) + b"\r\n")
    assert wire.reply()[0] == 500
    assert wire.code(b"NOOP") == 250


def test_SI_05_nul(gate, wire):
    assert wire.code(b"NOOP a\0b") == 501
    before = count(gate)
    code, lines = accepted(wire.envelope(), b"Subject: a\0b\r\n\r\n")
    assert code == 554 and lines[0].startswith("5.6.0")
    code, _ = accepted(wire.envelope(), b"Subject: x\r\n\r\na\0b\r\n")
    assert code == 554
    assert count(gate) == before


def test_SI_06_quoted_local_parts(gate, wire):
    for local in (b'"a@b"', b'"a b"', b'"a\\"b"', b'"."'):
        code, lines = accepted(wire.envelope(local + b"@there.example"))
        story = gate.message(lines[0].rsplit(" ", 1)[1])
        assert story["recipients"][0]["recipient"] == (
            local + b"@there.example").decode()


def test_SI_07_metacharacters_are_data(gate, wire):
    started = time.monotonic()
    for address in (b";sleep${IFS}60;@x.example", b"`id`@x.example",
                    b"../../x@x.example", b"-oX@x.example", b"%n%n@x.example"):
        assert wire.code(b"MAIL FROM:<" + address + b">") in (250, 501)
        wire.code(b"RSET")
    assert time.monotonic() - started < 5


def test_SI_08_encoded_words_stay_literal(gate, wire):
    address = b"=?utf-8?q?admin=40corp.example=3e?=@evil.example"
    code, lines = accepted(wire.envelope(address))
    story = gate.message(lines[0].rsplit(" ", 1)[1])
    assert story["recipients"][0]["recipient"] == address.decode()


def test_SI_09_pipelining_order(gate, wire):
    group = [b"MAIL FROM:<a@clinic.example>"]
    group += [b"RCPT TO:<r%d@there.example>" % i if i % 5 else b"RCPT TO:<bad"
              for i in range(50)]
    wire.send(b"\r\n".join(group + [b"NOOP", b"RSET", b"NOOP"]) + b"\r\n")
    codes = [wire.reply()[0] for _ in range(54)]
    assert codes[0] == 250
    assert codes[1:51] == [250 if i % 5 else 501 for i in range(50)]
    assert codes[51:] == [250, 250, 250]


def test_SI_10_too_many_recipients(gate, wire):
    assert wire.code(b"MAIL FROM:<a@clinic.example>") == 250
    codes = [wire.code(b"RCPT TO:<r%d@there.example>" % i)
             for i in range(102)]
    assert codes[:100] == [250] * 100 and codes[100:] == [452, 452]
    assert accepted(wire)[0] == 250


def test_SI_11_size_limits(gate, wire):
    assert wire.code(b"MAIL FROM:<a@clinic.example> SIZE=2000000") == 552
    before = count(gate)
    code, lines = accepted(wire.envelope(), b"x" * 1500 * 1024 + b"\r\n")
    assert code == 552 and lines[0].startswith("5.3.4")
    assert count(gate) == before
    assert accepted(wire.envelope())[0] == 250


def test_SI_13_loops(gate, wire):
    hops = b"Received: from a by b; Mon, 23 Nov 2026 10:00:00 +0000\r\n"
    code, lines = accepted(wire.envelope(), hops * 101 + MESSAGE)
    assert code == 554 and lines[0].startswith("5.4.6")
    own = hops.replace(b"by b", b"by gate.clinic.example (postseal)")
    assert accepted(wire.envelope(), own * 4 + MESSAGE)[0] == 554
    assert accepted(wire.envelope(), own + MESSAGE)[0] == 250


@pytest.mark.parametrize("recipient", [
    b"user%foreign.example@gate.clinic.example",
    b"foreign.example!user", b'"user@foreign.example"@gate.clinic.example',
    b"user@foreign.example", b"user@foreign.example@gate.clinic.example",
    b"postmaster@gate.clinic.example", b"@gate.clinic.example:u@f.example"])
@pytest.mark.parametrize("sender", [b"", b"a@gate.clinic.example", b"x@y.example"])
def test_SI_14_no_relay_for_strangers(gate, recipient, sender):
    wire = Wire(gate.ports["foreign"]).greet()
    assert wire.code(b"MAIL FROM:<" + sender + b">") == 250
    assert wire.code(b"RCPT TO:<" + recipient + b">") in (501, 550, 554)
    assert wire.code(b"DATA") in (503, 554)
    wire.close()


def test_SI_15_auth_needs_tls(gate):
    wire = Wire(gate.ports["submission"])
    wire.reply()
    _, lines = wire.ask(b"EHLO c.example")
    assert not any(line.startswith("AUTH") for line in lines)
    secret = base64.b64encode(b"\0app\0correct horse")
    assert wire.code(b"AUTH PLAIN " + secret) in (530, 538)
    assert wire.code(b"MAIL FROM:<a@clinic.example>") == 530
    assert secret.decode() not in gate.log()


def test_auth_plain_login_and_senders(gate):
    for secret in (b"\0app\0correct horse",):
        wire = Wire(gate.ports["submission"]).greet(secure=True)
        assert wire.code(b"MAIL FROM:<app@clinic.example>") == 530
        assert wire.code(b"AUTH PLAIN " + base64.b64encode(secret)) == 235
        assert wire.code(b"MAIL FROM:<other@clinic.example>") == 550
        wire.envelope(sender=b"app@clinic.example")
        message = MESSAGE.replace(b"a@clinic", b"app@clinic")
        assert accepted(wire, message)[0] == 250
        # the author people see is limited as well
        wire.envelope(sender=b"app@clinic.example")
        assert accepted(wire, MESSAGE)[0] == 550
    client = smtplib.SMTP_SSL("127.0.0.1", gate.ports["submissions"],
                              context=ssl._create_unverified_context())
    client.login("app", "correct horse")
    client.quit()


def test_auth_wrong_passwords_are_limited(gate):
    wire = Wire(gate.ports["submission"]).greet(secure=True)
    for user in (b"app", b"nobody"):
        wrong = base64.b64encode(b"\0" + user + b"\0wrong")
        assert wire.code(b"AUTH PLAIN " + wrong) == 535
    assert "wrong" not in gate.log().split("auth_failed")[-1][:200]


def test_auth_scram(gate):
    import hashlib
    import hmac as mac
    wire = Wire(gate.ports["submission"]).greet(secure=True)
    nonce = "fyko+d2lbbFgONRv9qkxdawL"
    bare = f"n=safe,r={nonce}"
    code, lines = wire.ask(b"AUTH SCRAM-SHA-256 "
                           + base64.b64encode(f"n,,{bare}".encode()))
    assert code == 334
    server = base64.b64decode(lines[0]).decode()
    fields = dict(f.split("=", 1) for f in server.split(","))
    salted = hashlib.pbkdf2_hmac("sha256", b"battery staple",
                                 base64.b64decode(fields["s"]),
                                 int(fields["i"]))
    key = mac.digest(salted, b"Client Key", "sha256")
    final = f"c=biws,r={fields['r']}"
    auth = f"{bare},{server},{final}".encode()
    signature = mac.digest(hashlib.sha256(key).digest(), auth, "sha256")
    proof = bytes(a ^ b for a, b in zip(key, signature))
    code, lines = wire.ask(base64.b64encode(
        f"{final},p={base64.b64encode(proof).decode()}".encode()))
    assert code == 334
    verifier = base64.b64decode(lines[0]).decode()
    server_key = mac.digest(salted, b"Server Key", "sha256")
    assert verifier == "v=" + base64.b64encode(
        mac.digest(server_key, auth, "sha256")).decode()
    assert wire.code(b"") == 235


def test_SI_16_author_of_a_shared_range(gate):
    port = gate.ports["shared"]
    wire = Wire(port).greet()
    assert wire.code(b"MAIL FROM:<x@other.example>") == 550
    for header in (b"From: a@clinic.example\r\nFrom: b@clinic.example\r\n",
                   b"From: a@clinic.example, e@evil.example\r\n", b"",
                   b"From: e@EVIL.example\r\n"):
        wire.envelope()
        assert accepted(wire, header + b"Subject: x\r\n\r\n")[0] == 550
    wire.envelope()
    assert accepted(wire, b"From: A <a@CLINIC.example>\r\n\r\n")[0] == 250


@pytest.mark.parametrize("secure", [False, True])
def test_SI_17_http_is_closed_without_echo(gate, secure):
    wire = Wire(gate.ports["smtp"]).greet(secure)
    wire.send(b"POST /secret HTTP/1.1\r\nHost: x\r\n\r\n")
    assert wire.closed()


def test_SI_17_alpn_of_a_browser(gate):
    with pytest.raises(ssl.SSLError):
        Wire(gate.ports["submissions"], tls=True, alpn=["http/1.1"])
    wire = Wire(gate.ports["submissions"], tls=True, alpn=["smtp"])
    assert wire.reply()[0] == 220


def test_SI_18_requiretls(gate, wire):
    assert wire.code(b"MAIL FROM:<a@clinic.example> REQUIRETLS") == 530
    inside = Wire(gate.ports["smtp"]).greet(secure=True)
    _, lines = inside.ask(b"EHLO c.example")
    assert "REQUIRETLS" in lines
    assert inside.code(b"MAIL FROM:<a@clinic.example> REQUIRETLS") == 250


def test_bdat(gate, wire):
    wire.envelope()
    wire.send(b"BDAT 10\r\nSubject: x")
    assert wire.reply()[0] == 250
    assert wire.code(b"RCPT TO:<late@there.example>") == 503
    wire.send(b"BDAT 9 LAST\r\n\r\n\r\n.\r\nab")
    assert wire.reply()[0] == 250
    # without a transaction the octets of a chunk are still no commands
    wire.send(b"BDAT 6 LAST\r\nQUIT\r\n")
    assert wire.reply()[0] == 503
    assert wire.code(b"NOOP") == 250


@pytest.mark.parametrize("body", [b"a\n.\r\nMAIL FROM:<e@there.example>\r\n",
                                  b"a\r\n.\nb\r\n", b"a\rb\r\n", b"a\r",
                                  b"a\0b\r\n"])
def test_SI_01_chunks_go_out_by_data(gate, wire, body):
    """What a next hop could take for an end of data does not come in by BDAT."""
    before = count(gate)
    wire.envelope()
    data = b"Subject: x\r\n\r\n" + body
    wire.send(b"BDAT %d LAST\r\n" % len(data) + data)
    assert wire.reply()[0] == 554
    assert count(gate) == before


def test_SI_12_slow_clients_cost_nobody(gate):
    """Two hundred half-open sessions: an honest one is served at once."""
    slow = [socket.create_connection(("127.0.0.1", gate.ports["smtp"]))
            for _ in range(20)]
    try:
        for s in slow:
            s.sendall(b"E")
        started = time.monotonic()
        assert accepted(Wire(gate.ports["smtp"]).greet().envelope())[0] == 250
        assert time.monotonic() - started < 5
    finally:
        for s in slow:
            s.close()


def test_roles_run_confined(gate):
    for role, pid in gate.role_pids().items():
        status = dict(
            line.split(":\t", 1) for line in
            open(f"/proc/{pid}/status", encoding="utf-8").read().splitlines()
            if ":\t" in line)
        assert status["NoNewPrivs"] == "1", role
        assert status["Seccomp"] == "2", role
        if os.geteuid() == 0:
            assert status["Uid"].split()[0] != "0", role
            assert status["CapEff"] == "0000000000000000", role


def test_OP_03_no_secret_in_sight(gate):
    for pid in gate.role_pids().values():
        for name in ("cmdline", "environ"):
            content = open(f"/proc/{pid}/{name}", "rb").read()
            assert b"correct horse" not in content
    assert "correct horse" not in gate.log()
    raw = b"".join(p.read_bytes() for p in (gate.folder / "data").glob("p*"))
    assert b"correct horse" not in raw


def test_CR_01_canary(gate, wire):
    canary = b"canary-%d" % time.time_ns()
    data = (b"From: a@clinic.example\r\nSubject: " + canary
            + b"\r\n\r\n" + canary + b"\r\n")
    assert accepted(wire.envelope(), data)[0] == 250
    for path in (gate.folder / "data").rglob("*"):
        if path.is_file():
            assert canary not in path.read_bytes(), path
    assert canary.decode() not in gate.log()


def test_reload_keeps_sessions_and_the_old_configuration(gate):
    held = Wire(gate.ports["smtp"]).greet()
    good = gate.config.read_text()
    gate.config.write_text(good + "nonsense here\n")
    before = gate.role_pids()
    gate.process.send_signal(signal.SIGHUP)
    time.sleep(1)
    assert gate.role_pids() == before
    assert "config.reload_refused" in gate.log()
    gate.config.write_text(good)
    gate.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 10
    while time.monotonic() < end and "config.reloaded" not in gate.log():
        time.sleep(0.05)
    fresh = Wire(gate.ports["smtp"])
    assert fresh.reply()[0] == 220 and fresh.code(b"NOOP") == 250
    assert held.code(b"NOOP") == 250
    held.close()


@pytest.mark.parametrize("client", ["swaks", "curl", "msmtp"])
def test_real_clients(gate, client, tmp_path):
    port = gate.ports["smtp"]
    mail = tmp_path / "mail"
    mail.write_bytes(b"From: a@clinic.example\nSubject: x\n\nhello\n")
    commands = {
        "swaks": ["swaks", "--server", f"127.0.0.1:{port}", "--tls",
                  "--from", "a@clinic.example", "--to", "b@there.example"],
        "curl": ["curl", "-sS", "--ssl-reqd", "--insecure", "--crlf",
                 f"smtp://127.0.0.1:{port}",
                 "--mail-from", "a@clinic.example",
                 "--mail-rcpt", "b@there.example", "-T", str(mail)],
        "msmtp": ["msmtp", "--host=127.0.0.1", f"--port={port}", "--tls=on",
                  "--tls-certcheck=off", "--from=a@clinic.example",
                  "b@there.example"],
    }
    before = count(gate)
    with open(mail, "rb") as stdin:
        done = subprocess.run(commands[client], stdin=stdin,
                              capture_output=True, check=False, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    assert count(gate) == before + 1

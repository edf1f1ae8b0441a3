"""SI-12: clients that drip, in every phase at once, cost nobody else anything;
idle ones cost next to nothing; each ends at the deadline of its phase."""

import socket
import ssl
import subprocess
import time

import pytest

from tests.e2e.lone_gate import Gate
from tests.e2e.wire import Wire

# More of each phase than intake has threads would need another limit on the
# number of descriptors; the listener's own test has 400 on two threads.
SLOW = 600
CONFIG = """
listen 127.0.0.1:{smtp} {{ accept-from 127.0.0.0/8 }}
listen 127.0.0.1:{hasty} {{ accept-from 127.0.0.0/8 }}
listen 127.0.0.1:{tls} {{ accept-from 127.0.0.0/8  tls implicit }}
limits {{ connections 3000  connections-per-source 20
         command-timeout %s  data-timeout %s }}
delivery {{ port 9  retry 1h }}
dns {{ resolver 127.0.0.1@9 }}
rule "all" {{ floor verified  ladder tls }}
"""
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
MESSAGE = b"From: a@clinic.example\r\nSubject: x\r\n\r\nhello\r\n.\r\n"


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    made = Gate(tmp_path_factory.mktemp("slow"), CONFIG % ("5m", "5m"),
                ("smtp", "hasty", "tls"))
    with made:
        yield made


def dial(port, number):
    s = socket.socket()
    s.settimeout(10)
    s.bind((f"127.{1 + number // 250}.{number % 250}.1", 0))
    s.connect(("127.0.0.1", port))
    return s


def reply(s):
    got = b""
    while not got.endswith(b"\r\n"):
        more = s.recv(4096)
        if not more:
            raise EOFError(got)
        got += more
    return got


def ask(s, line):
    s.sendall(line + b"\r\n")
    return reply(s)


def slow_in(phase, gate, number):
    """A connection that stopped in the middle of something."""
    s = dial(gate.ports["tls" if phase == "implicit" else "smtp"], number)
    if phase == "implicit":
        s.sendall(HELLO)
        return s
    reply(s)
    if phase == "line":
        s.sendall(b"EH")
    elif phase == "handshake":
        ask(s, b"EHLO x")
        assert ask(s, b"STARTTLS").startswith(b"220")
        s.sendall(HELLO)
    elif phase in ("data", "chunk"):
        ask(s, b"EHLO x")
        ask(s, b"MAIL FROM:<a@clinic.example>")
        ask(s, b"RCPT TO:<b@there.example>")
        if phase == "data":
            assert ask(s, b"DATA").startswith(b"354")
        else:
            s.sendall(b"BDAT 1000000\r\n")
        s.sendall(b"Subj")
    return s


PHASES = ("banner", "line", "handshake", "implicit", "data", "chunk")


def whole_transaction(port, number):
    started = time.monotonic()
    s = dial(port, number)
    reply(s)
    ask(s, b"EHLO honest")
    ask(s, b"MAIL FROM:<a@clinic.example>")
    ask(s, b"RCPT TO:<b@there.example>")
    ask(s, b"DATA")
    s.sendall(MESSAGE)
    assert reply(s).startswith(b"250")
    s.close()
    return time.monotonic() - started


def test_SI_12_slow_clients_in_every_phase(gate):
    slow = [slow_in(PHASES[i % len(PHASES)], gate, 1000 + i // 10)
            for i in range(SLOW)]
    try:
        took = []
        for i in range(100):
            for s in slow[i::100]:
                s.send(b"\x00" if slow.index(s) % len(PHASES) in (2, 3)
                       else b"x")
            took.append(whole_transaction(gate.ports["smtp"], i))
        assert sorted(took)[98] < 1
        # and what they said so far counts: the line goes on where it stopped
        s = slow_in("line", gate, 3000)
        time.sleep(0.2)
        s.sendall(b"L")
        time.sleep(0.2)
        assert ask(s, b"O x").startswith(b"250")
        s = slow_in("data", gate, 3001)
        time.sleep(0.2)
        s.sendall(b"ect: x\r\n\r\n.")
        time.sleep(0.2)
        s.sendall(b".dot\r\n.")
        time.sleep(0.2)
        assert ask(s, b"").startswith(b"250")
    finally:
        for s in slow:
            s.close()


def test_TLS_of_a_client_that_holds_back_small_packets(gate):
    """Without TCP_NODELAY on its side a client must not wait 40 ms for our
    acknowledgement of its Finished."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    took = []
    for i in range(9):
        s = dial(gate.ports["smtp"], 4000 + i)
        reply(s)
        ask(s, b"EHLO x")
        ask(s, b"STARTTLS")
        started = time.monotonic()
        s = context.wrap_socket(s)
        ask(s, b"EHLO x")
        took.append(time.monotonic() - started)
        s.close()
    assert sorted(took)[4] < 0.035


def test_idle_sessions_cost_little(gate):
    def resident_kb():
        pids = subprocess.run(["pgrep", "-P", str(gate.process.pid)],
                              capture_output=True, text=True,
                              check=True).stdout.split()
        for pid in pids:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8") as f:
                if "intake" not in f.read():
                    continue
            with open(f"/proc/{pid}/status", encoding="utf-8") as f:
                return int([line.split()[1] for line in f
                            if line.startswith("VmRSS")][0])
        raise AssertionError("no intake")

    def idle(i):
        wire = Wire(gate.ports["smtp"])
        wire.socket.close()
        wire.socket = dial(gate.ports["smtp"], 5000 + i // 10)
        wire.greet(secure=True)
        return wire

    warm = [idle(i) for i in range(50)]
    time.sleep(0.5)
    before = resident_kb()
    many = [idle(100 + i) for i in range(400)]
    time.sleep(0.5)
    assert (resident_kb() - before) / len(many) < 40
    assert many[7].code(b"NOOP") == 250
    for wire in warm + many:
        wire.close()


@pytest.mark.parametrize("phase", PHASES)
def test_SI_12_each_phase_has_an_end(tmp_path, phase):
    with Gate(tmp_path / "g", CONFIG % ("1s", "1s"),
              ("smtp", "hasty", "tls")) as hasty:
        s = slow_in(phase, hasty, 1)
        started = time.monotonic()
        got = b""
        try:
            while time.monotonic() - started < 10:
                s.settimeout(0.2)
                try:
                    more = s.recv(4096)
                    if not more:
                        break
                    got += more
                except TimeoutError:
                    if phase in ("line", "handshake", "implicit"):
                        s.send(b"\x00" if phase != "line" else b"x")
        except ConnectionError:
            pass
        assert time.monotonic() - started < 5
        if phase not in ("handshake", "implicit"):
            assert b"421 4.4.2" in got
        s.close()

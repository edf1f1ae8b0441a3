# SPDX-License-Identifier: Apache-2.0
"""Fixed next hops: a smarthost we log in to, on STARTTLS and on port 465.
Whatever it does, nothing goes there without TLS, without proof, or without
the login; and the password is nowhere to be read."""

import base64
import os
import ssl
from pathlib import Path

import pytest

from dispatch_gate import MAIL, Gate, certificates
from dns_tree import DnsTree
from exim_relay import Relay
from lone_gate import free_port
from smtp_peer import CLOSE, EHLO, Peer

USER_NAME, SECRET = "gate", "s3cret horse-battery"
RULES = ('rule "all" { floor verified  ladder tls portal  switch-after 1h }\n'
         "log { level debug }\n")
PORTAL = "portal { url https://mail.clinic.example  listen 127.0.0.1:%d }\n"
HOP = "127.0.4.1"


class World:
    """A name tree with relay.example in it, and its certificates."""

    def __init__(self, directory):
        self.ca, self.make = certificates(directory)
        self.good = self.make("relay.example", ["relay.example"])
        self.wrong = self.make("wrong", ["other.example"])
        self.dns = DnsTree(str(directory), free_port(),
                           "relay.example. A %s\n" % HOP).start()

    def context(self, cert):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(cert[0], cert[1])
        return c


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    w = World(tmp_path_factory.mktemp("routes"))
    yield w
    w.dns.stop()


class Smarthost(Peer):
    """Wants a login: AUTH is offered inside TLS alone."""

    def __init__(self, context, mechanisms="PLAIN LOGIN", verdict=None,
                 port=0, **more):
        self.logins, self.verdict = [], verdict
        answers = {"AUTH": self.login, "MAIL": self.mail}
        answers.update(more.pop("answers", {}))
        words = lambda s: EHLO + (["AUTH " + mechanisms]
                                  if s.tls and mechanisms else [])
        super().__init__(HOP, port, context=context, ehlo=words,
                         answers=answers, **more)

    def login(self, session):
        words = session.commands[-1].split(" ")
        if words[1] == "PLAIN":
            text = words[2]
            got = base64.b64decode(text).decode().split("\0")[1:]
        else:
            session.send(b"334 VXNlcm5hbWU6\r\n")
            got = [base64.b64decode(session.line()).decode()]
            session.send(b"334 UGFzc3dvcmQ6\r\n")
            text = session.line().decode()
            got.append(base64.b64decode(text).decode())
        self.logins.append((session.tls, words[1], *got))
        verdict = self.verdict and self.verdict(text)
        session.known = verdict is None and got == [USER_NAME, SECRET]
        return verdict or (b"235 2.7.0 welcome\r\n" if session.known else
                           b"535 5.7.8 no\r\n")

    @staticmethod
    def mail(session):
        if not getattr(session, "known", False):
            return b"530 5.7.0 log in first\r\n"
        return None


@pytest.fixture
def gate(world, tmp_path):
    """make(port, ...) starts a gate whose mail all goes to that port."""
    made = []

    def make(port, rules=RULES, options="", **settings):
        portal = PORTAL % free_port()
        gate = Gate(tmp_path / "gate", portal + rules, dns=world.dns,
                    ca=world.ca, **settings)
        with open(gate.config) as f:
            lines = f.read().count("\n")
        gate.line = lines + 1
        with open(gate.config, "a") as f:
            f.write("route * { to relay.example:%d  auth %s relay.secret  %s }"
                    "\n" % (port, USER_NAME, options))
        secret = os.path.join(gate.dir, "relay.secret")
        with open(secret, "w") as f:
            f.write(SECRET + "\n")
        os.chmod(secret, 0o600)
        made.append(gate.start())
        return gate

    yield make
    for one in made:
        no_secret_in_sight(one)
        one.stop()


def no_secret_in_sight(gate):
    forms = [SECRET.encode(), base64.b64encode(SECRET.encode()),
             base64.b64encode(("\0%s\0%s" % (USER_NAME, SECRET)).encode())]
    places = [gate.log, "/proc/%d/cmdline" % gate.process.pid,
              "/proc/%d/environ" % gate.process.pid]
    places += [p for p in (Path(gate.dir) / "data").rglob("*") if p.is_file()]
    for place in places:
        content = Path(place).read_bytes()
        for form in forms:
            assert form not in content, place


def waits(gate, peer, mid, words):
    """Queued, told why, and nothing of the message left the house."""
    row = gate.tried(mid, 1, 40)[0]
    assert row["state"] == "queued" and row["method"] in (None, "", "tls"), row
    told = str(gate.attempts(mid)[-1]) + str(row)
    assert words in told, told
    assert peer.said("MAIL") == [] and peer.mails == []


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_route_logs_in(world, gate, mechanism):
    hop = Smarthost(world.context(world.good), mechanism)
    g = gate(hop.port)
    for _ in range(3):
        row = g.final(g.send("you@there.example"), 40)[0]
        assert row["state"] == "delivered" and row["method"] == "tls"
    assert [m.data for m in hop.mails] == [MAIL] * 3
    assert all(m.tls for m in hop.mails)
    # one login for the connection they shared
    assert hop.logins == [(True, mechanism, USER_NAME, SECRET)]


@pytest.mark.parametrize("reply, words", [
    (b"535 5.7.8 bad credentials\r\n", "refuses our account (535)"),
    (b"454 4.7.0 directory is down\r\n", "cannot check our account now (454)"),
    (b"334 \r\n", "refuses our account (334)")],
    ids=["535", "454", "334"])
def test_route_login_refused_waits_for_us(world, gate, reply, words):
    hop = Smarthost(world.context(world.good), verdict=lambda text: reply)
    g = gate(hop.port)
    mid = g.send("you@there.example")
    waits(g, hop, mid, "route on line %d: relay.example %s" % (g.line, words))
    hop.verdict = None
    assert g.final(mid, 40)[0]["state"] == "delivered"
    assert len(hop.mails) == 1


def test_route_login_reply_is_not_repeated(world, gate):
    """A server that echoes what it got does not get it into our records."""
    hop = Smarthost(world.context(world.good), verdict=lambda text: (
        "535 5.7.8 %s %s\r\n" % (text, SECRET)).encode())
    g = gate(hop.port)
    waits(g, hop, g.send("you@there.example"), "refuses our account")


def test_route_hangs_up_in_the_login(world, gate):
    hop = Smarthost(world.context(world.good),
                    answers={"AUTH": lambda s: CLOSE})
    g = gate(hop.port)
    waits(g, hop, g.send("you@there.example"),
          "route on line %d: relay.example at our login" % g.line)


@pytest.mark.parametrize("floor", ["open", "verified"])
@pytest.mark.parametrize("fault", ["no starttls", "refused", "other name",
                                   "no auth"])
def test_route_never_logs_in_unproven(world, gate, floor, fault):
    cert = world.wrong if fault == "other name" else world.good
    hop = Smarthost(
        world.context(cert), None if fault == "no auth" else "PLAIN",
        offers_tls=fault != "no starttls",
        answers={"STARTTLS": b"454 4.7.0 not now\r\n"}
        if fault == "refused" else {})
    rules = ('rule "all" { floor %s  ladder tls  switch-after 1h }\n'
             % floor)
    g = gate(hop.port, rules)
    words = {"no starttls": "offers no STARTTLS", "refused": "not now",
             "other name": "", "no auth": "offers neither AUTH"}[fault]
    waits(g, hop, g.send("you@there.example"), words)
    assert hop.logins == [] and hop.said("AUTH") == []


@pytest.mark.parametrize("port", [0, 465])
def test_route_tls_from_the_first_octet(world, gate, port):
    if port == 465 and os.geteuid() != 0:
        port = 0
    hop = Smarthost(world.context(world.good), implicit_tls=True, port=port)
    g = gate(hop.port, options="" if port else "tls implicit")
    row = g.final(g.send("you@there.example"), 40)[0]
    assert row["state"] == "delivered" and hop.mails[0].tls
    assert hop.logins == [(True, "PLAIN", USER_NAME, SECRET)]
    assert hop.said("STARTTLS") == []


def test_route_carries_the_portals_notices(world, gate):
    """The look whether the way to the reader is in clear logs in as well, and
    only to the proven smarthost."""
    hop = Smarthost(world.context(world.good))
    g = gate(hop.port, 'rule "all" { floor sealed  ladder portal }\n')
    row = g.final(g.send("you@there.example"), 40)[0]
    assert row["state"] == "deposited"
    notice = hop.wait_mails(1)[0]
    assert b"https://mail.clinic.example/p/" in notice.data
    assert "pin" not in notice.data.decode().lower().split()
    assert b"One line" not in notice.data and notice.tls
    assert g.sql("SELECT needs_pin FROM pickup") == [{"needs_pin": 0}]


def test_route_tls_from_the_first_octet_is_proven_too(world, gate):
    hop = Smarthost(world.context(world.wrong), implicit_tls=True)
    g = gate(hop.port, options="tls implicit")
    waits(g, hop, g.send("you@there.example"), "")
    assert hop.logins == []


AUTHENTICATORS = """\
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{%s}}{eq{$auth3}{%s}}}}
  server_set_id = $auth2
""" % (USER_NAME, SECRET)


@pytest.fixture
def exim(world, tmp_path):
    relay = Relay(
        tmp_path / "exim", HOP, world.good[:2],
        receive="accept authenticated = *\n  deny message = log in first",
        options="auth_advertise_hosts = ${if def:tls_in_cipher{*}{}}",
        authenticators=AUTHENTICATORS).start()
    yield relay
    relay.stop()


@pytest.mark.parametrize("way", ["starttls", "implicit"])
def test_route_through_a_real_smarthost(world, gate, exim, way):
    g = gate(exim.ports[way == "implicit"],
             options="tls implicit" if way == "implicit" else "")
    mid = g.send(["you@there.example", "ann@elsewhere.example"])
    assert {r["state"] for r in g.final(mid, 40)} == {"delivered"}
    text = MAIL.split(b"\r\n\r\n")[1].replace(b"\r\n", b"\n")
    assert text in exim.mails(1)[0]
    assert "A=plain:gate" in exim.log() and "X=TLS1.3" in exim.log()


def test_route_real_smarthost_refuses_the_password(world, gate, exim):
    g = gate(exim.ports[0])
    g.stop()
    with open(os.path.join(g.dir, "relay.secret"), "w") as f:
        f.write("not this one\n")
    g.start()
    mid = g.send("you@there.example")
    row = g.tried(mid, 1, 40)[0]
    assert row["state"] == "queued"
    assert "refuses our account (535)" in str(g.attempts(mid)[-1]) + str(row)

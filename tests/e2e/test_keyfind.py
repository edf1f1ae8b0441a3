# SPDX-License-Identifier: Apache-2.0
"""Published keys, looked for where servers are hostile, broken or silent:
what is not there, what cannot be asked, and what must not be used differ."""

import http.server
import json
import socket
import ssl
import subprocess
import threading
import time

import pytest

from dispatch_gate import certificates
from dns_tree import DnsTree
from tests.e2e.lone_gate import POSTSEAL, Gate, free_port
from tests.e2e.sealed_keys import Pgp, Smime
from tests.practice.keys import smimea_label, wkd_hash

CONFIG = """
listen 127.0.0.1:{smtp} {{ accept-from 127.0.0.0/8 }}
dns {{ resolver 127.0.0.1@%(dns)d  trust-anchor %(anchor)s }}
delivery {{ ca %(ca)s  wkd-port %(port)s }}
"""
# A name of its own for each kind of server; all have an advanced place, but
# for direct.example.
ADVANCED = ("good", "huge", "endless", "slow", "moved", "broken", "nothing",
            "empty")
CHANCE = 60  # seconds that a busy machine may take


class Server:
    """A Web Key Directory with every bad habit, by host name."""

    def __init__(self, chain, inside):
        server = self
        self.keys, self.asked, self.inside = {}, [], inside
        self.sent = 0  # of the endless answer
        self.over = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 60

            def do_GET(self):  # pylint: disable=invalid-name
                host = self.headers["Host"].split(":")[0]
                server.asked.append(host)
                kind = host.split(".")[-2]
                try:
                    getattr(server, kind, server.plain)(self, host)
                except OSError:
                    pass  # the client has had enough

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*chain)
        self.http.socket = context.wrap_socket(self.http.socket,
                                               server_side=True)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def head(self, request, code, *fields):
        request.send_response(code)
        for name, value in fields:
            request.send_header(name, value)
        request.end_headers()
        request.close_connection = True

    def plain(self, request, host):
        octets = self.keys.get(host + request.path.split("?")[0])
        self.head(request, 404 if octets is None else 200)
        request.wfile.write(octets or b"")

    def huge(self, request, _host):
        self.head(request, 200, ("Content-Length", str(1 << 33)))
        request.wfile.write(b"\x99" * 65536)

    def endless(self, request, _host):
        self.head(request, 200)
        while not self.over.is_set():
            request.wfile.write(b"\x99" * 65536)
            self.sent += 65536

    def slow(self, request, _host):
        self.head(request, 200)
        while not self.over.wait(0.2):
            request.wfile.write(b"\x99")

    def moved(self, request, _host):
        self.head(request, 302, ("Location",
                                 f"https://127.0.0.1:{self.inside}/"))

    def broken(self, request, _host):
        self.head(request, 503)

    def empty(self, request, _host):
        self.head(request, 200)

    def close(self):
        self.over.set()
        self.http.shutdown()
        self.http.server_close()


class World:
    def __init__(self, folder):
        self.folder = folder
        ca, make = certificates(folder)
        names = [f"openpgpkey.{n}.example" for n in ADVANCED]
        chain = make("wkd", names + [
            f"{n}.example" for n in ("direct", "broken", "nothing", "half")])
        self.canary = socket.create_server(("127.0.0.1", 0))
        self.server = Server(chain[:2], self.canary.getsockname()[1])
        self.smime = Smime(folder)
        self.smime.make("dora@good.example", "prime256v1")
        der = self.smime.der("dora@good.example").hex()
        lines = "".join(f"{n}. A 127.0.0.1\n" for n in names)
        # Whoever asks the direct place of these has broken the rule.
        lines += "".join(f"{n}.example. A 127.0.0.1\n" for n in (
            "direct", "broken", "nothing", "half"))
        lines += "openpgpkey.half.example. CNAME a.servfail.example.\n"
        lines += "openpgpkey.inside.example. A 10.0.0.1\n"
        lines += "openpgpkey.liar.example. A 127.0.0.1\n"  # certificate: none
        for who, head in (("dora", "3 0 0"), ("digest", "3 0 1"),
                          ("chain", "1 0 0"), ("authority", "2 0 0")):
            lines += f"{smimea_label(who)}.good.example. SMIMEA {head} " + (
                "ab" * 32 if head == "3 0 1" else der) + "\n"
        for i in range(200):
            lines += f"{smimea_label('many')}.good.example. SMIMEA 3 0 1 " + (
                f"{i:064x}\n")
        insecure = f"{smimea_label('dora')} SMIMEA 3 0 0 {der}\n"
        self.dns = DnsTree(str(folder), free_port(), lines, insecure)
        with open(self.dns.dir + "/bogus.zone", "a", encoding="ascii") as f:
            f.write(insecure)
        self.dns.start()
        self.gates = {port: Gate(folder / f"gate{i}", CONFIG % {
            "dns": self.dns.port, "anchor": self.dns.anchor, "ca": ca,
            "port": port}) for i, port in enumerate((self.server.port, 443))}

    def discover(self, address, *words, port=None):
        """Exit code, keys, words."""
        gate = self.gates[port or self.server.port]
        done = subprocess.run(
            [POSTSEAL, "key", "discover", address, "--json", "-c", gate.config,
             *words], capture_output=True, text=True, check=False,
            timeout=2 * CHANCE)
        keys = json.loads(done.stdout) if done.stdout else []
        return done.returncode, keys, done.stderr

    def close(self):
        self.server.close()
        self.canary.close()
        self.dns.stop()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("keyfind"))
    yield made
    made.close()


def place(domain, local):
    return (f"openpgpkey.{domain}/.well-known/openpgpkey/{domain}/hu/"
            + wkd_hash(local))


def test_CM_06_only_the_key_that_names_the_address(world):
    pgp = Pgp()
    try:
        pgp.make("alice@good.example", "ed25519", "cv25519")
        pgp.make("mallory@good.example", "ed25519", "cv25519")
        alice, mallory = (pgp.gpg("--export", n + "@good.example")
                          for n in ("alice", "mallory"))
    finally:
        pgp.close()
    world.server.keys[place("good.example", "alice")] = alice
    world.server.keys[place("good.example", "bob")] = mallory
    code, keys, _ = world.discover("alice@good.example")
    assert code == 0
    assert [(k["source"], k["state"]) for k in keys] == [("wkd", "candidate")]
    # The wrong one beside the right one: only the right one.
    world.server.keys[place("good.example", "alice")] = mallory + alice
    code, again, _ = world.discover("alice@good.example")
    assert code == 0 and [k["fingerprint"] for k in again] == [
        keys[0]["fingerprint"]]
    code, keys, words = world.discover("bob@good.example")
    assert (code, keys) == (1, [])
    assert "no key in it names bob@good.example" in words


def test_direct_place_only_where_there_is_no_other_name(world):
    for name, place_asked in (("direct", "direct.example"),
                              ("nothing", "openpgpkey.nothing.example")):
        world.server.asked.clear()
        code, keys, words = world.discover(f"a@{name}.example")
        assert (code, keys) == (1, []), words
        assert world.server.asked == [place_asked]
    # The name may be there: nobody could say. Not "no such name".
    world.server.asked.clear()
    world.server.keys["half.example/.well-known/openpgpkey/hu/" +
                      wkd_hash("a")] = b"\x99"
    _, keys, words = world.discover("a@half.example", "--timeout", "10s")
    assert keys == [] and "SERVFAIL" in words, words
    assert world.server.asked == []


@pytest.mark.parametrize("kind, words", [
    ("huge", "file size"), ("broken", "HTTP status 503"),
    ("moved", "HTTP status 302"), ("liar", "certificate")])
def test_bad_servers_are_faults_and_no_keys(world, kind, words):
    code, keys, said = world.discover(f"a@{kind}.example")
    assert (code, keys) == (1, []) and words in said, said
    world.canary.settimeout(0.2)
    with pytest.raises(TimeoutError):
        world.canary.accept()


def test_an_endless_answer_is_cut_off(world):
    world.server.sent = 0
    code, keys, words = world.discover("b@endless.example")
    assert (code, keys) == (1, []) and "wkd: " in words
    # The limit, and what sockets hold.
    assert world.server.sent < 32 << 20


def test_an_empty_answer_is_no_key(world):
    code, keys, _ = world.discover("a@empty.example")
    assert (code, keys) == (1, [])


def test_slow_servers_have_an_end(world):
    began = time.monotonic()
    code, keys, words = world.discover("a@slow.example", "--timeout", "3s")
    assert (code, keys) == (1, []) and "wkd: " in words
    assert time.monotonic() - began < CHANCE


def test_no_door_inside_is_knocked_at(world):
    _, keys, words = world.discover("a@inside.example", port=443)
    assert keys == [] and "private address" in words
    _, keys, words = world.discover("a@good.example", port=443)
    assert keys == [] and "private address" in words


def test_SMIMEA_is_used_when_signed_and_whole(world):
    code, keys, words = world.discover("dora@good.example")
    assert code == 0, words
    assert [(k["source"], k["kind"]) for k in keys] == [("smimea", "smime")]
    for who in ("digest", "chain", "authority", "many"):
        code, keys, words = world.discover(who + "@good.example")
        assert (code, keys) == (1, []), who
        assert words.count("does not hold the certificate") == 1, words


def test_SMIMEA_without_a_proof_is_not_used(world):
    code, keys, words = world.discover("dora@insecure.example")
    assert (code, keys) == (1, []) and "not signed" in words
    for domain in ("bogus.example", "servfail.example"):
        code, keys, words = world.discover("dora@" + domain)
        # Not "there is none": nobody could say.
        assert (code, keys) == (4, []), words

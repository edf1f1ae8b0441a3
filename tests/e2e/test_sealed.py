# SPDX-License-Identifier: Apache-2.0
"""Messages locked to their readers' keys: twelve kinds of keys by eight shapes
of mail, read by programs that are not ours; each octet as it was sent."""

import base64
import email
import http.server
import json
import os
import re
import signal
import sqlite3
import ssl
import threading
import time
import uuid
from pathlib import Path

import pytest

from dispatch_gate import certificates
from dns_tree import DnsTree
from smtp_peer import Peer
from test_dispatch_dkim import NAMES, by_opendkim
from tests.e2e.lone_gate import POSTSEAL, Gate, free_port
from tests.e2e.sealed_keys import Pgp, Smime, run, with_unknown_subkey
from tests.e2e.wire import Wire
from tests.practice.keys import smimea_label, wkd_hash

CONFIG = """
listen 127.0.0.1:{smtp} {{ accept-from 127.0.0.0/8 }}
portal {{ url https://localhost:{https}  listen 127.0.0.1:{https}
         from portal@clinic.example }}
dns {{ resolver 127.0.0.1@%(dns)d  trust-anchor %(anchor)s }}
delivery {{ retry 1s  ca %(ca)s  wkd-port %(wkd)d }}
dkim {{ domain clinic.example  selector s  key %(dkim)s }}
recipient hidden@pgp.example {{ hide-key-ids  header-protection no }}
rule "pgp" {{ when to matches *@pgp.example
             floor sealed  ladder pgp portal  clear-path code }}
rule "smime" {{ when to matches *@smime.example
               floor sealed  ladder smime portal  clear-path code }}
rule "found" {{ when to matches *@found.example or to matches *@insecure.example
               floor sealed  ladder pgp smime portal  keys candidates
               clear-path code }}
rule "careful" {{ when to matches *@careful.example
                 floor sealed  ladder pgp portal  clear-path code }}
rule "only" {{ when to matches *@only.example  floor sealed  ladder pgp }}
rule "rest" {{ floor open  ladder tls }}
route only.example {{ to 127.0.0.1:%(closed)d  floor open }}
route * {{ to 127.0.0.1:%(peer)d  floor open }}
"""

PGP_KINDS = {
    "rsa2048": ("rsa2048", "rsa2048"), "rsa3072": ("rsa3072", "rsa3072"),
    "rsa4096": ("rsa4096", "rsa4096"), "p256": ("nistp256", "nistp256"),
    "p384": ("nistp384", "nistp384"), "curve25519": ("ed25519", "cv25519"),
    "several": ("ed25519", "cv25519", "nistp256", "rsa2048"),
    "hidden": ("ed25519", "cv25519"), "unknown": ("ed25519", "cv25519"),
}
READERS = {"hidden": ("gpg",)}  # the others want to be told the key
SMIME_KINDS = {"rsa2048": "rsa2048", "rsa3072": "rsa3072",
               "rsa4096": "rsa4096", "p256": "prime256v1",
               "p384": "secp384r1"}

HEAD = (b"From: Ann <ann@clinic.example>\r\nTo: reader@x.example\r\n"
        b"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
        b"MIME-Version: 1.0\r\n")
PARTS = (b"--b\r\nContent-Type: text/plain\r\n\r\nSee attached.\r\n"
         b"--b\r\nContent-Type: application/octet-stream; name=x\r\n"
         b"Content-Transfer-Encoding: base64\r\n\r\nAAECAwQF\r\n--b--\r\n")
SHAPES = {
    "plain": (b"Content-Type: text/plain\r\n", b"Dear reader,\r\nfine.\r\n"),
    "utf-8": (b"Content-Type: text/plain; charset=utf-8\r\n"
              b"Content-Transfer-Encoding: 8bit\r\n",
              "Prüfbefund: α β\r\n".encode()),
    "html": (b"Content-Type: multipart/alternative; boundary=b\r\n",
             PARTS.replace(b"application/octet-stream; name=x",
                           b"text/html; charset=utf-8")),
    "attachment": (b"Content-Type: multipart/mixed;\r\n boundary=\"b\"\r\n",
                   PARTS),
    "flowed": (b"Content-Type: text/plain; format=flowed; delsp=yes\r\n",
               b"A line that  \r\ngoes on \r\n \r\n> quoted \r\n-- \r\nAnn\r\n"),
    "iso-2022-jp": (b"Content-Type: text/plain; charset=iso-2022-jp\r\n",
                    "検査結果\r\n".encode("iso-2022-jp")),
    "signed": (b"Content-Type: multipart/signed; micalg=pgp-sha256;\r\n"
               b"\tprotocol=\"application/pgp-signature\"; boundary=b\r\n",
               PARTS),
    "gb18030": (b"Content-Type: text/plain; charset=gb18030\r\n"
                b"Content-Transfer-Encoding: 8bit\r\n",
                "检查结果正常 €\r\n".encode("gb18030")),
    "koi8-r": (b"Content-Type: text/plain; charset=koi8-r\r\n"
               b"Content-Transfer-Encoding: 8bit\r\n",
               "Всё в порядке\r\n".encode("koi8-r")),
    "unlabelled": (b"Content-Type: text/plain\r\n",
                   "Alles in Ordnung, früher als gehofft".encode() + b"\r\n"),
    "inline picture": (b"Content-Type: multipart/related; boundary=b\r\n",
                       PARTS.replace(b"application/octet-stream; name=x",
                                     b"image/png\r\nContent-ID: <p@x>\r\n"
                                     b"Content-Disposition: inline")),
    "odd ends": (b"Content-Type: text/plain\r\n",
                 b"From the start\r\n.dot\r\n..dots\r\n\ttab \t\r\n\r\n\r\n"),
}


class Directory(threading.Thread):
    """A Web Key Directory over HTTPS."""

    def __init__(self, chain):
        super().__init__(daemon=True)
        keys, asked = {}, []
        self.keys, self.asked = keys, asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                name = self.headers["Host"].split(":")[0] + self.path
                asked.append(name)
                octets = keys.get(name.split("?")[0])
                self.send_response(404 if octets is None else 200)
                self.send_header("Content-Length", str(len(octets or b"")))
                self.end_headers()
                self.wfile.write(octets or b"")

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*chain)
        self.server.socket = context.wrap_socket(self.server.socket,
                                                 server_side=True)
        self.port = self.server.server_address[1]
        self.start()

    def run(self):
        self.server.serve_forever()


class World:
    def __init__(self, folder):
        self.folder = folder
        self.pgp, self.smime = Pgp(), Smime(folder)
        ca, make = certificates(folder)
        cert = make("wkd", ["openpgpkey.found.example", "careful.example",
                            "openpgpkey.insecure.example"])
        self.directory = Directory(cert[:2])
        self.smime.make("dora@found.example", "prime256v1")
        self.smime.make("dora2@insecure.example", "prime256v1")
        lines = "".join(f"{n}. A 127.0.0.1\n" for n in (
            "openpgpkey.found.example", "careful.example"))
        lines += "%s.found.example. SMIMEA 3 0 0 %s\n" % (
            smimea_label("dora"), self.smime.der("dora@found.example").hex())
        insecure = "%s SMIMEA 3 0 0 %s\n" % (
            smimea_label("dora2"),
            self.smime.der("dora2@insecure.example").hex())
        self.dns = DnsTree(str(folder), free_port(), lines, insecure)
        self.dns.start()
        self.peer = Peer()
        self.closed = free_port()
        self.dkim = folder / "dkim.key"
        run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt",
            "rsa_keygen_bits:2048", "-out", self.dkim)
        self.dkim.chmod(0o400)
        self.gate = Gate(folder / "gate", CONFIG % {
            "dns": self.dns.port, "anchor": self.dns.anchor, "ca": ca,
            "wkd": self.directory.port, "peer": self.peer.port,
            "closed": self.closed, "dkim": self.dkim}, ("smtp", "https"))
        self.gate.start()

    def command(self, *words, check=True, stdin=""):
        return self.gate.postseal(*words, "-c", self.gate.config, check=check,
                                  stdin=stdin)

    def take_in(self, name, octets, *words):
        path = self.folder / name
        path.write_bytes(octets)
        return json.loads(self.command("key", "import", path, "--json", *words))

    def send(self, to, text=b"hello\r\n", head=b"", sender=None):
        """Returns what was handed in; the subject names it."""
        to = [to] if isinstance(to, str) else to
        subject = "secret " + uuid.uuid4().hex
        mail = (HEAD + b"Subject: " + subject.encode() + b"\r\n" + head +
                b"\r\n" + text)
        wire = Wire(self.gate.ports["smtp"]).greet()
        wire.ask(b"MAIL FROM:<%s> BODY=8BITMIME"
                 % (sender or "ann@clinic.example").encode())
        for one in to:
            assert wire.code(b"RCPT TO:<%s>" % one.encode()) == 250
        assert wire.code(b"DATA") == 354
        wire.socket.sendall(re.sub(rb"(?m)^\.", b"..", mail) + b".\r\n")
        assert wire.reply()[0] == 250
        wire.close()
        return mail, subject

    def arrived(self, to, since, n=1):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            mails = [m for m in self.peer.mails[since:] if any(
                to in r.decode() if isinstance(r, bytes) else to in r
                for r in m.recipients)]
            if len(mails) >= n:
                return mails[-1]
            time.sleep(0.05)
        raise AssertionError(f"nothing for {to}: {self.gate.log()[-3000:]}")

    def close(self):
        self.gate.stop()
        self.peer.close()
        self.dns.stop()
        self.directory.server.shutdown()
        self.pgp.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("sealed"))
    try:
        for name, parts in PGP_KINDS.items():
            address = name + "@pgp.example"
            made.pgp.make(address, *parts)
            key = made.pgp.public(address)
            if name == "unknown":
                key = with_unknown_subkey(key)
            assert made.take_in("key", key)[0]["state"] == "approved"
        for name, kind in SMIME_KINDS.items():
            address = name + "@smime.example"
            made.smime.make(address, kind)
            made.take_in("certificate", made.smime.certificate(address))
        yield made
    finally:
        made.close()


def armour_of(data):
    return re.search(rb"-----BEGIN PGP MESSAGE-----.*?"
                     rb"-----END PGP MESSAGE-----", data, re.S).group(0)


def inner_of(mail):
    """What must come out at the end of the entity: the body as it was."""
    return mail.partition(b"\r\n\r\n")[2]


def check_outside(got, subject, mail, protected=True):
    outer = email.message_from_bytes(got.data)
    assert outer["From"] == "Ann <ann@clinic.example>"
    if protected:
        assert outer["Subject"] == "[...]"
        assert subject.encode() not in got.data
    for line in inner_of(mail).splitlines():
        assert (len(line) < 8 or line.startswith(b"Content-") or
                line not in got.data)


def check_inside(entity, subject, mail, head, protected=True):
    header, _, body = entity.partition(b"\r\n\r\n")
    assert body == inner_of(mail)
    assert head.splitlines()[0].rstrip(b";") in header
    if protected:
        assert b"Subject: " + subject.encode() in header
        assert b"HP-Outer: Subject: [...]" in header
        assert b"hp=\"cipher\"" in header


@pytest.mark.parametrize("kind", PGP_KINDS)
def test_CM_10_pgp_is_read_by_others(world, kind):
    address = kind + "@pgp.example"
    protected = kind != "hidden"
    for shape, (head, text) in SHAPES.items():
        since = len(world.peer.mails)
        mail, subject = world.send(address, text, head)
        got = world.arrived(address, since)
        check_outside(got, subject, mail, protected)
        for reader in READERS.get(kind, Pgp.readers) if shape in (
                "koi8-r", "odd ends") else ("gpg",):
            entity = world.pgp.read(reader, armour_of(got.data), address)
            check_inside(entity, subject, mail, head, protected)


@pytest.mark.parametrize("kind", SMIME_KINDS)
def test_CM_10_smime_is_read_by_others(world, kind):
    address = kind + "@smime.example"
    for shape, (head, text) in SHAPES.items():
        since = len(world.peer.mails)
        mail, subject = world.send(address, text, head)
        got = world.arrived(address, since)
        check_outside(got, subject, mail)
        der = base64.b64decode(got.text)
        check_inside(world.smime.read_by_openssl(der, address), subject, mail,
                     head)
        # gpgsm crashes while it takes in a key of P-384.
        if shape == "odd ends" and kind in ("rsa2048", "rsa3072"):
            check_inside(world.smime.read_by_gpgsm(der, address), subject,
                         mail, head)
        if kind.startswith("rsa"):
            check_inside(world.smime.read_by_python(der, address), subject,
                         mail, head)


def test_hidden_key_ids(world):
    for name, shown in (("hidden", False), ("curve25519", True)):
        since = len(world.peer.mails)
        world.send(name + "@pgp.example")
        got = world.arrived(name + "@pgp.example", since)
        packets = world.pgp.gpg("--list-packets", data=armour_of(got.data),
                                check=False)
        assert (b"keyid 0000000000000000" in packets) is not shown


def test_CM_05_each_gets_their_own_form(world):
    """PGP, S/MIME, portal and TLS in one message, blind copies among them."""
    people = ["p256@pgp.example", "curve25519@pgp.example",
              "p256@smime.example", "nokey@smime.example", "any@tls.example"]
    since = len(world.peer.mails)
    mail, _ = world.send(people)
    forms = {p: world.arrived(p, since) for p in people}
    assert all(len(m.recipients) == 1 for m in forms.values())
    ids = {p: world.pgp.gpg("--list-packets", data=armour_of(forms[p].data))
           for p in people[:2]}
    assert all(packets.count(b":pubkey enc packet:") == 1
               for packets in ids.values())
    for p in people[:2]:
        assert world.pgp.read_by_gpg(armour_of(forms[p].data), p).endswith(
            b"hello\r\n")
    entity = world.smime.read_by_openssl(
        base64.b64decode(forms[people[2]].text), people[2])
    assert entity.endswith(b"hello\r\n")
    assert b"/p/" in forms[people[3]].data or b"https://localhost" in forms[
        people[3]].data
    assert forms[people[4]].data.endswith(inner_of(mail))


def refused(world, name, octets):
    path = world.folder / name
    path.write_bytes(octets)
    done = run(POSTSEAL, "key", "import", path, "-c", world.gate.config,
               check=False)
    assert done == b""
    keys = json.loads(world.command("key", "list", "--json"))
    return keys


def test_CM_01_CM_02_bad_keys_take_the_next_rung(world):
    """Refused at the door with the reason; the message goes to the portal."""
    world.pgp.make("weak@pgp.example", "rsa1024", "rsa1024")
    world.pgp.make("signs@pgp.example", "ed25519")
    world.pgp.make("old@pgp.example", "ed25519", "cv25519", expires="seconds=1")
    world.smime.make("weak@smime.example", "rsa1024")
    time.sleep(1.5)
    for address, octets in (
            ("weak@pgp.example", world.pgp.public("weak@pgp.example")),
            ("signs@pgp.example", world.pgp.public("signs@pgp.example")),
            ("old@pgp.example", world.pgp.public("old@pgp.example")),
            ("weak@smime.example",
             world.smime.certificate("weak@smime.example"))):
        assert not [k for k in refused(world, "bad", octets)
                    if k["owner"] == address]
        since = len(world.peer.mails)
        world.send(address)
        notice = world.arrived(address, since)
        assert b"hello" not in notice.data
        assert b"localhost" in notice.data


def test_found_keys_are_candidates(world):
    """WKD and SMIMEA: used where the rule says so, nowhere else (CM-06)."""
    world.pgp.make("cara@found.example", "ed25519", "cv25519")
    world.pgp.make("mallory@found.example", "ed25519", "cv25519")
    place = "openpgpkey.found.example/.well-known/openpgpkey/found.example/hu/"
    world.directory.keys[place + wkd_hash("cara")] = world.pgp.gpg(
        "--export", "cara@found.example")
    # An attacker's key in the place of another's.
    world.directory.keys[place + wkd_hash("victim")] = world.pgp.gpg(
        "--export", "mallory@found.example")
    since = len(world.peer.mails)
    world.send(["cara@found.example"])
    got = world.arrived("cara@found.example", since)
    assert world.pgp.read_by_gpg(armour_of(got.data), "").endswith(
        b"hello\r\n")
    world.send("victim@found.example")
    assert b"localhost" in world.arrived("victim@found.example", since).data
    world.send("dora@found.example")
    got = world.arrived("dora@found.example", since)
    assert world.smime.read_by_openssl(
        base64.b64decode(got.text), "dora@found.example").endswith(b"hello\r\n")
    # Not signed: not used.
    world.send("dora2@insecure.example")
    assert b"localhost" in world.arrived("dora2@insecure.example", since).data
    keys = json.loads(world.command("key", "list", "--owner", "found.example",
                                    "--json"))
    assert {(k["owner"], k["source"], k["state"]) for k in keys} == {
        ("cara@found.example", "wkd", "candidate"),
        ("dora@found.example", "smimea", "candidate")}


def test_CM_06_a_candidate_waits_for_approval(world):
    world.pgp.make("eva@careful.example", "ed25519", "cv25519")
    world.directory.keys["careful.example/.well-known/openpgpkey/hu/" +
                         wkd_hash("eva")] = world.pgp.gpg(
                             "--export", "eva@careful.example")
    since = len(world.peer.mails)
    world.send("eva@careful.example")
    assert b"localhost" in world.arrived("eva@careful.example", since).data
    key = json.loads(world.command("key", "list", "--owner",
                                   "eva@careful.example", "--json"))[0]
    assert key["state"] == "candidate"
    world.command("key", "approve", key["fingerprint"], "--why", "by phone")
    since = len(world.peer.mails)
    world.send("eva@careful.example")
    got = world.arrived("eva@careful.example", since)
    assert world.pgp.read_by_gpg(armour_of(got.data), "").endswith(
        b"hello\r\n")
    # Another key takes its place neither by discovery nor in silence.
    world.pgp.gpg("--delete-secret-and-public-key",
                  world.pgp.fingerprint("eva@careful.example").upper())
    world.pgp.make("eva@careful.example", "ed25519", "cv25519")
    world.directory.keys["careful.example/.well-known/openpgpkey/hu/" +
                         wkd_hash("eva")] = world.pgp.gpg(
                             "--export", "eva@careful.example")
    found = json.loads(world.command("key", "discover", "eva@careful.example",
                                     "--json"))
    assert found[0]["news"] == "another than before"
    since = len(world.peer.mails)
    world.send("eva@careful.example")
    got = world.arrived("eva@careful.example", since)
    packets = world.pgp.gpg("--list-packets", data=armour_of(got.data),
                            check=False)
    assert world.pgp.fingerprint("eva@careful.example")[-16:].upper(
    ).encode() not in packets
    shown = json.loads(world.command("key", "show", key["fingerprint"],
                                     "--json"))
    assert [e["what"] for e in shown["history"]] == ["added", "approved"]


def test_signed_by_the_organisation(world):
    world.pgp.make("desk@clinic.example", "ed25519", "cv25519")
    world.smime.make("desk@clinic.example", "rsa2048")
    world.take_in("own.asc", world.pgp.secret("desk@clinic.example"), "--own")
    world.take_in("own.pem", world.smime.own("desk@clinic.example"), "--own")
    since = len(world.peer.mails)
    world.send(["curve25519@pgp.example", "rsa2048@smime.example"],
               sender="desk@clinic.example")
    got = world.arrived("curve25519@pgp.example", since)
    status = world.pgp.gpg("--status-fd", "1", "--decrypt",
                           data=armour_of(got.data)).decode(errors="replace")
    assert "GOODSIG" in status
    got = world.arrived("rsa2048@smime.example", since)
    entity = world.smime.read_by_openssl(base64.b64decode(got.text),
                                         "rsa2048@smime.example")
    assert run("openssl", "cms", "-verify", "-CAfile",
               world.smime.path("desk@clinic.example", ".pem"), "-purpose",
               "any", data=entity).endswith(b"hello\r\n")


def test_CM_07_what_came_locked_is_left_alone(world):
    """Encrypted to the reader already: sealed. Only signed, or with something
    in clear beside it: not."""
    armour = world.pgp.gpg("--encrypt", "--armor", "--trust-model", "always",
                           "-r", "curve25519@pgp.example",
                           data=b"Content-Type: text/plain\r\n\r\nmine\r\n")
    armour = armour.replace(b"\n", b"\r\n")
    head = (b"Content-Type: multipart/encrypted; boundary=b;\r\n"
            b" protocol=\"application/pgp-encrypted\"\r\n")
    text = (b"--b\r\nContent-Type: application/pgp-encrypted\r\n\r\n"
            b"Version: 1\r\n\r\n--b\r\n"
            b"Content-Type: application/octet-stream\r\n\r\n" + armour +
            b"\r\n--b--\r\n")
    since = len(world.peer.mails)
    mail, _ = world.send("curve25519@pgp.example", text, head)
    got = world.arrived("curve25519@pgp.example", since)
    assert got.data.endswith(inner_of(mail))
    assert world.pgp.read_by_gpg(armour_of(got.data), "").endswith(b"mine\r\n")
    for other in (b"in clear\r\n" + text, text + b"in clear\r\n",
                  text.replace(b"Version: 1", b"Patient: Ann")):
        since = len(world.peer.mails)
        world.send("curve25519@pgp.example", other, head)
        got = world.arrived("curve25519@pgp.example", since)
        assert b"in clear" not in got.data and b"Patient" not in got.data
        assert b"mine" not in got.data
    # To somebody else's key it is not sealed for this reader.
    since = len(world.peer.mails)
    world.send("p256@pgp.example", text, head)
    got = world.arrived("p256@pgp.example", since)
    assert armour not in got.data


def test_CM_14_only_the_locked_form_waits(world):
    """While a locked message waits, nothing of ours can open the clear one."""
    world.pgp.make("waits@only.example", "ed25519", "cv25519")
    world.take_in("only.asc", world.pgp.public("waits@only.example"))
    _, subject = world.send("waits@only.example")
    end = time.monotonic() + 60
    while time.monotonic() < end:
        waiting = [d for d in world.gate.queue("queued")
                   if d["recipient"] == "waits@only.example" and d["tries"]]
        if waiting:
            break
        time.sleep(0.1)
    assert waiting, subject
    db = sqlite3.connect(f"file:{world.gate.folder}/data/postseal.db?mode=ro",
                         uri=True)
    body, key, chunks = db.execute(
        "SELECT m.body_id, length(m.body_key), m.body_chunks FROM message m"
        " JOIN delivery d ON d.message_id = m.id WHERE d.recipient = ?",
        ("waits@only.example",)).fetchone()
    assert (body, key, chunks) == ("", 0, 0)
    copies = db.execute("SELECT count(*) FROM sealed s JOIN delivery d ON"
                        " d.id = s.delivery_id WHERE d.recipient = ?",
                        ("waits@only.example",)).fetchone()[0]
    db.close()
    assert copies == 1
    late = Peer(port=world.closed)
    try:
        mails = late.wait_mails(1, 60)
        assert world.pgp.read_by_gpg(armour_of(mails[0].data), "").endswith(
            b"hello\r\n")
    finally:
        late.close()


def test_explain_names_the_key(world):
    shown = json.loads(world.command(
        "explain", "ann@clinic.example", "p256@pgp.example",
        "nokey@smime.example", "--json"))
    assert shown[0]["method"] == "pgp"
    assert any(world.pgp.fingerprint("p256@pgp.example") in fact
               for fact in shown[0]["facts"])
    assert shown[1]["method"] == "portal"
    assert any("key" in line for line in shown[1]["to_change"])


def readers_of(gate):
    """The processes of the sealer that read."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(") ")[2].split()
            name = (entry / "comm").read_text().strip()
        except OSError:
            continue
        parents[int(entry.name)] = (int(fields[1]), name)
    sealers = {pid for pid, (parent, name) in parents.items()
               if parent == gate.process.pid and name == "postseal-sealer"}
    return [pid for pid, (parent, _) in parents.items() if parent in sealers]


def test_a_sealer_that_dies_costs_a_retry(world):
    """Readers are killed again and again under load: each message arrives,
    locked, and nothing else does."""
    since, n = len(world.peer.mails), 30
    assert readers_of(world.gate)
    sent = []
    hand_in = threading.Thread(target=lambda: sent.extend(
        world.send("curve25519@pgp.example")[1] for _ in range(n)))
    hand_in.start()
    killed = 0
    end = time.monotonic() + 4
    while time.monotonic() < end:
        for pid in readers_of(world.gate):
            try:
                os.kill(pid, signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                pass
        time.sleep(0.03)
    hand_in.join()
    assert killed > 5
    world.arrived("curve25519@pgp.example", since, n)
    got = [m for m in world.peer.mails[since:]]
    assert all(b"-----BEGIN PGP MESSAGE-----" in m.data for m in got)
    subjects = [re.search(rb"Subject: (secret \w+)", world.pgp.read_by_gpg(
        armour_of(m.data), "")).group(1).decode() for m in got]
    assert sorted(subjects) == sorted(sent)


def test_the_sealer_has_no_rights(world):
    """Another user, no new privileges, a list of system calls, no socket of
    the network and no file but those it was given."""
    for pid in readers_of(world.gate):
        status = dict(line.split(":\t", 1) for line in Path(
            f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
        if os.geteuid() == 0:
            assert status["Uid"].split()[0] == "61505"
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert "Max address space         unlimited" not in limits


@pytest.mark.parametrize("address", ["p256@pgp.example", "p256@smime.example"])
def test_dkim_stands_over_the_locked_form(world, address, tmp_path):
    dkim = pytest.importorskip("dkim")
    public = base64.b64encode(run("openssl", "pkey", "-in", world.dkim,
                                  "-pubout", "-outform", "DER"))
    since = len(world.peer.mails)
    head, text = SHAPES["odd ends"]
    world.send(address, text, head)
    got = world.arrived(address, since)
    assert dkim.verify(got.data, dnsfunc=lambda *_, **__: b"v=DKIM1; k=rsa; p="
                       + public)
    assert not dkim.verify(got.data.replace(b"[...]", b"[..]"),
                           dnsfunc=lambda *_, **__: b"v=DKIM1; k=rsa; p=" +
                           public)
    record = "v=DKIM1; k=rsa; p=" + public.decode()
    tree = DnsTree(str(tmp_path), 53, "s._domainkey.clinic.example. TXT %s\n"
                   % " ".join(f'"{record[i:i + 200]}"'
                              for i in range(0, len(record), 200)),
                   address=NAMES).start()
    try:
        assert by_opendkim(got.data, tmp_path)
        assert not by_opendkim(got.data.replace(b"[...]", b"[..]"), tmp_path)
    finally:
        tree.stop()


def peak_kb(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", Path(
        f"/proc/{pid}/status").read_text()).group(1))


@pytest.mark.parametrize("address", ["curve25519@pgp.example",
                                     "rsa2048@smime.example"])
def test_a_large_message_streams(world, address):
    """50 MB: neither readers nor dispatch grow by 32 MB."""
    since = len(world.peer.mails)
    world.send(address)
    world.arrived(address, since)
    watched = readers_of(world.gate) + [
        int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and
        (p / "comm").exists() and
        (p / "comm").read_text().startswith("postseal-dispat") and
        f"PPid:\t{world.gate.process.pid}\n" in (p / "status").read_text()]
    before = {}
    for pid in watched:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        before[pid] = peak_kb(pid)
    assert len(before) >= 3
    line = b"One of many lines of a large message, each of them like others.\r\n"
    since = len(world.peer.mails)
    mail, _ = world.send(address, line * ((50 << 20) // len(line)))
    got = world.arrived(address, since)
    assert {pid: peak_kb(pid) - before[pid] for pid in watched
            if peak_kb(pid) - before[pid] > 32 << 10} == {}
    if address.endswith("pgp.example"):
        entity = world.pgp.read_by_gpg(armour_of(got.data), "")
    else:
        entity = world.smime.read_by_openssl(base64.b64decode(got.text),
                                             address)
    assert entity.endswith(inner_of(mail))

# SPDX-License-Identifier: Apache-2.0
"""SO-10: DKIM, RSA and Ed25519 side by side, checked by dkimpy alone and, after
a relay, by three verifiers of different houses; and that memory does not grow
with a message."""

import base64
import os
import re
import subprocess

import pytest

from dispatch_gate import MAIL, Gate, certificates
from dns_tree import DnsTree
from exim_relay import Relay, in_names_of
from smtp_peer import Peer


@pytest.fixture
def keys(tmp_path):
    made = {}
    for name, args in (("rsa", ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
                       ("ed", ["ED25519"])):
        path = tmp_path / (name + ".key")
        subprocess.run(["openssl", "genpkey", "-algorithm", *args, "-out",
                        path], check=True, stderr=subprocess.DEVNULL)
        path.chmod(0o400)
        der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout",
                              "-outform", "DER"], check=True,
                             capture_output=True).stdout
        public = der if name == "rsa" else der[-32:]
        kind = "rsa" if name == "rsa" else "ed25519"
        made[name] = (path, "v=DKIM1; k=%s; p=%s" % (
            kind, base64.b64encode(public).decode()))
    return made


def start(tmp_path, peer, keys):
    return Gate(tmp_path / "gate", "".join(
        "dkim { domain clinic.example  selector %s  key %s }\n" % (n, k[0])
        for n, k in keys.items()) +
        "route there.example { to 127.0.0.1:%d  floor open }\n" % peer.port
    ).start()


@pytest.mark.parametrize("text", [b"One line.\r\n.dotted\r\n", b"",
                                  b"no newline at the end",
                                  b"x \t y  \r\n\r\n\r\n",
                                  b"long line\r\n" * 20000],
                         ids=["short", "empty", "no newline", "blanks",
                              "many frames"])
def test_SO_10_both_signatures_verify(tmp_path, keys, text):
    dkim = pytest.importorskip("dkim")
    peer = Peer()
    gate = start(tmp_path, peer, keys)
    try:
        head = MAIL.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        gate.final(gate.send("a@there.example", head + text))
        data = peer.mails[0].data
        assert data.count(b"DKIM-Signature:") == 2
        assert not re.search(rb"[;\s]l=", data.partition(b"\r\n\r\n")[0])
        verifier = dkim.DKIM(data)

        def txt(name, timeout=5):
            selector = name.decode().split("._domainkey")[0]
            return keys[selector][1].encode()

        for i in range(2):
            assert verifier.verify(idx=i, dnsfunc=txt)
        changed = dkim.DKIM(b"Subject: another\r\n" + data)
        with pytest.raises(dkim.DKIMException):
            if not changed.verify(dnsfunc=txt):
                raise dkim.DKIMException
    finally:
        gate.stop()
        peer.close()


NAMES = "127.0.6.1"  # asked on port 53: C libraries know no other
EXIM_ACL = """\
judge:
  accept logwrite = DKIM $dkim_selector $dkim_algo $dkim_verify_status $dkim_verify_reason
"""


@pytest.fixture
def names(tmp_path, keys):
    """A name server with the keys in it."""
    def quoted(text):
        return " ".join('"%s"' % text[i:i + 200]
                        for i in range(0, len(text), 200))

    if os.geteuid() != 0:
        pytest.skip("port 53 needs root")
    tree = DnsTree(str(tmp_path), 53, "".join(
        "%s._domainkey.clinic.example. TXT %s\n" % (name, quoted(key[1]))
        for name, key in keys.items()), address=NAMES).start()
    yield tree
    tree.stop()


def by_dkimpy(mail, keys):
    dkim = pytest.importorskip("dkim")
    verifier = dkim.DKIM(mail)

    def txt(name, timeout=5):
        return keys[name.decode().split("._domainkey")[0]][1].encode()

    return all(verifier.verify(idx=i, dnsfunc=txt) for i in range(2))


def by_opendkim(mail, folder):
    """One good signature is enough for its exit status to be 0."""
    done = subprocess.run(
        in_names_of(NAMES, folder) + ["opendkim-testmsg", "-C", "-t",
                                      str(folder)],
        input=mail, capture_output=True, check=False, timeout=60)
    return done.returncode == 0 and done.stderr == b""


def alone(mail, selector):
    """The mail with this signature only."""
    fields = re.split(rb"\r\n(?![ \t])", mail.partition(b"\r\n\r\n")[0])
    kept = [f for f in fields if not f.startswith(b"DKIM-Signature:")
            or b"s=%s;" % selector in f]
    assert len(kept) == len(fields) - 1
    return b"\r\n".join(kept) + mail[mail.index(b"\r\n\r\n"):]


def test_SO_10_verifiers_of_three_houses_after_a_relay(tmp_path, keys, names):
    _, make = certificates(tmp_path)
    relay = Relay(tmp_path / "exim", "127.0.6.2",
                  make("relay.example", ["relay.example"])[:2],
                  nameserver=NAMES, options="acl_smtp_dkim = judge",
                  acls=EXIM_ACL).start()
    gate = Gate(tmp_path / "gate", "".join(
        "dkim { domain clinic.example  selector %s  key %s }\n" % (n, k[0])
        for n, k in keys.items()) +
        "route * { to %s:%d  floor open }\n" % (relay.address,
                                                relay.ports[0])).start()
    try:
        assert gate.final(gate.send("a@there.example"),
                          40)[0]["state"] == "delivered"
        mail = relay.mails(1)[0].replace(b"\n", b"\r\n")
        assert mail.count(b"DKIM-Signature:") == 2
        assert mail.startswith(b"Received: ")  # the relay's
        said = [l.split("DKIM ")[1].split() for l in relay.log().split("\n")
                if "DKIM " in l and ("rsa-sha256" in l or "ed25519" in l)]
        assert sorted(s[:3] for s in said if len(s) > 2) == [
            ["ed", "ed25519-sha256", "pass"], ["rsa", "rsa-sha256", "pass"]]
        assert by_dkimpy(mail, keys)
        for selector in (b"rsa", b"ed"):
            assert by_opendkim(alone(mail, selector), tmp_path)
        # and each of them can say no
        forged = mail.replace(b"Subject: hello", b"Subject: hullo")
        assert forged != mail
        assert not by_opendkim(forged, tmp_path)
        with pytest.raises(Exception):
            assert by_dkimpy(forged, keys)
    finally:
        gate.stop()
        relay.stop()


def signed_fields(data):
    header = data.partition(b"\r\n\r\n")[0].replace(b"\r\n\t", b" ")
    header = re.sub(rb"\r\n[ \t]+", b" ", header)
    return [re.sub(rb"\s", b"", h).lower().split(b":")
            for h in re.findall(rb"[;\s]h=([^;]+)", header)]


def test_SO_10_every_field_that_matters_is_over_signed(tmp_path, keys):
    """Once more than it occurs: none can be added without breaking it."""
    peer = Peer()
    gate = start(tmp_path, peer, keys)
    try:
        mail = MAIL.replace(b"Subject:", b"Cc: c@there.example\r\nReply-To: "
                            b"r@clinic.example\r\nSubject:")
        gate.final(gate.send("a@there.example", mail))
        lists = signed_fields(peer.mails[0].data)
        assert len(lists) == 2
        for fields in lists:
            for name in (b"from", b"to", b"cc", b"subject", b"date",
                         b"message-id", b"mime-version", b"content-type",
                         b"reply-to"):
                assert fields.count(name) == 2, (name, fields)
    finally:
        gate.stop()
        peer.close()


def test_SO_10_others_are_not_signed_for(tmp_path, keys):
    peer = Peer()
    gate = start(tmp_path, peer, keys)
    try:
        for author in (b"x@other.example",
                       b"x@other.example\r\nFrom: ann@clinic.example"):
            mail = MAIL.replace(b"Ann <ann@clinic.example>", author)
            gate.final(gate.send("a@there.example", mail))
        assert all(b"DKIM-Signature" not in m.data
                   for m in peer.wait_mails(2))
    finally:
        gate.stop()
        peer.close()


def peak(gate):
    with open("/proc/%d/status" % gate.process.pid) as f:
        return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))


def test_100_MB_grow_the_role_by_less_than_8_MB(tmp_path, keys):
    peer = Peer(ehlo=["PIPELINING", "SIZE 200000000"])
    gate = start(tmp_path, peer, keys)
    try:
        gate.final(gate.send("a@there.example", MAIL))
        before = peak(gate)
        big = MAIL + b"0123456789abcdef" * 6 + b"\r\n"
        big = MAIL + (b"0123456789abcdef" * 4 + b"\r\n") * 1600000
        gate.final(gate.send("b@there.example", big), 120)
        grown = peak(gate) - before
        assert len(peer.mails[1].data) > 100e6
        assert peer.mails[1].data.endswith(big[-1000:])
        assert grown < 8192, grown
    finally:
        gate.stop()
        peer.close()

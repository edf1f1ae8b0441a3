# SPDX-License-Identifier: Apache-2.0
"""SO-10: DKIM, RSA and Ed25519 side by side, checked by dkimpy; and that
memory does not grow with a message."""

import base64
import re
import subprocess

import pytest

from dispatch_gate import MAIL, Gate
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

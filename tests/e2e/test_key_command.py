# SPDX-License-Identifier: Apache-2.0
"""postseal key, as an administrator types it: right, and wrong."""

import json
import subprocess
import time

import pytest

from tests.e2e.lone_gate import POSTSEAL, Gate
from tests.e2e.sealed_keys import Pgp, dearmor, run

CONFIG = "listen 127.0.0.1:{smtp} {{ accept-from 127.0.0.0/8 }}\n"


class Desk:
    def __init__(self, folder):
        self.folder = folder
        self.gate = Gate(folder / "gate", CONFIG)
        self.pgp = Pgp()

    def key(self, *words, stdin=b""):
        """Exit code, what was printed, what was complained of."""
        done = subprocess.run(
            [POSTSEAL, "key", *words, "-c", self.gate.config], input=stdin,
            capture_output=True, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def file(self, name, octets):
        path = self.folder / name
        path.write_bytes(octets)
        return path

    def listed(self, *words):
        return json.loads(self.key("list", "--json", *words)[1])


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    made = Desk(tmp_path_factory.mktemp("desk"))
    yield made
    made.pgp.close()


def test_one_bad_key_does_not_keep_the_others_out(desk):
    desk.pgp.make("good@keys.example", "ed25519", "cv25519")
    desk.pgp.make("weak@keys.example", "rsa1024", "rsa1024")
    both = b"".join(dearmor(desk.pgp.public(a).decode()) for a in (
        "weak@keys.example", "good@keys.example"))
    code, said, words = desk.key("import", desk.file("both", both))
    assert code == 1 and "refused" in words and "fewer than 2048" in words
    assert "good@keys.example" in said and "weak@" not in said
    assert [k["owner"] for k in desk.listed("--owner", "keys.example")] == [
        "good@keys.example"]


def test_a_key_of_two_people_is_named_with_its_owner(desk):
    desk.pgp.make("one@shared.example", "ed25519", "cv25519")
    desk.pgp.gpg("--quick-add-uid", "one@shared.example",
                 "Two <two@shared.example>")
    path = desk.file("shared", desk.pgp.public("one@shared.example"))
    assert desk.key("import", path)[0] == 0
    fingerprint = desk.pgp.fingerprint("one@shared.example")
    code, _, words = desk.key("expire", fingerprint)
    assert code == 1
    assert "one@shared.example, two@shared.example" in words
    assert desk.key("expire", fingerprint, "--for", "Two@shared.example",
                    "--why", "left")[0] == 0
    assert {k["owner"]: k["state"] for k in desk.listed(
        "--owner", "shared.example")} == {
            "one@shared.example": "approved", "two@shared.example": "expired"}
    code, _, words = desk.key("show", fingerprint, "--for", "x@shared.example")
    assert code == 1 and "of x@shared.example" in words


def test_states_are_what_was_said_and_go_on_record(desk):
    desk.pgp.make("state@keys.example", "ed25519", "cv25519")
    path = desk.file("state", desk.pgp.public("state@keys.example"))
    assert desk.key("import", path)[0] == 0
    name = desk.pgp.fingerprint("state@keys.example")[:16]
    for word, state in (("refuse", "refused"), ("approve", "approved"),
                        ("expire", "expired")):
        assert desk.key(word, name, "--why", "said so")[0] == 0
        shown = json.loads(desk.key("show", name, "--json")[1])
        assert shown["state"] == state
        assert shown["history"][-1]["why"] == "said so"
        assert shown["history"][-1]["actor"] != ""
    code, _, words = desk.key("approve", "0123456789abcdef")
    assert code == 1 and "postseal key list" in words


def test_an_ended_key_is_not_approved(desk):
    desk.pgp.make("brief@keys.example", "ed25519", "cv25519",
                  expires="seconds=6")
    path = desk.file("brief", desk.pgp.public("brief@keys.example"))
    assert desk.key("import", path)[0] == 0
    name = desk.pgp.fingerprint("brief@keys.example")
    assert desk.key("approve", name)[0] == 0
    time.sleep(6.5)
    code, _, words = desk.key("approve", name)
    assert code == 1 and "has expired" in words


def test_export_is_what_others_read(desk):
    desk.pgp.make("out@keys.example", "ed25519", "cv25519")
    path = desk.file("out", desk.pgp.public("out@keys.example"))
    assert desk.key("import", path)[0] == 0
    name = desk.pgp.fingerprint("out@keys.example")
    code, text, _ = desk.key("export", name)
    assert code == 0
    shown = run("gpg", "--show-keys", "--with-colons", data=text.encode(),
                env=desk.pgp.env).decode()
    assert name.upper() in shown and "out@keys.example" in shown


@pytest.mark.parametrize("passphrase", ["plain", " blanks around ", "two\twords"])
def test_the_passphrase_is_taken_as_it_is(desk, tmp_path, passphrase):
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
        "9", "-subj", "/CN=desk", "-addext",
        "subjectAltName=email:desk@clinic.example", "-addext",
        "extendedKeyUsage=emailProtection", "-addext",
        "keyUsage=digitalSignature", "-keyout", tmp_path / "k",
        "-out", tmp_path / "c")
    (tmp_path / "pass").write_text(passphrase + "\n")
    run("openssl", "pkcs12", "-export", "-inkey", tmp_path / "k", "-in",
        tmp_path / "c", "-out", tmp_path / "p12", "-passout",
        "file:" + str(tmp_path / "pass"))
    code, _, words = desk.key("import", tmp_path / "p12", "--own",
                              "--passphrase-file", tmp_path / "pass")
    assert code == 0, words
    (tmp_path / "wrong").write_text("x" + passphrase + "\n")
    code, _, words = desk.key("import", tmp_path / "p12", "--own",
                              "--passphrase-file", tmp_path / "wrong")
    assert code == 1 and passphrase not in words


def test_standard_input_is_one_thing(desk):
    code, _, words = desk.key("import", "-", "--own", "--passphrase-file", "-",
                              stdin=b"x")
    assert code == 2 and "standard input" in words

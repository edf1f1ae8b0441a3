# SPDX-License-Identifier: Apache-2.0
"""Readers with keys of their own: an OpenPGP key in a Web Key Directory and an
S/MIME certificate in the DNS. New ones at every start."""

import hashlib
import subprocess
from email import message_from_bytes
from email.policy import default

from tests.practice.domains import OPENPGP_READER, SMIME_READER
from tests.practice.processes import PracticeError

LETTERS = "ybndrfg8ejkmcpqxot1uwisza345h769"


def wkd_hash(local):
    """The name of a key in a Web Key Directory: SHA-1 in z-base-32."""
    octets = hashlib.sha1(local.lower().encode()).digest()
    bits = "".join(f"{o:08b}" for o in octets)
    return "".join(LETTERS[int(bits[i:i + 5], 2)] for i in range(0, 160, 5))


def smimea_label(local):
    """The owner of a reader's SMIMEA records below the domain (RFC 8162, 3)."""
    return hashlib.sha256(local.encode()).hexdigest()[:56] + "._smimecert"


def _run(*words, data=b""):
    done = subprocess.run([str(w) for w in words], input=data,
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise PracticeError(f"{words[0]}: "
                            + done.stderr.decode(errors="replace").strip())
    return done.stdout


class ReaderKeys:
    """The private keys in a folder, what is published, and reading with them."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(mode=0o700)
        self.pgp_file = folder / "openpgp-private.asc"
        self.key_file = folder / "smime-key.pem"
        self.certificate_file = folder / "smime-certificate.pem"
        self.pgp_file.write_bytes(
            _run("sqop", "generate-key", f"Pia <{OPENPGP_READER}>"))
        _run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
             "-days", "397", "-subj", "/CN=Mia", "-addext",
             "subjectAltName=email:" + SMIME_READER, "-addext",
             "keyUsage=critical,digitalSignature,keyEncipherment", "-addext",
             "extendedKeyUsage=emailProtection", "-keyout", self.key_file,
             "-out", self.certificate_file)
        for path in folder.iterdir():
            path.chmod(0o600)

    def wkd(self):
        """Path and octets of the key in the directory of its domain."""
        local, _, domain = OPENPGP_READER.partition("@")
        public = _run("sqop", "extract-cert", "--no-armor",
                      data=self.pgp_file.read_bytes())
        return (f"/.well-known/openpgpkey/{domain}/hu/{wkd_hash(local)}",
                public)

    def smimea(self):
        """Zone, owner below it and data of the record."""
        local, _, domain = SMIME_READER.partition("@")
        der = _run("openssl", "x509", "-in", self.certificate_file, "-outform",
                   "DER")
        return domain, smimea_label(local), f"3 0 0 {der.hex()}"

    def read(self, raw):
        """The octets inside a locked message, as its reader would see them;
        PracticeError when it is not locked to one of them."""
        message = message_from_bytes(raw, policy=default)
        if message.get_content_type() == "multipart/encrypted":
            armour = list(message.iter_parts())[1].get_content()
            return _run("sqop", "decrypt", self.pgp_file, data=armour)
        if message.get_content_type() == "application/pkcs7-mime":
            return _run("openssl", "cms", "-decrypt", "-binary", "-inform",
                        "DER", "-inkey", self.key_file, "-recip",
                        self.certificate_file, data=message.get_content())
        raise PracticeError("the message is not locked: "
                            + message.get_content_type())

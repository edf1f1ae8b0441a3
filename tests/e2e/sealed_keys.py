# SPDX-License-Identifier: Apache-2.0
"""Keys for the tests of locked mail, made by other programs, and readers that
are not ours: gpg, sqop and rnp; openssl, gpgsm and Python's cryptography."""

import base64
import os
import shutil
import subprocess
import tempfile

from asn1crypto import cms
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def run(*words, data=b"", env=None, check=True):
    done = subprocess.run([str(w) for w in words], input=data,
                          capture_output=True, env=env, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"{words}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def dearmor(text):
    body = text.split("\n\n", 1)[1].split("\n=")[0]
    return base64.b64decode(body)


class Pgp:
    """One gpg home with all the people in it."""

    def __init__(self):
        # A path short enough for the agent's socket.
        self.home = tempfile.mkdtemp(prefix="gpg-")
        os.chmod(self.home, 0o700)
        self.env = dict(os.environ, GNUPGHOME=self.home)

    def gpg(self, *words, data=b"", check=True):
        return run("gpg", "--batch", "--quiet", "--yes", "--passphrase", "",
                   "--pinentry-mode", "loopback", *words, data=data,
                   env=self.env, check=check)

    def fingerprint(self, address):
        for line in self.gpg("--list-keys", "--with-colons",
                             address).decode().splitlines():
            if line.startswith("fpr:"):
                return line.split(":")[9].lower()
        raise AssertionError(address)

    def make(self, address, main, *parts, expires="never"):
        self.gpg("--quick-gen-key", f"Test <{address}>", main, "default",
                 expires)
        for part in parts:
            self.gpg("--quick-add-key", self.fingerprint(address), part,
                     "encr", expires)

    def public(self, address):
        return self.gpg("--export", "--armor", address)

    def secret(self, address):
        return self.gpg("--export-secret-keys", "--armor", address)

    def close(self):
        run("gpgconf", "--kill", "all", env=self.env, check=False)
        shutil.rmtree(self.home, ignore_errors=True)

    # --- readers ----------------------------------------------------------
    def read_by_gpg(self, armour, address):
        # Where key ids are hidden gpg tries the others too, and grumbles.
        text = self.gpg("--decrypt", "--try-secret-key", address or "any",
                        data=armour, check=False)
        assert text
        return text

    def read_by_sqop(self, armour, address):
        with tempfile.NamedTemporaryFile() as key:
            key.write(self.secret(address))
            key.flush()
            return run("sqop", "decrypt", key.name, data=armour)

    def read_by_rnp(self, armour, address):
        with tempfile.TemporaryDirectory() as home:
            for name, octets in (("key", self.secret(address)),
                                 ("in.asc", armour)):
                with open(os.path.join(home, name), "wb") as f:
                    f.write(octets)
            run("rnpkeys", "--homedir", home, "--import-keys",
                os.path.join(home, "key"))
            run("rnp", "--homedir", home, "--password", "", "--overwrite",
                "--decrypt", os.path.join(home, "in.asc"), "--output",
                os.path.join(home, "out"))
            with open(os.path.join(home, "out"), "rb") as f:
                return f.read()

    readers = ("gpg", "sqop", "rnp")

    def read(self, reader, armour, address):
        return getattr(self, "read_by_" + reader)(armour, address)


def with_unknown_subkey(armour):
    """The same key with a subkey of an algorithm nobody here knows (35)."""
    octets = dearmor(armour.decode())
    body = bytes([4]) + bytes(4) + bytes([35]) + os.urandom(64)
    return octets + bytes([0xc0 | 14, len(body)]) + body


class Smime:
    def __init__(self, folder):
        self.folder = str(folder)

    def path(self, address, end):
        return os.path.join(self.folder, address.split("@")[0] + end)

    def make(self, address, kind, days=30, usage=(
            "digitalSignature,keyEncipherment,keyAgreement")):
        key = self.path(address, ".key")
        if kind.startswith("rsa"):
            run("openssl", "genrsa", "-out", key, kind[3:])
        else:
            run("openssl", "ecparam", "-name", kind, "-genkey", "-noout",
                "-out", key)
        run("openssl", "req", "-x509", "-new", "-key", key, "-out",
            self.path(address, ".pem"), "-days", days, "-subj",
            "/CN=" + address.split("@")[0], "-addext",
            "subjectAltName=email:" + address, "-addext",
            "keyUsage=" + usage, "-addext", "extendedKeyUsage=emailProtection")

    def certificate(self, address):
        with open(self.path(address, ".pem"), "rb") as f:
            return f.read()

    def der(self, address):
        return run("openssl", "x509", "-in", self.path(address, ".pem"),
                   "-outform", "DER")

    def own(self, address):
        with open(self.path(address, ".key"), "rb") as f:
            return f.read() + self.certificate(address)

    def read_by_openssl(self, der, address):
        return run("openssl", "cms", "-decrypt", "-binary", "-inform", "DER",
                   "-inkey", self.path(address, ".key"), "-recip",
                   self.path(address, ".pem"), data=der)

    def read_by_gpgsm(self, der, address):
        with tempfile.TemporaryDirectory(prefix="gpgsm-") as home:
            os.chmod(home, 0o700)
            env = dict(os.environ, GNUPGHOME=home)
            with open(os.path.join(home, "gpgsm.conf"), "w",
                      encoding="ascii") as f:
                f.write("disable-crl-checks\n")
            p12 = run("openssl", "pkcs12", "-export", "-inkey",
                      self.path(address, ".key"), "-in",
                      self.path(address, ".pem"), "-passout", "pass:x",
                      "-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES",
                      "-macalg", "sha1")
            try:
                run("gpgsm", "--batch", "--quiet", "--pinentry-mode",
                    "loopback", "--passphrase-fd", "0", "--import",
                    self._file(home, p12), data=b"x\n", env=env)
                return run("gpgsm", "--batch", "--quiet", "--pinentry-mode",
                           "loopback", "--passphrase-fd", "0", "--decrypt",
                           self._file(home, der), data=b"x\n", env=env)
            finally:
                run("gpgconf", "--kill", "all", env=env, check=False)

    def read_by_python(self, der, address):
        """RSA only. The structure by asn1crypto, the rest by cryptography."""
        sealed = cms.ContentInfo.load(der)["content"]
        recipient, = sealed["recipient_infos"]
        wrapped = recipient.chosen["encrypted_key"].native
        how = recipient.chosen["key_encryption_algorithm"]["algorithm"].native
        with open(self.path(address, ".key"), "rb") as f:
            key = serialization.load_pem_private_key(f.read(), None)
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(),
                            None)
        secret = key.decrypt(wrapped, padding.PKCS1v15()
                             if how == "rsaes_pkcs1v15" else oaep)
        content = sealed["encrypted_content_info"]
        algorithm = content["content_encryption_algorithm"]
        assert algorithm["algorithm"].native == "aes256_cbc"
        cipher = Cipher(algorithms.AES(secret),
                        modes.CBC(algorithm["parameters"].native)).decryptor()
        text = cipher.update(content["encrypted_content"].native)
        text += cipher.finalize()
        return text[:-text[-1]]

    @staticmethod
    def _file(home, octets):
        with tempfile.NamedTemporaryFile(dir=home, delete=False) as f:
            f.write(octets)
            return f.name

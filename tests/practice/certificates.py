"""Certificates of the practice Internet, all ECDSA P-256, all its own.

A kind is a word for the issuer and words for what is wrong with it:
    good   issued by the practice CA through an intermediate
    self   self-signed
    ta     issued by a trust anchor outside the practice CA (DANE-TA)
    expired | future | wrongname
    client a sender's, not a server's
"""

import datetime
import hashlib
import ipaddress
import os
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)
EXPIRED = datetime.datetime(2024, 5, 1)  # what expired certificates show
DER = serialization.Encoding.DER
PEM = serialization.Encoding.PEM


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _key_pem(key):
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def _alternative(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path, data):
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(path)


class Certificates:
    """The files of one folder; made when first asked for, then kept."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca_file = self.folder / "ca.pem"
        self._lock = threading.Lock()
        self._authorities = {}
        self._root = self._authority("root", "Practice Root CA", None)
        self._good = self._authority("good", "Practice Issuing CA", self._root)
        self._ta = self._authority("ta", "Private Anchor", None)
        if not self.ca_file.exists():
            _write(self.ca_file, self._root[0].public_bytes(PEM))

    def _authority(self, word, title, parent):
        path = self.folder / f"authority-{word}.pem"
        if path.exists():
            data = path.read_bytes()
            return (x509.load_pem_x509_certificate(data),
                    serialization.load_pem_private_key(data, None))
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = parent[0].subject if parent else _name(title)
        now = datetime.datetime.utcnow()
        made = (
            x509.CertificateBuilder()
            .subject_name(_name(title)).issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.datetime(2022, 1, 1))
            .not_valid_after(now + 3650 * DAY)
            .add_extension(x509.BasicConstraints(True, None), True)
            .add_extension(x509.KeyUsage(
                False, False, False, False, False, True, True, False, False),
                True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(
                key.public_key()), False)
            .sign(parent[1] if parent else key, hashes.SHA256())
        )
        _write(path, made.public_bytes(PEM) + _key_pem(key))
        return made, key

    def leaf(self, host, kind="good"):
        """A PEM file: private key, certificate, chain."""
        path = self.folder / f"{host}.{kind.replace(' ', '-')}.pem"
        with self._lock:
            if not path.exists():
                self._make(path, host, kind.split())
        return path

    def _make(self, path, host, words):
        key = ec.generate_private_key(ec.SECP256R1())
        shown = "elsewhere.example" if "wrongname" in words else host
        now = datetime.datetime.utcnow()
        begin, end = now - DAY, now + 397 * DAY
        if "expired" in words:
            begin, end = EXPIRED - 365 * DAY, EXPIRED
        if "future" in words:
            begin, end = now + DAY, now + 397 * DAY
        issuer, issuer_key, chain = _name(shown), key, b""
        if words[0] in ("good", "ta"):
            authority = self._good if words[0] == "good" else self._ta
            issuer, issuer_key = authority[0].subject, authority[1]
            chain = authority[0].public_bytes(PEM)
        made = (
            x509.CertificateBuilder()
            .subject_name(_name(shown)).issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin).not_valid_after(end)
            .add_extension(x509.SubjectAlternativeName([_alternative(shown)]),
                           False)
            .add_extension(x509.BasicConstraints(False, None), True)
            .add_extension(x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.CLIENT_AUTH if "client" in words
                 else ExtendedKeyUsageOID.SERVER_AUTH]), False)
            .sign(issuer_key, hashes.SHA256())
        )
        _write(path, _key_pem(key) + made.public_bytes(PEM) + chain)

    def tlsa(self, host, kind, usage, selector, matching, of="leaf"):
        """The text of a TLSA record (RFC 6698, 2.2).

        of: leaf, ta, next (a second certificate of the host, for roll-overs),
        other (matches nothing) or short (too short for its type).
        """
        if of in ("other", "short"):
            data = hashlib.sha256(b"nothing " + host.encode()).digest()
            data = data if of == "other" else data[:20]
        else:
            data = self._association(host, kind, selector, matching, of)
        return f"{usage} {selector} {matching} {data.hex()}"

    def _association(self, host, kind, selector, matching, of):
        if of == "ta":
            certificate = self._ta[0]
        else:
            path = self.leaf(host, kind if of == "leaf" else f"{kind} next")
            certificate = x509.load_pem_x509_certificate(path.read_bytes())
        if selector == 0:
            data = certificate.public_bytes(DER)
        else:
            data = certificate.public_key().public_bytes(
                DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        digest = {0: lambda d: d, 1: lambda d: hashlib.sha256(d).digest(),
                  2: lambda d: hashlib.sha512(d).digest()}
        return digest[matching](data)

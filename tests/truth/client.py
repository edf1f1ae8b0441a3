"""The sender: one message per combination, and what it knows of the way.

The labels are the client's own: version and suite of its TLS, whether the
server asked for a certificate (seen in the handshake), what it sent.
"""

import _ssl
import base64
import ctypes
import smtplib
import ssl
import subprocess
import warnings
from dataclasses import dataclass

ADDRESS, NAME = "127.88.0.2", "out.sender.example"
HELO = "gateway.sender.example"
USER, PASSWORD = "kim@sender.example", "example"
LIMIT_S = 60
OLD = ("TLSv1", "TLSv1.1")
# Of all kinds, by OpenSSL's names; a receiver takes those it has.
SUITES = """
    TLS_AES_128_GCM_SHA256 TLS_CHACHA20_POLY1305_SHA256 TLS_AES_128_CCM_SHA256
    TLS_AES_128_CCM_8_SHA256
    ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256
    ECDHE-RSA-AES256-GCM-SHA384 DHE-RSA-AES256-GCM-SHA384 AES128-GCM-SHA256
    AES256-GCM-SHA384 ECDHE-ECDSA-CHACHA20-POLY1305
    ECDHE-RSA-CHACHA20-POLY1305 DHE-RSA-CHACHA20-POLY1305
    ECDHE-ECDSA-AES128-CCM ECDHE-ECDSA-AES256-CCM8 DHE-RSA-AES128-CCM8
    AES128-CCM
    ECDHE-ECDSA-AES256-SHA384 ECDHE-RSA-AES128-SHA256 ECDHE-RSA-AES256-SHA
    DHE-RSA-AES128-SHA256 DHE-RSA-AES256-SHA AES128-SHA256 AES256-SHA
    ECDHE-ECDSA-CAMELLIA128-SHA256 ECDHE-RSA-CAMELLIA256-SHA384
    CAMELLIA256-SHA ECDHE-ECDSA-ARIA128-GCM-SHA256 ECDHE-ARIA256-GCM-SHA384
    ARIA128-GCM-SHA256
    AECDH-AES256-SHA ADH-AES128-GCM-SHA256 ADH-AES256-SHA256
    ECDHE-ECDSA-NULL-SHA ECDHE-RSA-NULL-SHA AECDH-NULL-SHA NULL-SHA256
    NULL-MD5
    """.split()
VERSIONS = {"TLSv1": ssl.TLSVersion.TLSv1, "TLSv1.1": ssl.TLSVersion.TLSv1_1,
            "TLSv1.2": ssl.TLSVersion.TLSv1_2,
            "TLSv1.3": ssl.TLSVersion.TLSv1_3}


@dataclass(frozen=True)
class Listener:
    """One way a receiver is set up."""
    mta: str
    variant: str
    address: str
    name: str
    port: int
    lmtp: bool = False
    keeps: bool = False       # mail stays there; else it goes on to the sink
    asks: bool = False        # for a client certificate
    auth: tuple = (True, False)
    auth_needs_tls: bool = False
    helo: bool = True         # takes HELO as well
    suites: bool = True       # also one message by each of SUITES
    versions: tuple = (None, "TLSv1.2", "TLSv1.3", *OLD)
    certificates: tuple = ("none", "good", "bad")


@dataclass(frozen=True)
class Combination:
    tls: str | None
    certificate: str
    verb: str
    auth: bool
    suite: str | None = None


def combinations(listener):
    """Those that exist for the listener."""
    verbs = ["LHLO"] if listener.lmtp else ["EHLO", "HELO"]
    for tls in listener.versions:
        for verb in verbs if listener.helo else verbs[:1]:
            for auth in listener.auth:
                if auth and listener.auth_needs_tls and tls is None:
                    continue
                for certificate in listener.certificates:
                    plain = certificate == "none"
                    if tls is None and not plain:
                        continue
                    if tls in OLD and (auth or not plain or verb == "HELO"):
                        continue
                    yield Combination(tls, certificate, verb, auth)
    for suite in SUITES if listener.suites else ():
        tls = "TLSv1.3" if suite.startswith("TLS_") else "TLSv1.2"
        yield Combination(tls, listener.certificates[0], verbs[0],
                          listener.auth[-1], suite)


def iana_names():
    """OpenSSL's name of a suite -> IANA's."""
    done = subprocess.run(
        ["openssl", "ciphers", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"],
        text=True, capture_output=True, check=True)
    lines = map(str.split, done.stdout.splitlines())
    return {words[2]: words[0] for words in lines}


def _set_suite_13(context, suite):
    """What Python's ssl cannot do; the SSL_CTX stands behind its header.

    Should it stand elsewhere, the label is of another suite, not wrong.
    """
    pointer = ctypes.c_void_p.from_address(id(context)
                                           + object.__basicsize__)
    library = ctypes.CDLL(getattr(_ssl, "__file__", None))
    set_suites = library.SSL_CTX_set_ciphersuites
    set_suites.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    if set_suites(pointer, suite.encode()) != 1:
        raise OSError(f"{suite}: not known to this OpenSSL")


class Handshake:
    """An SSLContext for one version that sees if a certificate was asked."""

    def __init__(self, version, certificate, suite):
        self.asked = False
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE
        self.context.set_ciphers("ALL:eNULL:@SECLEVEL=0")
        if suite and version == "TLSv1.3":
            _set_suite_13(self.context, suite)
        elif suite:
            self.context.set_ciphers(suite + ":@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self.context.minimum_version = VERSIONS[version]
            self.context.maximum_version = VERSIONS[version]
        if certificate:
            self.context.load_cert_chain(certificate)
        self.context._msg_callback = self._see

    def _see(self, _conn, direction, _version, _content, kind, _data):
        if direction == "read" and getattr(kind, "name", "") == (
                "CERTIFICATE_REQUEST"):
            self.asked = True


def _must(answer):
    if not 200 <= answer[0] < 400:
        raise smtplib.SMTPResponseException(*answer)


def _log_in(smtp):
    secret = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
    code, text = smtp.docmd("AUTH", "PLAIN " + secret)
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, text)


def _start_tls(smtp):
    code, text = smtp.docmd("STARTTLS")
    if code == 503 and smtp.helo_resp:  # some want EHLO before, if not after
        _must(smtp.ehlo())
        code, text = smtp.docmd("STARTTLS")
    _must((code, text))


def send(listener, combination, files, recipient):
    """Sends one message; what is known of it. files: kind -> PEM file.

    smtplib.SMTPException or OSError if the receiver does not take it so.
    """
    kind = smtplib.LMTP if listener.lmtp else smtplib.SMTP
    facts = {"tls": None, "asked": False}
    smtp = kind(host="", local_hostname=HELO)
    smtp.timeout = LIMIT_S
    hello = smtp.helo if combination.verb == "HELO" else smtp.ehlo
    smtp.source_address = (ADDRESS, 0)
    try:
        _must(smtp.connect(listener.address, listener.port))
        if combination.tls:
            handshake = Handshake(combination.tls,
                                  files.get(combination.certificate),
                                  combination.suite)
            _must(hello())
            _start_tls(smtp)
            smtp.sock = handshake.context.wrap_socket(
                smtp.sock, server_hostname=listener.name)
            smtp.file = None
        _must(hello())
        if combination.auth:
            _log_in(smtp)
        _must(smtp.mail("kim@sender.example"))
        _must(smtp.rcpt(recipient))
        _must(smtp.data(f"From: kim@sender.example\r\nTo: {recipient}\r\n"
                        f"Message-ID: <{recipient}>\r\n"
                        "Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
                        "Subject: truth\r\n\r\nTruth.\r\n"))
        if combination.tls:
            cipher, _, bits = smtp.sock.cipher()
            facts = {"tls": smtp.sock.version(), "openssl_cipher": cipher,
                     "bits": bits, "asked": handshake.asked}
        smtp.quit()
    except smtplib.SMTPServerDisconnected as gone:
        raise OSError(f"{listener.mta}: connection lost") from gone
    finally:
        smtp.close()
    return facts

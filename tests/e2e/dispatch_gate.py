# SPDX-License-Identifier: Apache-2.0
"""The dispatch role alone: a configuration, messages put into its store, and
what became of them. No intake, no portal process."""

import datetime
import os
import signal
import sqlite3
import subprocess
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("POSTSEAL_BUILD", os.path.join(ROOT, "build"))
STATES = ["queued", "held", "delivered", "deposited", "failed", "expired",
          "deleted"]

MAIL = (b"From: Ann <ann@clinic.example>\r\nTo: you@there.example\r\n"
        b"Subject: hello\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
        b"Message-ID: <1@clinic.example>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/plain\r\n\r\nOne line.\r\n.dotted\r\n")

DELIVERY = ("delivery { port %d  ca %s  mta-sts-port %d  connect-timeout 5s"
            "  command-timeout 5s  data-timeout 5s  retry %s"
            "  give-up-after 5d  %s }\n")


class Gate:
    def __init__(self, directory, config, dns=None, port=25, ca="system",
                 sts_port=443, retry="1s", delivery=""):
        self.dir = str(directory)
        self.config = os.path.join(self.dir, "postseal.conf")
        self._tool("src/cli/postseal", "init", self.dir, "--hostname",
                   "gate.clinic.example")
        text = ("hostname gate.clinic.example\ndata data\n"
                "tls { certificate gate.pem  key gate.key }\n"
                "listen 127.0.0.1:2525 { accept-from 127.0.0.0/8 }\n")
        if dns:
            text += "dns { resolver %s@%d  trust-anchor %s }\n" % (
                dns.address, dns.port, dns.anchor)
        text += DELIVERY % (port, ca, sts_port, retry, delivery) + config
        with open(self.config, "w") as f:
            f.write(text)
        self.process, self.log = None, os.path.join(self.dir, "dispatch.log")

    def _path(self, name):
        return os.path.join(BUILD, name)

    def _tool(self, name, *args, data=None, check=True):
        got = subprocess.run([self._path(name), *args], input=data,
                             capture_output=True)
        if check and got.returncode != 0:
            raise RuntimeError("%s: %s" % (name, got.stderr.decode()))
        return got

    def _own(self):
        """What `postseal serve` does as root: give the data to the roles."""
        if os.geteuid() != 0:
            return
        data = os.path.join(self.dir, "data")
        os.chown(data, 0, 61500)
        os.chmod(data, 0o2770)
        for name in os.listdir(data):
            if name.startswith("postseal.db"):
                os.chown(os.path.join(data, name), 0, 61500)
                os.chmod(os.path.join(data, name), 0o660)
        os.chown(os.path.join(data, "keys"), 0, 61500)
        os.chown(os.path.join(data, "keys", "dispatch.key"), 61502, 61500)

    def start(self):
        self._own()
        self.process = subprocess.Popen(
            [self._path("src/role/dispatch/postseal-dispatch"), "-c",
             self.config], stderr=open(self.log, "ab"),
            # The leak checker needs ptrace, which a confined role has not.
            env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        return self

    def stop(self, sig=signal.SIGTERM):
        if self.process:
            self.process.send_signal(sig)
            code = self.process.wait(40)
            self.process = None
            with open(self.log, errors="replace") as f:
                text = f.read()
            for word in ("Sanitizer:", "runtime error:"):
                assert word not in text, text[-8000:]
            return code

    def send(self, to, mail=MAIL, sender="ann@clinic.example", copies=1,
             **keys):
        to = [to] if isinstance(to, str) else list(to)
        args = [self.config, sender, *to, "-n", str(copies)]
        for key, value in keys.items():
            args += ["-k", "%s=%s" % (key, value)]
        out = self._tool("tests/tools/seed_message", *args, data=mail)
        ids = out.stdout.decode().split()
        return ids[0] if copies == 1 else ids

    # --- what became of it ------------------------------------------------
    def sql(self, query, *args):
        db = sqlite3.connect("file:%s/data/postseal.db?mode=ro" % self.dir,
                             uri=True, timeout=10)
        db.row_factory = sqlite3.Row
        try:
            return [dict(r) for r in db.execute(query, args)]
        finally:
            db.close()

    def deliveries(self, message_id=None):
        where = " WHERE message_id = ?" if message_id else ""
        rows = self.sql("SELECT * FROM delivery%s ORDER BY id" % where,
                        *([message_id] if message_id else []))
        for row in rows:
            row["state"] = STATES[row["state"]]
        return rows

    def attempts(self, message_id):
        return self.sql(
            "SELECT a.* FROM attempt a JOIN delivery d ON d.id = a.delivery_id"
            " WHERE d.message_id = ? ORDER BY a.delivery_id, a.n", message_id)

    def kinds(self):
        """Kinds of all messages: 0 mail, 1 DSN, 2 notice, 3 code, 4 tell."""
        return [r["kind"] for r in
                self.sql("SELECT kind FROM message ORDER BY id")]

    def wait(self, message_id, done, seconds=15):
        until = time.time() + seconds
        while True:
            rows = self.deliveries(message_id)
            if rows and done(rows):
                return rows
            if time.time() > until:
                raise AssertionError("%s\n%s" % (rows, self.tail()))
            time.sleep(0.05)

    def final(self, message_id, seconds=15):
        return self.wait(message_id, lambda rows: all(
            r["state"] not in ("queued", "held") for r in rows), seconds)

    def tried(self, message_id, times=1, seconds=15):
        return self.wait(message_id, lambda rows: all(
            r["attempts"] >= times or r["state"] != "queued" for r in rows),
            seconds)

    def tail(self):
        with open(self.log) as f:
            return f.read()[-4000:]


def certificates(directory):
    """A CA and server certificates of all kinds, as PEM files."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    now = datetime.datetime.utcnow()
    day = datetime.timedelta(days=1)

    def key_file(name, key):
        path = os.path.join(str(directory), name + ".key")
        with open(path, "wb") as f:
            f.write(key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()))
        return path

    def build(subject, names, key, issuer, issuer_key, begin, end, ca=False):
        builder = (x509.CertificateBuilder()
                   .subject_name(subject).issuer_name(issuer)
                   .public_key(key.public_key())
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(begin).not_valid_after(end)
                   .add_extension(x509.BasicConstraints(ca, None), True))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(
                [x509.DNSName(n) for n in names]), False)
        return builder.sign(issuer_key, hashes.SHA256())

    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
    ca = build(ca_name, [], ca_key, ca_name, ca_key, now - 30 * day,
               now + 30 * day, True)
    ca_path = os.path.join(str(directory), "ca.pem")
    with open(ca_path, "wb") as f:
        f.write(ca.public_bytes(serialization.Encoding.PEM))

    def make(name, names, begin=-1, end=10, self_signed=False):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        cert = build(subject, names, key,
                     subject if self_signed else ca_name,
                     key if self_signed else ca_key,
                     now + begin * day, now + end * day)
        path = os.path.join(str(directory), name + ".pem")
        with open(path, "wb") as f:
            f.write(cert.public_bytes(serialization.Encoding.PEM))
        spki = key.public_key().public_bytes(
            serialization.Encoding.DER,
            serialization.PublicFormat.SubjectPublicKeyInfo)
        return path, key_file(name, key), spki

    return ca_path, make

"""Brings all receivers up, sends the matrix, reads back what they wrote."""

import shutil
import smtplib
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.practice import processes
from tests.practice.certificates import Certificates
from tests.truth import client, judge
from tests.truth.courier import Courier
from tests.truth.dovecot import Dovecot
from tests.truth.exim import Exim
from tests.truth.opensmtpd import OpenSmtpd
from tests.truth.postfix import Postfix
from tests.truth.root import Root
from tests.truth.sasl import Sayers
from tests.truth.sendmail import Sendmail
from tests.truth.sink import Sink

KINDS = (Postfix, Exim, OpenSmtpd, Sendmail, Dovecot, Courier)
SINK = "127.88.0.3"
ARRIVE_S = 60


def received(message):
    """The topmost Received field as it stands, lines joined by LF."""
    lines = message.replace(b"\r\n", b"\n").decode("ascii").split("\n")
    for i, line in enumerate(lines):
        if line == "":
            break
        if line.lower().startswith("received:"):
            end = i + 1
            while lines[end][:1] in (" ", "\t"):
                end += 1
            return "\n".join(lines[i:end]) + "\n"
    return None


def _rsa_pem():
    done = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "397", "-subj", "/CN=mx.example", "-keyout", "-"], text=True,
        capture_output=True, check=True)
    return done.stdout


class Truth:
    """A context: the receivers run inside it."""

    def __init__(self, folder, port_base, kinds=KINDS):
        self.folder = Path(folder)
        self.port_base = port_base
        self.kinds = kinds
        self.processes = []
        self.refused = []  # (listener, combination, why)

    def __enter__(self):
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
        facts = {"smtp_port": self.port_base, "sink": SINK,
                 "sink_port": self.port_base + 1}
        self.certificates = Certificates(self.folder / "certificates")
        self.root = Root(self.folder / "root", {
            client.ADDRESS: client.NAME, SINK: "sink.example"})
        self.receivers = [kind(self.root, facts) for kind in self.kinds]
        for receiver in self.receivers:
            for way in receiver.listeners:
                self.root.hosts[way.address] = way.name
        try:
            self.root.make()
            self._certificates()
            self.sink = Sink(SINK, facts["sink_port"]).__enter__()
            self.sayers = Sayers(self.root).__enter__()
            for receiver in self.receivers:
                receiver.prepare()
            self.processes = [self._start(r) for r in self.receivers]
            for receiver, process in zip(self.receivers, self.processes):
                for way in receiver.listeners:
                    processes.wait_for_port(way.address, way.port, process,
                                            self._log(receiver), 60)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _log(self, receiver):
        return self.folder / f"{receiver.name}.log"

    def _start(self, receiver):
        return self.root.start(receiver.words, self._log(receiver),
                               **getattr(receiver, "environment", {}))

    def _certificates(self):
        """The servers' certificate and the CA, in the root; the client's."""
        self.root.mkdir("/etc/tls")
        self.root.write("/etc/tls/ca.pem",
                        self.certificates.ca_file.read_text())
        own = self.certificates.leaf("mx.example", "good").read_text()
        for word, both in (("", own), ("rsa-", _rsa_pem())):
            end = both.index("-----BEGIN CERT")
            self.root.write(f"/etc/tls/{word}certificate.pem", both[end:])
            self.root.write(f"/etc/tls/{word}key.pem", both[:end], 0o600)
            self.root.write(f"/etc/tls/{word}server.pem", both)
        self.files = {
            "good": self.certificates.leaf(client.NAME, "good client"),
            "bad": self.certificates.leaf(client.NAME, "self client")}

    def __exit__(self, *_):
        processes.stop(self.processes)
        for name in ("sink", "sayers"):
            if hasattr(self, name):
                getattr(self, name).__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)

    def rows(self):
        """Every combination that exists, as a list of labelled lines."""
        self.iana = client.iana_names()
        ways = [(r, way) for r in self.receivers for way in r.listeners]
        versions = {r.name: r.version() for r in self.receivers}
        with ThreadPoolExecutor(len(ways)) as pool:
            done = pool.map(lambda pair: self._listener(
                *pair, versions[pair[0].name]), ways)
        return [row for rows in done for row in rows]

    def _listener(self, receiver, way, version):
        sent = []
        for i, combination in enumerate(client.combinations(way)):
            recipient = (f"row{i}-{way.address.replace('.', '-')}"
                         "@truth.example")
            try:
                facts = client.send(way, combination, self.files, recipient)
            except (smtplib.SMTPException, OSError) as error:
                self.refused.append((way, combination, error))
                continue
            sent.append((combination, facts, recipient))
        return [self._row(receiver, way, version, *one) for one in sent]

    def _row(self, receiver, way, version, combination, facts, recipient):
        message = (self._wait(receiver.find, recipient) if way.keeps
                   else self.sink.wait(recipient, ARRIVE_S))
        if message is None:
            raise processes.PracticeError(
                f"{way.mta} ({way.variant}): {combination} did not arrive\n"
                + self._log(receiver).read_text(errors="replace")[-2000:])
        suite = facts.get("openssl_cipher")
        row = {
            "mta": way.mta, "mta_version": version, "variant": way.variant,
            "tls": facts["tls"],
            "cipher": self.iana.get(suite, suite),
            "bits": facts.get("bits"), "asked": facts["asked"],
            "client_certificate": combination.certificate,
            "verb": combination.verb, "auth": combination.auth,
            "helo": client.HELO, "ip": client.ADDRESS, "by": way.name,
            "received": received(message)}
        return row | {"expected": judge.expected(row)}

    @staticmethod
    def _wait(find, recipient):
        end = time.monotonic() + ARRIVE_S
        while time.monotonic() < end:
            message = find(recipient)
            if message is not None:
                return message
            time.sleep(0.05)
        return None

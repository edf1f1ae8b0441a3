"""The practice Internet as one object."""

import base64
import json
import os
import shutil
import socket
import time
from pathlib import Path

from tests.practice import processes
from tests.practice.certificates import Certificates
from tests.practice.control import Control
from tests.practice.dns import ADDRESS, Dns
from tests.practice.domains import DOMAINS, HOSTS, HTTPS_ADDRESS
from tests.practice.exim import Exim
from tests.practice.keys import ReaderKeys
from tests.practice.postfix import MAIL_USER, Postfix
from tests.practice.processes import PracticeError, ROOT, SERVERS

PORTS = ("dns_port", "smtp_port", "https_port", "control_port",
         "greylist_port")
RECEIVER_LINES = ("return-path:", "envelope-to:", "x-original-to:",
                  "delivered-to:", "delivery-date:")


class PracticeInternet:
    """start(), use `facts`, stop(); or a with statement.

    Takes five ports from port_base on and everything below folder, which it
    empties first.
    """

    def __init__(self, folder, port_base):
        self.folder = Path(folder).absolute()
        self.mail_folder = self.folder / "mail"
        self.facts = {name: port_base + i for i, name in enumerate(PORTS)}
        self.facts |= {
            "folder": str(self.folder),
            "resolver": ADDRESS,
            "certificates": str(self.folder / "tls"),
            "ca_file": str(self.folder / "tls/ca.pem"),
            "trust_anchor": str(self.folder / "dns/root.key"),
            "mail_folder": str(self.mail_folder),
            "https_address": HTTPS_ADDRESS,
            "greylist_seconds": 2,
            "hosts": {host.name: host.address for host in HOSTS.values()},
            "domains": {d.name: [h.address for h in d.hosts]
                        for d in DOMAINS.values()},
        }
        self.control = Control(self.facts["control_port"])
        self.certificates = None
        self.reader_keys = None
        self.dns = None
        self._servers = []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def _check(self):
        if os.geteuid() != 0:
            raise PracticeError(
                "the practice Internet needs root (its mail servers change "
                "to other users): run it with sudo")
        if not (SERVERS / "usr/sbin/knotd").exists():
            raise PracticeError(
                "its servers are not unpacked: run tools/bootstrap")
        facts = self.facts
        tcp, local = socket.SOCK_STREAM, "127.0.0.1"
        processes.must_be_free(
            [(host.address, facts["smtp_port"], tcp)
             for host in HOSTS.values()]
            + [(ADDRESS, facts["dns_port"], socket.SOCK_DGRAM),
               (ADDRESS, facts["dns_port"], tcp),
               (HTTPS_ADDRESS, facts["https_port"], tcp),
               (local, facts["control_port"], tcp),
               (local, facts["greylist_port"], tcp)])

    def start(self):
        """Up, or PracticeError and nothing left behind."""
        self._check()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.mail_folder.mkdir(parents=True)
        self._mailboxes()
        self.certificates = Certificates(self.facts["certificates"])
        self.reader_keys = ReaderKeys(self.folder / "keys")
        path, octets = self.reader_keys.wkd()
        self.facts["wkd"] = {path: base64.b64encode(octets).decode()}
        (self.folder / "facts.json").write_text(json.dumps(self.facts))
        self.dns = Dns(self.folder / "dns", self.facts["dns_port"],
                       self.facts["smtp_port"], self.certificates)
        peers = Peers(self.folder, self.facts)
        self._servers = [
            self.dns, peers,
            Postfix(self.folder / "postfix", self.facts, self.certificates),
            Exim(self.folder / "exim", self.facts, self.certificates)]
        for server in self._servers:
            server.start()
        for server in self._servers:
            server.ready()
        zone, owner, data = self.reader_keys.smimea()
        self.set_records(zone, owner, "SMIMEA", [data])
        (self.folder / "practice.json").write_text(
            json.dumps(self.facts, indent=2) + "\n")
        (self.folder / "practice.conf-fragment").write_text(
            self.config_fragment())

    def _mailboxes(self):
        """Postfix's virtual(8) makes a mailbox, not the folder above it."""
        shutil.chown(self.mail_folder, MAIL_USER)
        self.mail_folder.chmod(0o777)

    def stop(self):
        running = [s.process for s in self._servers if s.process is not None]
        processes.stop(running)
        for server in self._servers:
            server.process = None

    def config_fragment(self, **delivery):
        """Lines of postseal's configuration that lead here.

        delivery: more keys of its block, - written _: retry="1s 2s".
        """
        facts = self.facts
        lines = [
            f"dns {{ resolver {facts['resolver']}@{facts['dns_port']}  "
            f"trust-anchor {facts['trust_anchor']} }}",
            "delivery {",
            f"    port {facts['smtp_port']}",
            f"    ca {facts['ca_file']}",
            f"    mta-sts-port {facts['https_port']}",
            f"    wkd-port {facts['https_port']}",
        ]
        for key, value in delivery.items():
            lines.append(f"    {key.replace('_', '-')} {value}")
        return "\n".join(lines + ["}", ""])

    def set_records(self, zone, name, kind, data, ttl=None):
        """See dns.Dns.set_records."""
        self.dns.set_records(zone, name, kind, data, ttl)

    def tlsa_owner(self, host):
        return f"_{self.facts['smtp_port']}._tcp.{host}."

    def mailbox(self, address):
        """Every message delivered to an address, oldest first, as stored."""
        box = self.mail_folder / address.rpartition("@")[2].lower() / "new"
        found = []
        for path in sorted(box.glob("*"), key=lambda p: p.stat().st_mtime_ns):
            raw = path.read_bytes()
            if address.lower() in delivered_to(raw):
                found.append(raw)
        return found

    def wait_mail(self, address, n=1, wait_s=10):
        """The mailbox as soon as it holds n messages, or what it holds."""
        end = time.monotonic() + wait_s
        while True:
            found = self.mailbox(address)
            if len(found) >= n or time.monotonic() > end:
                return found
            time.sleep(0.05)


class Peers:
    """The process of everything scripted."""

    def __init__(self, folder, facts):
        self.folder = folder
        self.facts = facts
        self.log = folder / "peers.log"
        self.process = None

    def start(self):
        self.process = processes.start(
            ["/usr/bin/python3", "-m", "tests.practice.peers",
             self.folder / "facts.json"], self.log, cwd=ROOT)

    def ready(self):
        processes.wait_for_port("127.0.0.1", self.facts["control_port"],
                                self.process, self.log)


def _stored_lines(raw):
    return raw.split(b"\n")


def delivered_to(raw):
    """The addresses a stored message was delivered to, lower case."""
    found = []
    for line in _stored_lines(raw):
        text = line.decode("utf-8", "replace").strip()
        if not text.lower().startswith(RECEIVER_LINES):
            break
        name, _, value = text.partition(":")
        if name.lower() in ("delivered-to", "envelope-to"):
            found += [v.strip().lower() for v in value.split(",")]
    return found


def original(raw):
    """The octets that were sent: without what the receiver added (its trace
    lines and, of a real server, one Received), line ends CR LF again."""
    lines = _stored_lines(raw)
    scripted = lines[0].endswith(b"\r")
    while lines and lines[0].decode("latin-1").lower().startswith(
            RECEIVER_LINES):
        del lines[0]
    if not scripted:
        if lines and lines[0].startswith(b"Received:"):
            del lines[0]
            while lines and lines[0][:1] in (b" ", b"\t"):
                del lines[0]
        return b"\r\n".join(lines)
    return b"\n".join(lines)

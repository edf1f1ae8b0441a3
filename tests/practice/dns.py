"""The DNS of the practice Internet: Knot, a signed root, example, children.

Knot signs by itself; the children's DS records are fed to `example` and its
to the root by dynamic updates (RFC 2136), which also change records at run
time.
"""

import time
from pathlib import Path

import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.update

from tests.practice import processes
from tests.practice.domains import DOMAINS, HTTPS_ADDRESS
from tests.practice.processes import PracticeError, SERVERS

ADDRESS = "127.0.0.1"
WRONG_DS = f"4711 13 2 {'ab' * 32}"  # belongs to no key

CONFIG = """\
server:
    rundir: "{folder}"
    listen: {address}@{port}
    pidfile: "{folder}/knot.pid"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 2
    async-start: off
control:
    listen: "knot.sock"
log:
  - target: stderr
    any: warning
database:
    storage: "{folder}/db"
acl:
  - id: practice
    address: 127.0.0.0/8
    action: update
policy:
  - id: practice
    algorithm: ecdsap256sha256
    single-type-signing: on
    cds-cdnskey-publish: none
    rrsig-lifetime: 30d
template:
  - id: default
    storage: "{folder}"
    semantic-checks: off
    acl: practice
    zonefile-load: whole
    zonefile-sync: -1
  - id: signed
    storage: "{folder}"
    semantic-checks: off
    acl: practice
    zonefile-load: whole
    zonefile-sync: -1
    dnssec-signing: on
    dnssec-policy: practice
zone:
"""


def _file_name(zone):
    return f"{zone.strip('.') or 'root'}.zone"


def _head(ttl):
    return [f"$TTL {ttl}",
            "@ SOA ns.example. hostmaster.example. "
            f"{int(time.time())} 3600 600 86400 {ttl}",
            "@ NS ns.example."]


def _tlsa_lines(domain, certificates):
    lines = []
    for host in domain.hosts:
        owner = host.tlsa_at or host.name
        for record in host.tlsa:
            data = certificates.tlsa(host.name, host.certificate or "good",
                                     *record)
            lines.append(f"_25._tcp.{owner}. TLSA {data}")
    return lines


def domain_zone(domain, certificates, smtp_port):
    """The records of one domain. TLSA owners carry the port that is used."""
    lines = _head(domain.ttl)
    for preference, name in domain.mx:
        lines.append(f"@ MX {preference} {name.rstrip('.')}.")
    for host in domain.hosts:
        lines.append(f"{host.name}. A {host.address}")
        if host.aaaa:
            lines.append(f"{host.name}. AAAA {host.aaaa}")
    lines += _tlsa_lines(domain, certificates)
    if domain.sts_id:
        lines.append(f'_mta-sts TXT "v=STSv1; id={domain.sts_id};"')
        lines.append(f"mta-sts CNAME {domain.sts_alias}." if domain.sts_alias
                     else f"mta-sts A {HTTPS_ADDRESS}")
    for owner, kind, data in domain.records:
        if kind == "TLSA-OTHER":
            kind = "TLSA"
            data = certificates.tlsa(domain.name, "good", 3, 1, 1, "other")
            owner = f"_25.{owner}"
        lines.append(f"{owner} {kind} {data}")
    if domain.broken:
        lines.append(f"{domain.broken} NS ns.example.")
        lines.append(f"{domain.broken} DS {WRONG_DS}")
    text = "\n".join(lines) + "\n"
    return text.replace("_25._tcp.", f"_{smtp_port}._tcp.").replace(
        "_25.", f"_{smtp_port}.")


def _example_zone():
    lines = _head(60) + [f"ns A {ADDRESS}"]
    for name in DOMAINS:
        lines.append(f"{name}. NS ns.example.")
    return "\n".join(lines) + "\n"


class Dns:
    """One Knot. start() and then ready(); what happens between runs beside."""

    def __init__(self, folder, port, smtp_port, certificates):
        self.folder = Path(folder)
        self.port = port
        self.smtp_port = smtp_port
        self.certificates = certificates
        self.anchor_file = self.folder / "root.key"
        self.delv_anchor_file = self.folder / "root.delv"
        self.log = self.folder / "knot.log"
        self.process = None

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "db").mkdir(exist_ok=True)
        zones = dict(self._zones())
        config = CONFIG.format(folder=self.folder, address=ADDRESS,
                               port=self.port)
        for zone, (signed, text) in zones.items():
            if text is not None:
                (self.folder / _file_name(zone)).write_text(text)
            config += (f'  - domain: "{zone}"\n    file: "{_file_name(zone)}"'
                       f"\n    template: {'signed' if signed else 'default'}\n")
        (self.folder / "knot.conf").write_text(config)
        self.process = processes.start(
            [SERVERS / "usr/sbin/knotd", "-c", self.folder / "knot.conf"],
            self.log)

    def _zones(self):
        yield ".", (True, "\n".join(
            _head(60) + ["example. NS ns.example.",
                         f"ns.example. A {ADDRESS}"]) + "\n")
        yield "example.", (True, _example_zone())
        for domain in DOMAINS.values():
            yield f"{domain.name}.", (domain.signed, domain_zone(
                domain, self.certificates, self.smtp_port))
            if domain.breakage == "bogus":
                yield f"{domain.broken}.{domain.name}.", (True, "\n".join(
                    _head(60) + [f"_{self.smtp_port} TLSA 3 1 1 {'00' * 32}"]
                ) + "\n")
            if domain.breakage == "servfail":
                # A zone without a file: Knot answers SERVFAIL.
                yield f"{domain.broken}.{domain.name}.", (False, None)

    def ask(self, name, kind, wait_s=2.0, tcp=False):
        query = dns.message.make_query(name, kind, want_dnssec=True)
        if tcp:
            return dns.query.tcp(query, ADDRESS, wait_s, self.port)
        return dns.query.udp_with_fallback(query, ADDRESS, wait_s,
                                           self.port)[0]

    def ready(self, wait_s=20):
        """Waits until Knot answers, then joins the chain of trust."""
        self._wait(wait_s)
        # The wrong DS is beside a zone whose true one nobody publishes.
        self._update("example.", [
            (domain.name + ".", 60, "DS",
             WRONG_DS if domain.bogus else self._ds(domain.name + "."))
            for domain in DOMAINS.values() if domain.signed])
        self._update(".", [("example.", 60, "DS", self._ds("example."))])
        self._write_anchor()

    def _wait(self, wait_s):
        end = time.monotonic() + wait_s
        while self.process.poll() is None and time.monotonic() < end:
            try:
                if self._keys(".") is not None:
                    return
            except (OSError, dns.exception.DNSException):
                pass
            time.sleep(0.02)
        raise PracticeError("Knot did not start:\n"
                            + self.log.read_text(errors="replace")[-2000:])

    def _keys(self, zone):
        answer = self.ask(zone, "DNSKEY")
        return answer.get_rrset(answer.answer, dns.name.from_text(zone),
                                dns.rdataclass.IN, dns.rdatatype.DNSKEY)

    def _ds(self, zone):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            keys = self._keys(zone)
            if keys is not None:
                return dns.dnssec.make_ds(dns.name.from_text(zone), keys[0],
                                          "SHA256").to_text()
            time.sleep(0.02)
        raise PracticeError(f"Knot did not sign {zone}")

    def _update(self, zone, records, delete=()):
        update = dns.update.UpdateMessage(zone)
        for name, kind in delete:
            update.delete(dns.name.from_text(name), kind)
        for name, ttl, kind, data in records:
            update.add(dns.name.from_text(name), ttl, kind, data)
        answer = dns.query.tcp(update, ADDRESS, 5, self.port)
        if answer.rcode() != dns.rcode.NOERROR:
            raise PracticeError(f"Knot refused a change of {zone}: "
                                f"{dns.rcode.to_text(answer.rcode())}")

    def set_records(self, zone, name, kind, data, ttl=None):
        """Replaces a record set; data: list of texts, none removes it.

        name: relative to the zone ("@" is the zone itself) or ending in a
        dot. Old answers live on in caches for the zone's TTL.
        """
        zone = zone.rstrip(".") + "."
        owner = zone if name == "@" else name
        if not owner.endswith("."):
            owner = f"{owner}.{zone}"
        if ttl is None:
            known = DOMAINS.get(zone.rstrip("."))
            ttl = known.ttl if known else 60
        self._update(zone, [(owner, ttl, kind, text) for text in data],
                     delete=[(owner, kind)])

    def _write_anchor(self):
        keys = self._keys(".")
        self.anchor_file.write_text(
            "".join(f". 60 IN DNSKEY {key.to_text()}\n" for key in keys))
        lines = []
        for key in keys:
            words = key.to_text().split(" ", 3)
            data = words[3].replace(" ", "")
            lines.append('    . static-key %s %s %s "%s";'
                         % (*words[:3], data))
        self.delv_anchor_file.write_text(
            "trust-anchors {\n" + "\n".join(lines) + "\n};\n")

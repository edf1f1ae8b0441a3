"""1,000 domains with servers of their own, judged by one `postseal check`.

One domain in twenty is dead: half of those refuse connections, half swallow
them. The others take turns in what they can do; each answer is compared with
what the domain was made to be, and every command the servers got is looked at.
"""

import argparse
import collections
import json
import os
import selectors
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from dns_tree import DnsTree  # noqa: E402
from tests.practice.certificates import Certificates  # noqa: E402
from tests.practice.domains import policy  # noqa: E402
from tests.practice.https import HttpsServer  # noqa: E402
from tests.practice.peers import black_hole  # noqa: E402
from tests.practice.scripted import SmtpServer  # noqa: E402

POSTSEAL = Path(os.environ.get("POSTSEAL_BUILD",
                               ROOT / "build")) / "src/cli/postseal"
BASE = int(os.environ.get("POSTSEAL_PORT_BASE", "20000")) + 750
DNS, SMTP, HTTPS = BASE, BASE + 1, BASE + 2
HTTPS_ADDRESS = "127.41.255.1"
DEAD_EVERY = 20
# What the living are, in turn, and whether `verified` is possible.
KINDS = [("dane", True), ("pkix", True), ("sts", True), ("self", False),
         ("pkix", True), ("dane", True), ("plain", False), ("pkix", True)]
ALLOWED = {"EHLO", "STARTTLS", "QUIT"}


class Made:
    """One domain: its name, its server, what is true of it."""

    def __init__(self, number):
        self.name = f"d{number:05}.example"
        self.host = f"mx.{self.name}"
        self.address = f"127.41.{number // 250}.{number % 250 + 1}"
        self.dead = ""
        if number % DEAD_EVERY == 0:
            self.dead = "silent" if number % (2 * DEAD_EVERY) else "refuses"
            self.kind, self.verified = "dead", False
        else:
            self.kind, self.verified = KINDS[number % len(KINDS)]

    @property
    def certificate(self):
        return {"plain": None, "dane": "self",
                "self": "self"}.get(self.kind, "good")

    def records(self, certificates):
        lines = [f"{self.name}. MX 10 {self.host}.",
                 f"{self.host}. A {self.address}"]
        if self.kind == "dane":
            data = certificates.tlsa(self.host, "self", 3, 1, 1)
            lines.append(f"_{SMTP}._tcp.{self.host}. TLSA {data}")
        if self.kind == "sts":
            lines += [f'_mta-sts.{self.name}. TXT "v=STSv1; id=1;"',
                      f"mta-sts.{self.name}. A {HTTPS_ADDRESS}"]
        return "".join(line + "\n" for line in lines)


class World:
    """DNS, policy host and a mail server for every domain."""

    def __init__(self, folder, domains):
        self.domains = domains
        self.certificates = Certificates(folder / "tls")
        self.smtp = SmtpServer(self.certificates, lambda *_: [])
        self.holes = []
        self.dns = DnsTree(str(folder), DNS, "".join(
            d.records(self.certificates) for d in domains))
        self.https = HttpsServer(HTTPS_ADDRESS, HTTPS, self.certificates, {
            f"mta-sts.{d.name}": {"policy": policy("enforce", d.host)}
            for d in domains if d.kind == "sts"})

    def start(self):
        for d in self.domains:
            if d.dead == "silent":
                self.holes += black_hole(d.address, SMTP)
            elif not d.dead:
                wish = {"certificate": d.certificate}
                self.smtp.listen(d.address, SMTP, d.host, {
                    "tls": wish if d.certificate else None})
                if d.certificate:
                    self.smtp.context(self.smtp.listeners[d.address], wish)
        self.dns.start()
        threading.Thread(target=self.https.serve_forever, daemon=True).start()
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self.dns.stop()

    def _accept(self):
        selector = selectors.DefaultSelector()
        for listener in self.smtp.listeners.values():
            listener.sock.setblocking(False)
            selector.register(listener.sock, selectors.EVENT_READ, listener)
        while True:
            for key, _ in selector.select():
                try:
                    key.data.accept()
                except OSError:
                    pass


def highest_kb(pid):
    """The most memory the process ever had; 0 once it is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def run(folder, world, jobs):
    """The results by domain, and the figures of the run."""
    names = folder / "domains"
    names.write_text("".join(d.name + "\n" for d in world.domains))
    out = folder / "results.json"
    begin, highest = time.monotonic(), 0
    with open(out, "w") as file:
        child = subprocess.Popen(
            [POSTSEAL, "check", "--file", names, "--jobs", str(jobs),
             "--json", "--resolver", f"127.0.0.1@{DNS}", "--trust-anchor",
             world.dns.anchor, "--ca", world.certificates.ca_file, "--port",
             str(SMTP), "--mta-sts-port", str(HTTPS), "--helo",
             "gate.clinic.example"], stdout=file)
        while child.poll() is None:
            highest = max(highest, highest_kb(child.pid))
            time.sleep(0.02)
    seconds = time.monotonic() - begin
    results = [json.loads(line) for line in out.read_text().splitlines()]
    return {r["domain"]: r for r in results}, {
        "domains": len(world.domains), "jobs": jobs,
        "seconds": round(seconds, 2), "highest_mb": round(highest / 1024, 1),
        "exit": child.returncode, "results": len(results)}


def wrong_answers(world, results):
    for d in world.domains:
        got = results.get(d.name)
        if got is None:
            yield f"{d.name} ({d.kind}): no result"
        elif (got["answers"]["verified"]["possible"] is True) != d.verified:
            yield (f"{d.name} ({d.kind}): verified is "
                   f"{got['answers']['verified']}")


def bad_manners(world):
    """TL-02: what no polite prober does."""
    for facts in world.smtp.records:
        said = [line.split(" ")[0].upper() for line in facts["commands"]]
        if not set(said) <= ALLOWED:
            yield f"{facts['address']}: {said}"
        for line in facts["commands"]:
            if line.upper().startswith("EHLO") and line[5:] != \
                    "gate.clinic.example":
                yield f"{facts['address']}: {line}"
        # An orderly end wherever the conversation could still go on.
        if facts["end"] not in ("quit", "handshake failed"):
            yield f"{facts['address']}: ended with {facts['end']}"


def most_at_once(world):
    """Of one host, over all hosts."""
    highest = 0
    by_host = collections.defaultdict(list)
    for facts in world.smtp.records:
        by_host[facts["address"]] += [(facts["opened"], 1),
                                      (facts["closed"] or time.time(), -1)]
    for moves in by_host.values():
        now = 0
        for _, move in sorted(moves):
            now += move
            highest = max(highest, now)
    return highest


def main():
    words = argparse.ArgumentParser(prog="bench/check_many")
    words.add_argument("--domains", type=int, default=1000)
    words.add_argument("--jobs", type=int, default=100)
    words.add_argument("--json", help="write the figures there")
    words = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        print(f"making {words.domains} domains", flush=True)
        world = World(folder, [Made(i) for i in range(words.domains)])
        try:
            world.start()
            results, figures = run(folder, world, words.jobs)
            time.sleep(0.5)
            wrong = [*wrong_answers(world, results)]
            rude = [*bad_manners(world)]
        finally:
            world.stop()
    figures |= {
        "dead": sum(1 for d in world.domains if d.dead),
        "wrong": len(wrong), "bad_manners": len(rude),
        "connections": len(world.smtp.records),
        "handshakes": sum(1 for r in world.smtp.records if r["tls"]),
        "most_connections_to_one_host": most_at_once(world)}
    for line in (wrong + rude)[:20]:
        print(line)
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):30} {value}")
    if words.json:
        Path(words.json).write_text(json.dumps(figures, indent=2) + "\n")
    sys.exit(1 if wrong or rude else 0)


if __name__ == "__main__":
    main()

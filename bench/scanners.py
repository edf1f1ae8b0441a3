"""`postseal check`, posttls-finger and testssl.sh look at the same hosts.

Each fact that two of them tell is compared; a difference that is not explained
below fails the run. Hosts are those of the practice Internet (as root).
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.practice.domains import DOMAINS
from tests.practice.internet import PracticeInternet
from tests.practice.processes import SERVERS, environment

ROOT = Path(__file__).resolve().parents[1]
POSTSEAL = Path(os.environ.get("POSTSEAL_BUILD",
                               ROOT / "build")) / "src/cli/postseal"
BASE = int(os.environ.get("POSTSEAL_PORT_BASE", "20000")) + 760
# One of each kind of server and defect; the slow scanner takes them in turn.
TESTSSL = ["sts", "pkix", "old", "expired", "selfsigned", "dane301"]
VERSIONS = {"TLSv1": "TLS1", "TLSv1.1": "TLS1_1", "TLSv1.2": "TLS1_2",
            "TLSv1.3": "TLS1_3"}

WHY = {
    "group": "postseal offers P-256 first (SP 800-52r2 and FIPS prefer the "
             "NIST curves), the other X25519; both servers take the first",
    "not below": "OpenSSL's security level 2, the system's default, keeps "
                 "posttls-finger from going below TLS 1.2; postseal tells what "
                 "an open delivery gets",
}


def iana_names():
    """OpenSSL's names of suites -> IANA's."""
    out = subprocess.run(["openssl", "ciphers", "-stdname",
                          "ALL:COMPLEMENTOFALL:@SECLEVEL=0"],
                         capture_output=True, text=True, check=True).stdout
    names = {}
    for line in out.splitlines():
        words = line.split()
        names[words[2]] = words[0]
    return names


IANA = iana_names()


def timed(command, wait_s=300, **more):
    begin = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True,
                          check=False, timeout=wait_s,
                          stdin=subprocess.DEVNULL, **more)
    return done, time.monotonic() - begin


# --- three ways to look ----------------------------------------------------
def by_postseal(net, domain, host):
    facts = net.facts
    done, seconds = timed(
        [POSTSEAL, "check", domain.name, "--json", "--resolver",
         f"{facts['resolver']}@{facts['dns_port']}", "--trust-anchor",
         facts["trust_anchor"], "--ca", facts["ca_file"], "--port",
         str(facts["smtp_port"]), "--mta-sts-port", str(facts["https_port"]),
         "--helo", "gate.clinic.example"])
    look = json.loads(done.stdout)
    for one in look["hosts"]:
        for address in one["addresses"]:
            if address["address"] == host.address:
                return seen_by_postseal(address), seconds
    return None, seconds


def seen_by_postseal(address):
    tls = address["tls"]
    leaf = address["chain"][0] if address["chain"] else {}
    return {
        "tls": tls is not None,
        "version": tls and tls["version"],
        "cipher": tls and tls["cipher"],
        "group": tls and tls["group"].replace("P-256", "prime256v1"),
        "certificate": leaf.get("sha256"),
        "key": leaf.get("spki_sha256"),
        "trusted": address["trusted"],
        "until": (leaf.get("not_after") or "")[:16].replace("T", " "),
        "versions": {name for name, trial in address["versions"].items()
                     if trial["result"] == "accepted"},
        "suites": {name: trial["cipher"]
                   for name, trial in address["versions"].items()
                   if trial["result"] == "accepted"},
    }


def by_finger(net, host, name):
    done, seconds = timed(
        [SERVERS / "usr/sbin/posttls-finger", "-c", "-l", "secure", "-F",
         net.facts["ca_file"], "-t", "10",
         f"[{host.address}]:{net.facts['smtp_port']}", name],
        env=environment() | {
            "MAIL_CONFIG": f"{net.folder}/postfix/config"})
    text = done.stdout + done.stderr
    shown = re.search(r"fingerprint=([0-9A-F:]+), "
                      r"pkey_fingerprint=([0-9A-F:]+)", text)
    up = re.search(r"(\w+) TLS connection established to \S+ (\S+) with cipher"
                   r" (\S+) .*?(?:key-exchange (\S+)|$)", text)
    kind = up and re.search(r"ECDHE \(([^)]+)\)", text)
    return {
        "tls": up is not None,
        "version": up and up.group(2),
        "cipher": up and IANA.get(up.group(3), up.group(3)),
        "group": up and (kind.group(1) if kind else up.group(4)),
        "certificate": shown and plain(shown.group(1)),
        "key": shown and plain(shown.group(2)),
        "trusted": up is not None and up.group(1) == "Verified",
    }, seconds


def plain(fingerprint):
    return fingerprint.replace(":", "").lower()


def mx_name(domain, host):
    """What the domain calls the host: an MX may be an alias."""
    names = [name for _, name in domain.mx] or [domain.name]
    return host.name if host.name in names else names[0]


def by_testssl(net, host, folder):
    out = folder / f"{host.name}.json"
    _, seconds = timed(
        ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--nodns",
         "none", "-t", "smtp", "--ip", host.address, "--add-ca",
         net.facts["ca_file"], "-p", "-P", "-S", "--jsonfile", out,
         f"{host.name}:{net.facts['smtp_port']}"])
    found = {}
    for one in json.loads(out.read_text()):
        found.setdefault(one["id"], one["finding"])
    return {
        "versions": {name for name, key in VERSIONS.items()
                     if found.get(key, "").startswith("offered")},
        "certificate": found.get("cert_fingerprintSHA256", "").lower(),
        "trusted": found.get("cert_chain_of_trust", "").startswith("passed")
        and found.get("cert_trust", "").startswith("Ok")
        and "expired" not in found.get("cert_expirationStatus", ""),
        "until": found.get("cert_notAfter", ""),
    }, seconds


# --- side by side ----------------------------------------------------------
def explained(fact, ours, theirs):
    if fact == "group" and {ours, theirs} == {"prime256v1", "X25519"}:
        return WHY["group"]
    return ""


def compare(who, host, ours, theirs, tally):
    for fact, value in theirs.items():
        if not ours["tls"] and fact != "tls" or value is None:
            continue
        tally["facts"] += 1
        if ours[fact] == value:
            tally["same"] += 1
            continue
        why = explained(fact, ours[fact], value)
        if not why and not theirs.get("tls", True) and ours["version"] in (
                "TLSv1", "TLSv1.1"):
            why = WHY["not below"]
        tally["explained" if why else "unexplained"] += 1
        key = (who, fact, why or f"{host.name}: postseal {ours[fact]}, "
               f"{who} {value}")
        tally["why"][key] = tally["why"].get(key, 0) + 1


def hosts():
    """Servers that answer like servers; what hangs is for the tests."""
    for domain in DOMAINS.values():
        for host in domain.hosts:
            misbehaves = host.script or domain.bogus or domain.broken
            if (host.server in ("postfix", "exim", "scripted")
                    and not misbehaves):
                yield domain, host


def new_tally():
    return {"facts": 0, "same": 0, "explained": 0, "unexplained": 0,
            "hosts": 0, "seconds": [], "ours_seconds": [], "why": {}}


def look(net, folder, testssl_n):
    finger, testssl = new_tally(), new_tally()
    slow = [f"{name}.example" for name in TESTSSL[:testssl_n]]
    for domain, host in hosts():
        ours, our_seconds = by_postseal(net, domain, host)
        if ours is None:
            continue
        for who, tally, act in [
                ("posttls-finger", finger, lambda: by_finger(net, host,
                                                               mx_name(domain, host))),
                ("testssl.sh", testssl,
                 lambda: by_testssl(net, host, folder))]:
            if who == "testssl.sh" and (domain.name not in slow
                                        or not ours["tls"]):
                continue
            theirs, seconds = act()
            compare(who, host, ours, theirs, tally)
            tally["hosts"] += 1
            tally["seconds"].append(seconds)
            tally["ours_seconds"].append(our_seconds)
    return {"posttls-finger": finger, "testssl.sh": testssl}


def main():
    words = argparse.ArgumentParser(prog="bench/check_compare")
    words.add_argument("--testssl", type=int, default=len(TESTSSL),
                       help="how many hosts testssl.sh looks at")
    words.add_argument("--json", help="write the figures there")
    words = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with PracticeInternet(Path(folder) / "net", BASE) as net:
            found = look(net, Path(folder), words.testssl)
    for who, tally in found.items():
        print(f"\n{who}: {tally['hosts']} hosts, {tally['facts']} facts: "
              f"{tally['same']} the same, {tally['explained']} explained, "
              f"{tally['unexplained']} not explained")
        if tally["hosts"]:
            theirs = statistics.median(tally["seconds"])
            ours = statistics.median(tally["ours_seconds"])
            print(f"  median {theirs:.3f} s a host; postseal {ours:.3f} s for "
                  f"its whole domain: {theirs / ours:.2f} times as long")
        for (_, fact, why), n in sorted(tally["why"].items()):
            print(f"  {n} x {fact}: {why}")
    if words.json:
        for tally in found.values():
            tally["why"] = [[*key, n] for key, n in tally["why"].items()]
        Path(words.json).write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(any(tally["unexplained"] for tally in found.values()))


if __name__ == "__main__":
    main()

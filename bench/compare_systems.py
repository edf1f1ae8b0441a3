"""Runs postseal and Postfix by turns over one load generator and one sink."""

import argparse
import grp
import json
import os
import pwd
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.direct import intact
from tests.practice import processes
from tests.practice.postfix import DROP_GROUP, MAIL_USER, OWNER, SERVICES
from tests.practice.processes import ROOT, SERVERS

BUILD = ROOT / "build"
WORK = BUILD / "bench-work"
POSTSEAL = BUILD / "src/cli/postseal"
BASE = int(os.environ.get("POSTSEAL_PORT_BASE", "20000")) + 700
PORTS = {"postseal": BASE, "postfix": BASE + 1, "sink": BASE + 2}

POSTSEAL_CONF = """\
hostname gate.example
data     data
tls {{ certificate {tls}/cert.pem  key {tls}/key.pem }}
listen 127.0.0.1:{port} {{ accept-from 127.0.0.0/8 }}
limits {{ connections 5000  connections-per-source 5000 }}
delivery {{ retry 2s 5s 10s  connections-per-destination 20 }}
route * {{ to 127.0.0.1:{sink}  floor tls }}
rule "all" {{ floor tls  ladder tls }}
log {{ level info }}
"""

# As a good administrator would set up a relay for this load.
POSTFIX_CONF = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = {servers}/usr/lib/postfix/sbin
command_directory = {servers}/usr/sbin
shlib_directory = no
meta_directory = {folder}/config
mail_owner = {owner}
setgid_group = {drop_group}
default_privs = {mail_user}
import_environment = MAIL_CONFIG MAIL_LOGTAG TZ LANG=C POSTLOG_SERVICE
    POSTLOG_HOSTNAME LD_LIBRARY_PATH PATH
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = gate.example
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
message_size_limit = 209715200
smtp_host_lookup = native
disable_dns_lookups = yes
smtpd_peername_lookup = no
relayhost = [127.0.0.1]:{sink}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_tls_security_level = may
smtpd_tls_chain_files = {tls}/key.pem {tls}/cert.pem
smtp_tls_security_level = encrypt
smtp_tls_connection_reuse = yes
smtp_connection_cache_on_demand = yes
smtp_connection_cache_destinations = [127.0.0.1]
smtp_connection_reuse_count_limit = 0
default_destination_concurrency_limit = 20
initial_destination_concurrency = 20
default_process_limit = {processes}
in_flow_delay = 0
notify_classes =
"""


class System:
    """A mail system under load: start, processes, stop."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    def pids(self):
        """The master and everything below it."""
        tree = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = stat.read_text()
            except OSError:
                continue
            fields = text.rpartition(")")[2].split()
            tree.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        found, left = [], [self.process.pid]
        while left:
            pid = left.pop()
            found.append(pid)
            left += tree.get(pid, [])
        return found

    def cpu(self):
        """Seconds of processor time so far, children that ended included."""
        total = 0
        for pid in self.pids():
            try:
                text = Path(f"/proc/{pid}/stat").read_text()
            except OSError:
                continue
            total += sum(map(int, text.rpartition(")")[2].split()[11:15]))
        return total / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """Kilobytes that only these processes hold."""
        total = 0
        for pid in self.pids():
            try:
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in text.splitlines()
                         if line.startswith("Private_"))
        return total

    def peaks(self):
        """Name to peak resident kilobytes, a process each."""
        found = {}
        for pid in self.pids():
            status = Path(f"/proc/{pid}/status").read_text().splitlines()
            fields = dict(line.split(":", 1) for line in status if ":" in line)
            if "VmHWM" in fields:
                found[fields["Name"].strip()] = int(
                    fields["VmHWM"].split()[0])
        return found

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.process = None


class Postseal(System):
    name = "postseal"

    def start(self, tls):
        subprocess.run([POSTSEAL, "init", self.folder / "gate", "--hostname",
                        "gate.example", "--quiet"], check=True)
        config = self.folder / "gate/postseal.conf"
        config.write_text(POSTSEAL_CONF.format(
            tls=tls, port=PORTS["postseal"], sink=PORTS["sink"]))
        log = open(self.folder / "log", "w", encoding="utf-8")
        self.process = subprocess.Popen([POSTSEAL, "serve", "-c", config],
                                        stderr=log, stdout=log)
        processes.wait_for_port("127.0.0.1", PORTS["postseal"], self.process,
                                self.folder / "log")


class Postfix(System):
    name = "postfix"

    def start(self, tls):
        owner = pwd.getpwnam(OWNER)
        queue = self.folder / "queue"
        for name in ("config", "data", "queue/pid"):
            (self.folder / name).mkdir(parents=True)
        for name in ("active", "bounce", "corrupt", "defer", "deferred",
                     "flush", "hold", "incoming", "private", "saved",
                     "trace"):
            (queue / name).mkdir(mode=0o700)
            os.chown(queue / name, owner.pw_uid, 0)
        for name in ("maildrop", "public"):
            (queue / name).mkdir(mode=0o710)
            os.chown(queue / name, owner.pw_uid,
                     grp.getgrnam(DROP_GROUP).gr_gid)
        os.chown(self.folder / "data", owner.pw_uid, owner.pw_gid)
        config = self.folder / "config"
        (config / "main.cf").write_text(POSTFIX_CONF.format(
            folder=self.folder, servers=SERVERS, owner=OWNER,
            drop_group=DROP_GROUP, mail_user=MAIL_USER, tls=tls,
            sink=PORTS["sink"], processes=1100))
        (config / "master.cf").write_text(
            SERVICES + f"127.0.0.1:{PORTS['postfix']} inet n - n - - smtpd\n"
            "smtp unix - - n - 40 smtp\nrelay unix - - n - 40 smtp\n"
            "tlsproxy unix - - n - 0 tlsproxy\n")
        self.process = processes.start(
            processes.any_folder()
            + [SERVERS / "usr/lib/postfix/sbin/master", "-c", config, "-d"],
            self.folder / "master.log")
        processes.wait_for_port("127.0.0.1", PORTS["postfix"], self.process,
                                self.folder / "master.log")


def certificate(folder):
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
         "/CN=localhost", "-keyout", folder / "key.pem", "-out",
         folder / "cert.pem"], check=True, stderr=subprocess.DEVNULL)
    return folder


class Wrong(Exception):
    """A run whose mail did not all arrive once and intact says nothing."""


def run(system, tls, messages, connections, size=4096, fresh=False,
        quick=False, resume=False):
    """One load run; what was measured."""
    more = ["--quickack"] if quick else []
    sink = subprocess.Popen(
        [BUILD / "bench/sink", "--port", str(PORTS["sink"]), "--wait",
         str(messages), "--seconds", "300", "--certificate",
         tls / "cert.pem", "--key", tls / "key.pem", *more],
        stdout=subprocess.PIPE, text=True)
    processes.wait_for_port("127.0.0.1", PORTS["sink"], sink, WORK / "log")
    cpu = system.cpu()
    begun = time.monotonic_ns()
    load = subprocess.run(
        [BUILD / "bench/load", "--to", f"127.0.0.1:{PORTS[system.name]}",
         "--connections", str(connections), "--messages", str(messages),
         "--size", str(size), "--tls", *more,
         *(["--fresh"] if fresh else []),
         *(["--resume"] if resume else [])],
        stdout=subprocess.PIPE, text=True, check=False)
    out, _ = sink.communicate()
    cpu = system.cpu() - cpu
    sent, got = json.loads(load.stdout), json.loads(out)
    if not intact(sent, got, messages):
        raise Wrong(f"{system.name}: {sent} {got}")
    if resume and sent["resumed"] == 0:
        raise Wrong(f"{system.name}: no session was resumed: {sent}")
    seconds = (got["last_ns"] - begun) / 1e9
    return {"per_second": messages / seconds,
            "cpu_s_per_1000": cpu / messages * 1000,
            "latency_ms": got["latency_ms"]["p50"],
            "resumed": sent["resumed"] / messages}


def idle_memory(system, count):
    before = system.memory()
    load = subprocess.Popen(
        [BUILD / "bench/load", "--to", f"127.0.0.1:{PORTS[system.name]}",
         "--tls", "--idle", str(count)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    held = json.loads(load.stdout.readline())["idle"]
    time.sleep(2)
    grown = system.memory() - before
    load.communicate("")
    if held != count:
        raise Wrong(f"{system.name}: only {held} idle sessions")
    return {"kb_per_session": grown / count}


def big_message(system, tls):
    run(system, tls, 20, 1)
    before = system.peaks()
    run(system, tls, 1, 1, size=100_000_000)
    after = system.peaks()
    grown = {name: after[name] - before.get(name, 0) for name in after}
    return {"kb_growth": max(grown.values()), "roles": grown}


def say(text):
    print(text, file=sys.stderr, flush=True)


def measure(options, tls):
    n = 1 if options.quick else 5
    plans = {
        "kept": dict(messages=2000 * n, connections=20),
        "kept, quick acks": dict(messages=2000 * n, connections=20,
                                 quick=True),
        "fresh": dict(messages=600 * n, connections=20, fresh=True),
        "resumed": dict(messages=600 * n, connections=20, fresh=True,
                        resume=True),
        "one at a time": dict(messages=60 * n, connections=1),
        "one at a time, quick acks": dict(messages=60 * n, connections=1,
                                          quick=True),
    }
    results = {name: {"postseal": [], "postfix": []} for name in plans}
    extra = {}
    for number in range(options.rounds):
        for kind in (Postseal, Postfix):
            system = kind(WORK / kind.name)
            system.start(tls)
            try:
                run(system, tls, 50, 5)
                for name, plan in plans.items():
                    say(f"round {number + 1}/{options.rounds} "
                        f"{kind.name}: {name}")
                    results[name][kind.name].append(run(system, tls, **plan))
                if number == 0:
                    extra.setdefault("idle", {})[kind.name] = idle_memory(
                        system, 200 if options.quick else 1000)
                if number == 0 and kind is Postseal:
                    extra["big"] = big_message(system, tls)
            finally:
                system.stop()
    return results, extra


def middle(rows, key):
    return statistics.median(row[key] for row in rows)


FIGURES = [
    # what, plan, key, unit, wanted ratio, more is better
    ("delivered /s, kept connections", "kept", "per_second", 5, True),
    ("delivered /s, kept, quick ACKs", "kept, quick acks", "per_second", 3,
     True),
    ("delivered /s, one connection each", "resumed", "per_second", 3, True),
    ("the same, none resumed", "fresh", "per_second", None, True),
    ("CPU s per 1,000, kept", "kept", "cpu_s_per_1000", 5, False),
    ("median ms, idle gateway", "one at a time", "latency_ms", None, False),
    ("median ms, idle, quick ACKs", "one at a time, quick acks", "latency_ms",
     None, False),
]


def report(results, extra):
    print(f"{'figure':36} {'postfix':>10} {'postseal':>10} {'ratio':>7} "
          f"{'wanted':>9}")
    rows = []
    for what, plan, key, wanted, more in FIGURES:
        a = middle(results[plan]["postfix"], key)
        b = middle(results[plan]["postseal"], key)
        ratio = b / a if more else a / b
        goal = f">= {wanted} x" if wanted else "< 10 ms" if not more else ""
        met = ratio >= wanted if wanted else more or b < 10
        rows.append(dict(figure=what, postfix=a, postseal=b, ratio=ratio,
                         met=met))
        print(f"{what:36} {a:10.2f} {b:10.2f} {ratio:6.1f}x {goal:>9} "
              f"{'' if met else 'missed'}")
    a = extra["idle"]["postfix"]["kb_per_session"]
    b = extra["idle"]["postseal"]["kb_per_session"]
    print(f"{'KB per idle TLS session':36} {a:10.1f} {b:10.1f} {a / b:6.1f}x "
          f"{'< 40 KB':>9} {'' if b < 40 else 'missed'}")
    big = extra["big"]["kb_growth"]
    print(f"{'KB growth of any role, 100 MB':36} {'-':>10} {big:10.0f} "
          f"{'':7} {'< 8192':>9} {'' if big < 8192 else 'missed'}")
    return rows


def main():
    parser = argparse.ArgumentParser(prog="bench/compare", description=__doc__)
    parser.add_argument("--quick", action="store_true",
                        help="a fifth of the messages")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench/compare runs Postfix's master and needs root")
    WORK.mkdir(parents=True, exist_ok=True)
    tls = certificate(WORK / "tls")
    try:
        results, extra = measure(options, tls)
    except Wrong as wrong:
        sys.exit(f"no figures: mail was lost, doubled or changed: {wrong}")
    rows = report(results, extra)
    if options.json:
        Path(options.json).write_text(json.dumps(
            dict(figures=rows, results=results, extra=extra), indent=1))


if __name__ == "__main__":
    main()

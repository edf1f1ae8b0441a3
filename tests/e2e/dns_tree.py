# SPDX-License-Identifier: Apache-2.0
"""A small DNS tree on loopback for the delivery tests: Knot with a signed
root that holds everything, and children that are unsigned (insecure),
wrongly delegated (bogus), or without content (SERVFAIL)."""

import glob
import os
import shutil
import socket
import subprocess
import time

# Unpacked, not installed: see tests/practice/README.md.
UNPACKED = os.path.abspath(os.path.join(
    os.path.dirname(__file__), "../../build/practice-root/usr"))
ENVIRONMENT = dict(os.environ, LD_LIBRARY_PATH=":".join(
    glob.glob(UNPACKED + "/lib/*-linux-gnu*")))

HEAD = """$TTL 60
@ SOA ns. admin. 1 3600 600 86400 5
@ NS ns.
"""


class DnsTree:
    def __init__(self, directory, port, root_lines, insecure_lines="",
                 address="127.0.0.1"):
        self.dir = os.path.join(directory, "dns")
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        self.port, self.address = port, address
        self.anchor = os.path.join(self.dir, "root.key")
        root = HEAD + "ns. A 127.0.0.1\n" + root_lines + (
            "insecure.example. NS ns.\n"
            "bogus.example. NS ns.\n"
            "bogus.example. DS 12345 13 2 " + "ab" * 32 + "\n"
            "servfail.example. NS ns.\n")
        child = "$TTL 60\n@ SOA ns. admin. 1 3600 600 86400 5\n@ NS ns.\n"
        self._write("root.zone", root)
        self._write("insecure.zone", child + insecure_lines)
        self._write("bogus.zone", child + "@ MX 10 mx\nmx A 127.0.0.1\n")
        self._write("knot.conf", self._conf())
        self.process = None

    def _write(self, name, text):
        with open(os.path.join(self.dir, name), "w") as f:
            f.write(text)

    def _conf(self):
        return f"""
server:
    rundir: {self.dir}
    listen: {self.address}@{self.port}
    user: {'root' if os.geteuid() == 0 else ''}
database:
    storage: {self.dir}
log:
  - target: {self.dir}/knot.log
    any: info
policy:
  - id: plain
    algorithm: ecdsap256sha256
    single-type-signing: on
zone:
  - domain: .
    storage: {self.dir}
    file: root.zone
    zonefile-sync: -1
    journal-content: none
    zonefile-load: whole
    dnssec-signing: on
    dnssec-policy: plain
  - domain: insecure.example.
    storage: {self.dir}
    file: insecure.zone
  - domain: bogus.example.
    storage: {self.dir}
    file: bogus.zone
  - domain: servfail.example.
    storage: {self.dir}
    file: missing.zone
"""

    def start(self):
        conf = os.path.join(self.dir, "knot.conf")
        self.process = subprocess.Popen(
            [UNPACKED + "/sbin/knotd", "-c", conf],
            env=ENVIRONMENT, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        until = time.time() + 15
        while time.time() < until:
            got = subprocess.run(
                [UNPACKED + "/sbin/keymgr", "-c", conf, ".", "ds"],
                env=ENVIRONMENT, capture_output=True, text=True)
            line = [l for l in got.stdout.splitlines() if " 13 2 " in l]
            if line and self._answers():
                with open(self.anchor, "w") as f:
                    f.write(line[0].replace(". DS", ". IN DS") + "\n")
                return self
            time.sleep(0.1)
        raise RuntimeError("knotd did not start: see " + self.dir)

    def _answers(self):
        query = (b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                 b"\x00\x00\x06\x00\x01")  # . SOA
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.5)
            try:
                s.sendto(query, (self.address, self.port))
                return s.recv(512)[3] & 15 == 0
            except OSError:
                return False

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(10)

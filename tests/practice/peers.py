"""One process with everything scripted: SMTP, HTTPS, greylisting, control.

    python3 -m tests.practice.peers FACTS.json

The control port takes one JSON object a line and answers one a line; see
control.py for what can be said.
"""

import base64
import json
import os
import signal
import socket
import socketserver
import sys
import threading
import time
from pathlib import Path

from tests.practice.certificates import Certificates
from tests.practice.domains import DOMAINS, HOSTS, HTTPS_ADDRESS
from tests.practice.https import HttpsServer
from tests.practice.scripted import SmtpServer

LOCAL = "127.0.0.1"


class Mail:
    """Accepted messages as files, where the real receivers' are as well."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.count = 0
        self.lock = threading.Lock()

    def keep(self, message, body):
        paths = []
        for recipient in message["recipients"]:
            address = recipient.partition(">")[0].lstrip("<")
            with self.lock:
                self.count += 1
                name = f"{time.time():.6f}.{self.count}.scripted"
            box = self.folder / address.rpartition("@")[2].lower() / "new"
            box.mkdir(parents=True, exist_ok=True)
            head = (f"Return-Path: {message['sender'].partition(' ')[0]}\r\n"
                    f"Delivered-To: {address}\r\n")
            temporary = self.folder / f"{name}.tmp"
            temporary.write_bytes(head.encode() + body)
            temporary.replace(box / name)
            paths.append(str(box / name))
        return paths


class Greylist(socketserver.StreamRequestHandler):
    """Postfix's policy protocol (SMTPD_POLICY_README)."""

    def handle(self):
        asked = {}
        for line in self.rfile:
            name, _, value = line.decode().strip().partition("=")
            if name:
                asked[name] = value
                continue
            self.wfile.write(f"action={self._answer(asked)}\n\n".encode())
            asked = {}

    def _answer(self, asked):
        seen = self.server.seen
        key = (asked.get("sender"), asked.get("recipient"))
        now = time.monotonic()
        if now - seen.setdefault(key, now) < self.server.wait_s:
            return "450 4.2.0 Greylisted, come back in a moment"
        return "DUNNO"


class Control(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            try:
                wish = json.loads(line)
                answer = getattr(self, "op_" + wish.pop("op"))(**wish)
                answer = {"ok": True} | (answer or {})
            except Exception as error:  # told to the caller, who raises it
                answer = {"ok": False, "error":
                          f"{type(error).__name__}: {error}"}
            self.wfile.write(json.dumps(answer).encode() + b"\n")

    def _listener(self, at):
        at = HOSTS[at].address if at in HOSTS else at
        return self.server.smtp.listeners[at]

    def op_script(self, at, script):
        self._listener(at).set(script)

    def op_reset(self, at=None):
        smtp = self.server.smtp
        chosen = [self._listener(at)] if at else smtp.listeners.values()
        for listener in chosen:
            listener.set(None)
        if at is None:
            self.server.https.sites = dict(self.server.https.defaults)
            self.server.greylist.seen.clear()

    def op_sessions(self, at=None, clear=False):
        smtp = self.server.smtp
        address = self._listener(at).address if at else None
        chosen = [facts for facts in smtp.records
                  if address in (None, facts["address"])]
        if clear:
            smtp.records[:] = [f for f in smtp.records if f not in chosen]
        return {"sessions": chosen}

    def op_messages(self, at=None, clear=False, body=False):
        smtp = self.server.smtp
        address = self._listener(at).address if at else None
        chosen = [dict(message) for message in smtp.messages
                  if address in (None, message["address"])]
        for message in chosen:
            if body:
                data = Path(message["files"][0]).read_bytes()
                message["body"] = base64.b64encode(
                    data.split(b"\r\n", 2)[2]).decode()
        if clear:
            smtp.messages[:] = [m for m in smtp.messages
                                if address not in (None, m["address"])]
        return {"messages": chosen}

    def op_drop(self, at):
        """Resets every open connection at an address."""
        for session in list(self._listener(at).sessions):
            session.stopped.set()
            try:
                session.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def op_site(self, host, site):
        self.server.https.set(host, site)

    def op_requests(self, host=None, clear=False):
        seen = self.server.https.requests_seen
        chosen = [one for one in seen if host in (None, one["host"])]
        if clear:
            seen[:] = [one for one in seen if one not in chosen]
        return {"requests": chosen}

    def op_greylist(self, wait_s):
        self.server.greylist.wait_s = wait_s
        self.server.greylist.seen.clear()


class LineServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def black_hole(address, port):
    """A port whose queue is full: what comes is neither taken nor refused."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address, port))
    except OSError:  # a machine without IPv6: refused there, then
        return []
    sock.listen(0)
    kept = [sock]
    for _ in range(4):
        client = socket.socket(family, socket.SOCK_STREAM)
        client.setblocking(False)
        client.connect_ex((address, port))
        kept.append(client)
    return kept


def _smtp(facts, certificates):
    smtp = SmtpServer(certificates, Mail(facts["mail_folder"]).keep)
    holes = []
    for host in HOSTS.values():
        if host.server == "scripted":
            script = {"tls": {"certificate": host.certificate}
                      if host.certificate else None} | (host.script or {})
            smtp.listen(host.address, facts["smtp_port"], host.name, script)
        if host.server == "blackhole":
            holes += black_hole(host.address, facts["smtp_port"])
        if host.aaaa:
            holes += black_hole(host.aaaa, facts["smtp_port"])
    return smtp, holes


def _accept_for_ever(smtp):
    import selectors
    selector = selectors.DefaultSelector()
    for listener in smtp.listeners.values():
        listener.sock.setblocking(False)
        selector.register(listener.sock, selectors.EVENT_READ, listener)
    while True:
        for key, _ in selector.select():
            try:
                key.data.accept()
            except OSError:
                pass


def main(path):
    facts = json.loads(Path(path).read_text())
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    certificates = Certificates(facts["certificates"])
    smtp, _holes = _smtp(facts, certificates)
    sites = {f"mta-sts.{domain.name}": domain.sts
             for domain in DOMAINS.values() if domain.sts}
    sites["openpgpkey.pgp.example"] = {
        "content_type": "application/octet-stream",
        "paths": {path: {"base64": text}
                  for path, text in facts["wkd"].items()}}
    https = HttpsServer(HTTPS_ADDRESS, facts["https_port"], certificates,
                        sites)
    greylist = LineServer((LOCAL, facts["greylist_port"]), Greylist)
    greylist.wait_s = facts["greylist_seconds"]
    greylist.seen = {}
    control = LineServer((LOCAL, facts["control_port"]), Control)
    control.smtp, control.https, control.greylist = smtp, https, greylist
    for server in (https, greylist, control):
        threading.Thread(target=server.serve_forever, args=(0.2,),
                         daemon=True).start()
    _accept_for_ever(smtp)


if __name__ == "__main__":
    main(sys.argv[1])

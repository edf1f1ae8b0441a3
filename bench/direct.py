"""Generator and sink with nothing between them: the limits, and the control.

  limits     what this machine and these tools can do at most
  selftest   shows that a lost, a doubled and a changed message are noticed
"""

import json
import os
import socket
import smtplib
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("POSTSEAL_BUILD", ROOT / "build")) / "bench"
BASE = int(os.environ.get("POSTSEAL_PORT_BASE", "20000")) + 710
HOST = "127.0.0.1"


def intact(sent, got, messages):
    """Whether all were acknowledged and arrived once and unchanged."""
    return (sent["accepted"], got["unique"], got["doubled"],
            got["corrupt"]) == (messages, messages, 0, 0)


def start_sink(wait, seconds, tls=None, more=()):
    files = []
    if tls:
        files = ["--certificate", tls / "cert.pem", "--key", tls / "key.pem"]
    sink = subprocess.Popen(
        [BUILD / "sink", "--port", str(BASE), "--wait", str(wait),
         "--seconds", str(seconds), *files, *more],
        stdout=subprocess.PIPE, text=True)
    for _ in range(100):
        try:
            socket.create_connection((HOST, BASE)).close()
            return sink
        except OSError:
            time.sleep(0.05)
    sink.kill()
    sys.exit(f"the sink does not listen on port {BASE}")


def load(port, messages, *more):
    done = subprocess.run(
        [BUILD / "load", "--to", f"{HOST}:{port}", "--messages",
         str(messages), *more], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-keyout", folder / "key.pem", "-out",
         folder / "cert.pem"], check=True, stderr=subprocess.DEVNULL)
    return folder


def limits(messages=40000):
    figures = json.loads(subprocess.run(
        [BUILD / "limits"], cwd=ROOT / "build", check=True, text=True,
        stdout=subprocess.PIPE).stdout)
    with tempfile.TemporaryDirectory() as folder:
        for name, more in (("", []), ("_quick_acks", ["--quickack"])):
            sink = start_sink(messages, 120, certificate(Path(folder)), more)
            sent = load(BASE, messages, "--connections", "20", "--tls", *more)
            got = json.loads(sink.communicate()[0])
            if not intact(sent, got, messages):
                sys.exit(f"no figure: {sent} {got}")
            figures["direct_per_second" + name] = sent["per_second"]
    print(json.dumps(figures, indent=1))


class Keeper(socketserver.StreamRequestHandler):
    """Just enough SMTP to keep what the generator writes."""

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.say("220 keeper")
        for line in self.rfile:
            if not line.startswith(b"DATA"):
                self.say("250 ok")
                continue
            self.say("354 go")
            text = b""
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                text += line
            self.server.kept.append(text)
            self.say("250 kept")


def messages_of_the_generator(count):
    with socketserver.ThreadingTCPServer((HOST, 0), Keeper) as server:
        server.kept = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        load(server.server_address[1], count)
        server.shutdown()
        return server.kept


def verdict(mail, count):
    """What the sink says of this mail, and whether a run would count."""
    sink = start_sink(count, 2)
    with smtplib.SMTP(HOST, BASE) as client:
        for text in mail:
            client.sendmail("a@clinic.example", ["b@sink.example"], text)
    got = json.loads(sink.communicate()[0])
    return got, intact({"accepted": count}, got, count)


def selftest():
    good = messages_of_the_generator(5)
    body = good[2].index(b"\r\n\r\n") + 200
    changed = good[2][:body] + bytes([good[2][body] ^ 1]) + good[2][body + 1:]
    cases = [
        # name, mail, what the sink must count, whether the run counts
        ("all right", good, (5, 0, 0), True),
        ("one lost", good[:2] + good[3:], (4, 0, 0), False),
        ("one doubled", good + good[2:3], (5, 1, 0), False),
        ("one changed", good[:2] + [changed] + good[3:], (4, 0, 1), False),
        ("one cut", good[:2] + [good[2][:-78]] + good[3:], (4, 0, 1), False),
        ("a stranger's", good + [b"Subject: x\r\n\r\nx\r\n"], (5, 0, 1),
         False),
    ]
    failed = 0
    for name, mail, want, counts in cases:
        got, counted = verdict(mail, 5)
        seen = (got["unique"], got["doubled"], got["corrupt"])
        right = (seen, counted) == (want, counts)
        failed += not right
        print(f"{'ok' if right else 'FAILED':7} {name}: unique, doubled, "
              f"corrupt {seen}; {'counts' if counted else 'refused'}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    {"limits": limits, "selftest": selftest}[sys.argv[1]]()

"""What ./run shows: postseal between a sender and the practice Internet."""

import argparse
import json
import os
import re
import shutil
import signal
import smtplib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path

from tests.practice import PracticeInternet
from tests.practice.processes import PracticeError

ROOT = Path(__file__).resolve().parent.parent
POSTSEAL = ROOT / "build/src/cli/postseal"
SENDER = "clinic@clinic.example"

# recipient, subject, how a message must go, and a word that the reason holds:
# what the posture of each practice domain demands (docs/policy.md).
ROWS = [
    ("lee@dane.example", "Your results", "tls", "DANE"),
    ("sam@sts.example", "Your results", "tls", "MTA-STS"),
    ("kim@pkix.example", "Your results", "tls", "certificate"),
    ("ida@selfsigned.example", "Your results", "portal", "self-signed"),
    ("bob@expired.example", "Your results", "portal", "expired"),
    ("eve@wrongname.example", "Your results", "portal", "certificate is for"),
    ("ann@plain.example", "Your results", "portal", "STARTTLS"),
    ("joe@stripped.example", "Your results", "tls", "certificate"),
    ("pat@badsts.example", "Your results", "portal", "MTA-STS"),
    ("max@baddane.example", "Your results", "portal", "TLSA"),
    ("old@old.example", "Your results", "portal", "TLS"),
    ("gus@greylist.example", "Your results", "tls", ""),
    ("tom@down.example", "Your results", "portal", ""),
    ("nil@nullmx.example", "Your results", "failed", "null MX"),
    ("pia@pgp.example", "Your results", "tls", "certificate"),
    ("mia@smime.example", "Your results", "tls", "certificate"),
    ("kim@pkix.example", "[secure] Your results", "portal", ""),
    ("pia@pgp.example", "[lock] Your results", "pgp", "locked to key"),
    ("mia@smime.example", "[lock] Your results", "smime", "locked to key"),
    ("kim@pkix.example", "[lock] Your results", "portal", ""),
]

CONFIG = """\
# Written by ./run for the practice Internet; `postseal init` makes a real one.
hostname gate.clinic.example
data     {data}

tls {{ certificate {gate}/gate.pem  key {gate}/gate.key }}
{practice}
listen 127.0.0.1:{smtp} {{ accept-from 127.0.0.0/8 }}
portal {{
    url https://localhost:{https}
    listen 127.0.0.1:{https}
    organisation "Practice Clinic"
    from portal@clinic.example
    expire-after 30d
}}
metrics {{ listen 127.0.0.1:{metrics} }}

rule "marked sensitive" {{
    when subject contains "[secure]"
    floor sealed
    ladder portal
    strip-subject-marker "[secure]"
}}
rule "locked to the reader's key" {{
    when subject contains "[lock]"
    floor sealed
    ladder pgp smime portal
    keys candidates
    strip-subject-marker "[lock]"
}}
rule "everything else" {{ floor verified  ladder tls portal  switch-after 4s  tell-sender }}
"""


class Gate:
    """The gateway in a folder of its own."""

    def __init__(self, folder, practice, base):
        self.folder = folder
        self.practice = practice
        self.smtp, self.https, self.metrics = base + 1, base + 2, base + 3
        self.config = folder / "postseal.conf"
        self.process = None

    def postseal(self, *arguments):
        done = subprocess.run(
            [POSTSEAL, *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            sys.exit(f"postseal {' '.join(map(str, arguments))}:\n{done.stderr}")
        return done.stdout

    def start(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.postseal("init", self.folder, "--hostname", "gate.clinic.example")
        self.config.write_text(
            CONFIG.format(
                gate=self.folder,
                data=self.folder / "data",
                practice=self.practice.config_fragment(retry="1s 2s 3s 5s"),
                smtp=self.smtp,
                https=self.https,
                metrics=self.metrics,
            )
        )
        self.postseal("config", "check", "-c", self.config)
        log = open(self.folder / "gate.log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            [POSTSEAL, "serve", "-c", self.config], stderr=log, stdout=log
        )
        self.wait_ready()

    def wait_ready(self):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(
                    f"http://127.0.0.1:{self.metrics}/readyz", timeout=1
                )
                smtplib.SMTP("127.0.0.1", self.smtp, timeout=1).quit()
                return
            except (OSError, urllib.error.URLError, smtplib.SMTPException):
                time.sleep(0.05)
        tail = (self.folder / "gate.log").read_text()[-3000:]
        sys.exit(f"the gateway did not start:\n{tail}")

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def send(self, recipient, subject):
        """Hands one message in; the id the gateway gave it."""
        message = EmailMessage()
        message["From"] = f"Practice Clinic <{SENDER}>"
        message["To"] = recipient
        message["Subject"] = subject
        message.set_content("Dear reader,\n\nall values are as they should be.\n")
        client = smtplib.SMTP("127.0.0.1", self.smtp, timeout=10)
        client.ehlo("client.clinic.example")
        client.mail(SENDER)
        client.rcpt(recipient)
        code, reply = client.data(message.as_bytes(policy=SMTP_POLICY))
        client.quit()
        if code != 250:
            sys.exit(f"the gateway refused the message: {code} {reply!r}")
        return reply.decode().rsplit(" ", 1)[1]

    def story(self, message_id):
        text = self.postseal(
            "message", "show", message_id, "--json", "-c", self.config
        )
        return json.loads(text)["recipients"][0]


def pickup_link(practice, recipient, seen):
    """The link in the newest notice that reached the recipient's mailbox."""
    for raw in practice.mailbox(recipient):
        found = re.search(rb"https://localhost:\d+/p/[A-Za-z0-9_-]+", raw)
        if found and found.group(0) not in seen:
            seen.add(found.group(0))
            return found.group(0).decode()
    return ""


def notice_waits(gate, recipient):
    """Why a notice has not reached its reader: their servers' own policy or
    absence keeps it in the queue."""
    text = gate.postseal(
        "queue", "list", "--json", "--domain", recipient.rpartition("@")[2],
        "-c", gate.config,
    )
    for row in json.loads(text):
        if row["recipient"] == recipient and row["why"]:
            return f"(notice waits: {row['why']})"
    return "(the notice is on its way)"


LOCKED_BY = ("pgp", "smime")


def proof_of_lock(practice, recipient):
    """What somebody on the way sees, and what the reader sees."""
    for raw in reversed(practice.wait_mail(recipient)):
        if b"all values are as they should be" in raw:
            continue
        try:
            inner = message_from_bytes(practice.reader_keys.read(raw))
        except PracticeError:
            continue
        outer = message_from_bytes(raw)
        return (f"outside: {outer['Subject']}, inside with the reader's key: "
                f"{inner['Subject']}")
    return NOT_OPENED


NOT_OPENED = "the reader cannot open it"


def proof_of(gate, practice, recipient, story, seen):
    if story["state"] == "deposited":
        end = time.monotonic() + 2
        while time.monotonic() < end:
            link = pickup_link(practice, recipient, seen)
            if link:
                return link
            time.sleep(0.05)
        return notice_waits(gate, recipient)
    if sent_by(story) in LOCKED_BY:
        return proof_of_lock(practice, recipient)
    last = story["attempts"][-1] if story["attempts"] else {}
    tls = last.get("tls") or {}
    words = [tls.get("version"), tls.get("cipher")]
    text = " ".join(word for word in words if word)
    reply = last.get("reply") or ""
    return f"{text}, {reply}" if text and reply else text or reply or "DSN sent"


FINAL = {"delivered", "deposited", "failed", "expired", "deleted"}
SENT_BY = {"delivered": None, "deposited": "portal"}


def sent_by(story):
    if story["state"] == "delivered":
        return story["method"]
    return SENT_BY.get(story["state"], story["state"])


class Table:
    WIDTHS = (24, 9, 8, 52)

    def __init__(self, colour):
        self.colour = colour

    def line(self, cells):
        out = []
        for width, cell in zip(self.WIDTHS, cells):
            if len(cell) > width:
                cell = cell[: width - 2] + ".."
            out.append(cell.ljust(width))
        return "  ".join(out + [cells[len(self.WIDTHS)]])

    def head(self):
        text = self.line(["recipient", "floor", "sent by", "why", "proof"])
        print(f"\033[1m{text}\033[0m" if self.colour else text, flush=True)

    def row(self, recipient, story, proof, wrong):
        text = self.line(
            [recipient, story["floor"], sent_by(story), story["why"], proof]
        )
        if wrong:
            text += f"   <-- wrong: {wrong}"
        if self.colour:
            tone = 31 if wrong else 32 if sent_by(story) == "tls" else 36
            text = f"\033[{tone}m{text}\033[0m"
        print(text, flush=True)


def check(story, want, word):
    """What is wrong with a row, or an empty text."""
    got = sent_by(story)
    if got != want:
        return f"must go by {want}"
    if word.lower() not in story["why"].lower():
        return f"the reason must speak of {word}"
    if want == "tls":
        last = story["attempts"][-1]
        tls = last.get("tls") or {}
        if tls.get("version") not in ("TLSv1.2", "TLSv1.3"):
            return "no TLS 1.2 or newer in the evidence"
        if not tls.get("verified_by"):
            return "the server was not verified"
    return ""


def follow(gate, practice, table, sent, limit_s):
    """Prints each row as its fate is known; how many were wrong."""
    wrong_rows = 0
    seen = set()
    end = time.monotonic() + limit_s
    while sent and time.monotonic() < end:
        for item in list(sent):
            message_id, recipient, want, word = item
            story = gate.story(message_id)
            if story["state"] not in FINAL:
                continue
            sent.remove(item)
            proof = proof_of(gate, practice, recipient, story, seen)
            wrong = check(story, want, word)
            if not wrong and proof == NOT_OPENED:
                wrong = "must be locked to the reader's key"
            wrong_rows += bool(wrong)
            table.row(recipient, story, proof, wrong)
        time.sleep(0.1)
    for message_id, recipient, want, _ in sent:
        print(f"{recipient}: still queued after {limit_s} s (wanted {want}): "
              f"{gate.story(message_id)['why']}")
    return wrong_rows + len(sent)


def say(text):
    print(text, file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(prog="./run", description=__doc__)
    parser.add_argument("--exit", action="store_true",
                        help="compare every row and end")
    return parser.parse_args()


def interrupted(*_):
    raise KeyboardInterrupt


def show(practice, gate, leave):
    started = time.monotonic()
    gate.start()
    say(f"gateway up; sending {len(ROWS)} messages\n")
    table = Table(sys.stdout.isatty())
    table.head()
    sent = [
        (gate.send(recipient, subject), recipient, want, word)
        for recipient, subject, want, word in ROWS
    ]
    wrong = follow(gate, practice, table, sent, 90)
    took = time.monotonic() - started
    print(f"\n{len(ROWS) - wrong} of {len(ROWS)} rows are right ({took:.0f} s)")
    if leave:
        return 0 if wrong == 0 else 1
    print(f"""
portal   https://localhost:{gate.https}/  (the links above open here; the certificate is self-made)
smtp     127.0.0.1:{gate.smtp}
story    {POSTSEAL.relative_to(ROOT)} message show ID -c {gate.config.relative_to(ROOT)}
log      {(gate.folder / "gate.log").relative_to(ROOT)}
keys     of the readers of locked mail: {(practice.folder / "keys").relative_to(ROOT)}
codes    arrive in the readers' mailboxes: {practice.mail_folder.relative_to(ROOT)}
Ctrl-C ends everything.""", flush=True)
    while True:
        signal.pause()


def main():
    options = arguments()
    base = int(os.environ.get("POSTSEAL_PORT_BASE", "20000"))
    if not 1024 <= base <= 65000:
        sys.exit("POSTSEAL_PORT_BASE must be between 1024 and 65000")
    signal.signal(signal.SIGTERM, interrupted)
    folder = ROOT / "build/run"
    folder.mkdir(parents=True, exist_ok=True)
    say("starting the practice Internet")
    practice = PracticeInternet(folder / "practice", base + 100)
    gate = Gate(folder / "gate", practice, base)
    code = 0
    try:
        practice.start()
        code = show(practice, gate, options.exit)
    except KeyboardInterrupt:
        say("\nstopping")
    finally:
        gate.stop()
        practice.stop()
    return code


if __name__ == "__main__":
    sys.exit(main())

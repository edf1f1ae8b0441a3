"""The gateway for end-to-end tests: started, fed, asked."""

import json
import signal
import smtplib
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
POSTSEAL = ROOT / "build/src/cli/postseal"
PORTS = 3  # from its base on: SMTP, portal, metrics
FINAL = {"delivered", "deposited", "failed", "expired", "deleted"}

CONFIG = """\
hostname gate.clinic.example
data     {folder}/data
tls {{ certificate {folder}/gate.pem  key {folder}/gate.key }}
{practice}
listen 127.0.0.1:{smtp} {{ accept-from 127.0.0.0/8 }}
portal {{
    url https://localhost:{https}
    listen 127.0.0.1:{https}
    from portal@clinic.example
}}
metrics {{ listen 127.0.0.1:{metrics} }}
{rules}
"""
RULES = ('rule "all" { floor verified  ladder tls portal  switch-after 3s  '
         'tell-sender }')


class Gate:
    def __init__(self, folder, practice, base, rules=RULES, **delivery):
        self.folder = Path(folder)
        self.config = self.folder / "postseal.conf"
        self.log = self.folder / "gate.log"
        self.port = base
        self.process = None
        delivery = {"retry": "1s 1s 2s", "command_timeout": "2s",
                    "data_timeout": "3s", "connect_timeout": "2s"} | delivery
        self.text = CONFIG.format(
            folder=self.folder, smtp=base, https=base + 1, metrics=base + 2,
            practice=practice.config_fragment(**delivery), rules=rules)

    def postseal(self, *words):
        done = subprocess.run([POSTSEAL, *words], capture_output=True,
                              text=True, check=False, timeout=60)
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def start(self):
        if not self.config.exists():
            self.postseal("init", self.folder, "--hostname",
                          "gate.clinic.example")
        self.config.write_text(self.text)
        self.postseal("config", "check", "-c", self.config)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [POSTSEAL, "serve", "-c", self.config], stdout=log,
                stderr=log)
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with smtplib.SMTP("127.0.0.1", self.port, timeout=1):
                    return self
            except (OSError, smtplib.SMTPException):
                time.sleep(0.05)
        raise AssertionError(self.log.read_text()[-3000:])

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def send(self, sender, recipients, data):
        """The id the gateway gave the message."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=10) as client:
            client.ehlo("client.clinic.example")
            client.mail(sender)
            for recipient in recipients:
                code, reply = client.rcpt(recipient)
                assert code == 250, reply
            code, reply = client.data(data)
            assert code == 250, reply
            return reply.decode().rsplit(" ", 1)[1]

    def story(self, message_id):
        return json.loads(self.postseal("message", "show", message_id,
                                        "--json", "-c", self.config))

    def wait_final(self, message_id, wait_s=30):
        """The recipients of a message once all are final."""
        end = time.monotonic() + wait_s
        while True:
            recipients = self.story(message_id)["recipients"]
            if (all(r["state"] in FINAL for r in recipients)
                    or time.monotonic() > end):
                return recipients
            time.sleep(0.1)

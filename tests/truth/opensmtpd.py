"""OpenSMTPD: its fourth field says whether a client certificate verified.

Debian 12's cannot serve TLS with the OpenSSL it is linked with; with the
mend of a later version preloaded (opensmtpd_fix.c) it can, with RSA keys.
"""

import subprocess
from pathlib import Path

from tests.truth.client import PASSWORD, USER, Listener

NET = "127.88.3"
CONFIG = """\
pki truth cert "/etc/tls/rsa-certificate.pem"
pki truth key "/etc/tls/rsa-key.pem"
ca truth cert "/etc/tls/ca.pem"
smtp ciphers "ALL:eNULL:@SECLEVEL=0"
table names {{ {names} }}
table users {{ "{user}" = "{secret}" }}
{listen}
action sink relay host smtp://{sink}:{sink_port}
match from any for any action sink
"""


def _hash(password):
    return subprocess.run(["openssl", "passwd", "-6", password], text=True,
                          capture_output=True, check=True).stdout.strip()


class OpenSmtpd:
    name = "opensmtpd"
    words = ["/usr/sbin/smtpd", "-d"]
    environment = {"LD_PRELOAD": "/usr/lib/opensmtpd_fix.so"}

    def __init__(self, root, facts):
        self.root, self.facts = root, facts
        self.listeners = [
            Listener("opensmtpd", "asks", f"{NET}.1",
                     "mx1.opensmtpd.example", facts["smtp_port"],
                     asks=True, auth_needs_tls=True),
            Listener("opensmtpd", "demands", f"{NET}.2",
                     "mx2.opensmtpd.example", facts["smtp_port"], asks=True,
                     suites=False, auth_needs_tls=True, certificates=("good",),
                     versions=("TLSv1.2", "TLSv1.3"))]

    def version(self):
        return "6.8.0p2"

    def prepare(self):
        first, second = self.listeners
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O", "-o",
             self.root.path(self.environment["LD_PRELOAD"]),
             Path(__file__).with_name("opensmtpd_fix.c"), "-lcrypto"],
            check=True)
        self.root.mkdir("/var/lib/opensmtpd/empty")
        self.root.mkdir("/var/mail")
        self.root.mkdir("/var/spool/smtpd", mode=0o711)
        self.root.mkdir("/var/spool/smtpd/offline", mode=0o770,
                        group="opensmtpq")
        for name in ("purge", "queue", "temporary"):
            self.root.mkdir("/var/spool/smtpd/" + name, "opensmtpq", 0o700,
                            "root")
        port = self.facts["smtp_port"]
        listen = (f"listen on {first.address} port {port} tls pki truth "
                  "ca truth auth-optional <users> hostnames <names>\n"
                  f"listen on {second.address} port {port} tls-require verify "
                  "pki truth ca truth auth-optional <users> "
                  "hostnames <names>")
        self.root.write("/etc/smtpd.conf", CONFIG.format(
            listen=listen, secret=_hash(PASSWORD),
            names=", ".join(f"{w.address} = {w.name}" for w in self.listeners),
            user=USER, **self.facts))

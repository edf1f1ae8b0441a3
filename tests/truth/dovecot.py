"""Dovecot: LMTP into mailboxes, and submission, which passes mail on."""

from tests.truth.client import Listener

NET = "127.88.5"
CONFIG = """\
protocols = lmtp submission
listen = {first}
hostname = mx1.dovecot.example
log_path = /var/log/dovecot.log
base_dir = /run/dovecot
state_dir = /run/dovecot
default_internal_user = dovecot
default_internal_group = dovecot
default_login_user = dovenull
ssl = yes
ssl_cert = </etc/tls/certificate.pem
ssl_key = </etc/tls/key.pem
ssl_ca = </etc/tls/ca.pem
ssl_require_crl = no
ssl_min_protocol = TLSv1
ssl_cipher_list = ALL:eNULL:@SECLEVEL=0
ssl_verify_client_cert = yes
disable_plaintext_auth = no
auth_mechanisms = plain
mail_location = maildir:/var/mail/%n
submission_relay_host = {sink}
submission_relay_port = {sink_port}
submission_relay_trusted = no
login_trusted_networks =
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=truth gid=truth home=/var/mail/%n allow_all_users=yes
}}
service lmtp {{
  inet_listener lmtp {{
    address = {second}
    port = {smtp_port}
  }}
}}
service submission-login {{
  inet_listener submission {{
    address = {first}
    port = {smtp_port}
  }}
}}
"""


class Dovecot:
    name = "dovecot"
    words = ["/usr/sbin/dovecot", "-F"]

    def __init__(self, root, facts):
        self.root, self.facts = root, facts
        port = facts["smtp_port"]
        self.listeners = [
            Listener("dovecot", "submission", f"{NET}.1",
                     "mx1.dovecot.example", port, asks=True,
                     suites=False, auth=(True,)),
            Listener("dovecot", "lmtp", f"{NET}.2", "mx1.dovecot.example",
                     port, lmtp=True, keeps=True, asks=True, auth=(False,))]

    def version(self):
        return self.root.run("dovecot", "--version").split()[0]

    def prepare(self):
        first, second = self.listeners
        self.root.mkdir("/run/dovecot")
        self.root.mkdir("/usr/lib/dovecot/modules")
        self.root.mkdir("/var/mail", mode=0o1777)
        self.root.write("/etc/dovecot/dovecot.conf", CONFIG.format(
            first=first.address, second=second.address, **self.facts))

    def find(self, recipient):
        box = self.root.path("/var/mail/" + recipient.partition("@")[0])
        for path in box.glob("new/*"):
            return path.read_bytes()
        return None

"""Courier: its line is read in its queue."""

from tests.truth.client import Listener
from tests.truth.exim import GNUTLS_ALL

NET = "127.88.6"
TCPD = "/usr/sbin/couriertcpd"
ESMTPD = "/usr/lib/courier/courier/modules/esmtp/courieresmtpd"


class Courier:
    name = "courier"

    def __init__(self, root, facts):
        self.root, self.facts = root, facts
        self.listeners = [
            Listener("courier", "asks", f"{NET}.1", "mx1.courier.example",
                     facts["smtp_port"], asks=True, keeps=True)]
        self.words = [
            TCPD, f"-address={NET}.1", "-nodnslookup", "-noidentlookup",
            "-user=courier", "-group=courier", "-maxprocs=100",
            "-maxperc=100", "-maxperip=100", str(facts["smtp_port"]), ESMTPD]
        self.environment = {
            "BOFHCHECKDNS": "0", "TARPIT": "0", "NOADDMSGID": "1",
            "NOADDDATE": "1", "AUTH_REQUIRED": "0", "ESMTP_LOG_DIALOG": "0",
            "COURIERTLS": "/usr/bin/couriertls", "ESMTPAUTH": "PLAIN",
            "ESMTPAUTH_TLS": "PLAIN", "TLS_PROTOCOL": "",
            "TLS_CERTFILE": "/etc/tls/server.pem", "RELAYCLIENT": "",
            "TLS_TRUSTCERTS": "/etc/tls/ca.pem", "TLS_VERIFYPEER": "PEER",
            "TLS_PRIORITY": GNUTLS_ALL}

    def version(self):
        return "1.0.16"

    def prepare(self):
        for name in ("", "/tmp", "/msgs", "/msgq", "/track", "/filters",
                     "/allfilters"):
            self.root.mkdir("/var/lib/courier" + name, "courier", 0o770)
        self.root.write("/etc/courier/me", "mx1.courier.example\n")
        self.root.write("/etc/courier/locals", "")
        self.root.write("/etc/courier/esmtproutes", ":127.88.0.3\n")

    def find(self, recipient):
        wanted = b"\nMessage-ID: <%s>\n" % recipient.encode()
        for path in self.root.path("/var/lib/courier/tmp").glob("*/D*"):
            message = path.read_bytes()
            if wanted in message:
                return message
        return None

"""Postfix (OpenSSL): with and without its TLS comment."""

from tests.truth.client import Listener

NET = "127.88.1"
MAIN = """\
compatibility_level = 3.6
queue_directory = /var/spool/postfix
data_directory = /var/lib/postfix
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
shlib_directory = /usr/lib/postfix
meta_directory = /etc/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file = /var/log/postfix.log
maillog_file_prefixes = /var
myhostname = postfix.example
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
relay_domains = truth.example
relay_transport = smtp:[{sink}]:{sink_port}
smtp_host_lookup = native
smtp_destination_concurrency_limit = 20
disable_dns_lookups = yes
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_relay_restrictions = reject_unauth_destination
smtpd_tls_security_level = may
smtpd_tls_CAfile = /etc/tls/ca.pem
smtpd_tls_protocols = >=TLSv1
smtpd_tls_session_cache_database =
smtpd_tls_dh1024_param_file = auto
tls_medium_cipherlist = ALL:eNULL:@SECLEVEL=0
smtpd_tls_ciphers = medium
smtpd_sasl_auth_enable = yes
in_flow_delay = 0
notify_classes =
"""
SERVICES = """\
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
smtp unix - - n - - smtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold",
          "incoming", "private", "saved", "trace")


class Postfix:
    name = "postfix"
    words = ["/usr/lib/postfix/sbin/master", "-d"]

    def __init__(self, root, facts):
        self.root, self.facts = root, facts
        ways = [("clause", True), ("clause", False), ("no clause", True)]
        self.listeners = [
            Listener("postfix", f"{shown}, {'asks' if asks else 'asks not'}",
                     f"{NET}.{i}", f"mx{i}.postfix.example",
                     facts["smtp_port"], asks=asks, suites=shown == "clause",
                     certificates=("none", "good", "bad") if asks
                     else ("none", "good"))
            for i, (shown, asks) in enumerate(ways, 1)]

    def version(self):
        return self.root.run("postconf", "-hd", "mail_version").strip()

    def prepare(self):
        for name in QUEUES:
            self.root.mkdir(f"/var/spool/postfix/{name}", "postfix", 0o700)
        self.root.mkdir("/var/spool/postfix/pid")
        self.root.mkdir("/var/spool/postfix", mode=0o755)
        self.root.mkdir("/var/spool/postfix/maildrop", "postfix", 0o730,
                        "postdrop")
        self.root.mkdir("/var/spool/postfix/public", "postfix", 0o710,
                        "postdrop")
        self.root.mkdir("/var/lib/postfix", "postfix")
        self.root.write("/etc/postfix/sasl/smtpd.conf",
                        "pwcheck_method: saslauthd\nmech_list: PLAIN\n"
                        "saslauthd_path: /run/saslauthd/mux\n")
        self.root.write("/etc/postfix/main.cf", MAIN.format(**self.facts))
        self.root.write("/etc/postfix/master.cf", SERVICES + "".join(
            f"{way.address}:{way.port} inet n - n - - smtpd\n"
            f"  -o myhostname={way.name}\n"
            "  -o smtpd_tls_chain_files=/etc/tls/"
            f"{'server' if way.asks else 'rsa-server'}.pem\n"
            f"  -o smtpd_tls_ask_ccert={'yes' if way.asks else 'no'}\n"
            "  -o smtpd_tls_received_header="
            f"{'no' if way.variant.startswith('no') else 'yes'}\n"
            for way in self.listeners))

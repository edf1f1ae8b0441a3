"""Sendmail, configured by its own m4 files."""

from tests.truth.client import Listener

NET = "127.88.4"
CONFIG = """\
include(`/usr/share/sendmail/cf/m4/cf.m4')dnl
OSTYPE(`linux')dnl
DOMAIN(`generic')dnl
undefine(`UUCP_RELAY')dnl
undefine(`BITNET_RELAY')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`promiscuous_relay')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`accept_unqualified_senders')dnl
define(`confDOMAIN_NAME', `mx1.sendmail.example')dnl
define(`confPID_FILE', `/run/sendmail.pid')dnl
define(`QUEUE_DIR', `/var/spool/mqueue')dnl
define(`STATUS_FILE', `/var/lib/sendmail-statistics')dnl
define(`ALIAS_FILE', `')dnl
define(`confRUN_AS_USER', `root')dnl
define(`confDELIVERY_MODE', `background')dnl
define(`confTO_IDENT', `0')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confBAD_RCPT_THROTTLE', `0')dnl
define(`confCACERT', `/etc/tls/ca.pem')dnl
define(`confCACERT_PATH', `/etc/tls')dnl
define(`confSERVER_CERT', `/etc/tls/certificate.pem')dnl
define(`confSERVER_KEY', `/etc/tls/key.pem')dnl
define(`confCIPHER_LIST', `ALL:eNULL:@SECLEVEL=0')dnl
define(`confAUTH_MECHANISMS', `PLAIN')dnl
TRUST_AUTH_MECH(`PLAIN')dnl
define(`SMTP_MAILER_ARGS', `TCP $h {sink_port}')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {sink_port}')dnl
define(`SMART_HOST', `relay:[{sink}]')dnl
DAEMON_OPTIONS(`Name=Asking, Addr={first}, Port={smtp_port}')dnl
DAEMON_OPTIONS(`Name=Quiet, Addr={second}, Port={smtp_port}')dnl
MAILER(`smtp')dnl
LOCAL_RULESETS
Ssrv_features
R$*\t$: $&{{daemon_name}}
RQuiet\t$# V
"""


class Sendmail:
    name = "sendmail"
    words = ["/usr/libexec/sendmail/sendmail", "-bD"]

    def __init__(self, root, facts):
        self.root, self.facts = root, facts
        self.listeners = [
            Listener("sendmail", "asks" if asks else "asks not", f"{NET}.{i}",
                     "mx1.sendmail.example", facts["smtp_port"], asks=asks,
                     suites=asks,
                     certificates=("none", "good", "bad") if asks
                     else ("none",))
            for i, asks in enumerate((True, False), 1)]

    def version(self):
        return "8.17.1.9"

    def prepare(self):
        first, second = self.listeners
        self.root.mkdir("/var/spool/mqueue", mode=0o700)
        self.root.mkdir("/etc/mail")
        self.root.write("/etc/mail/local-host-names", "")
        self.root.write("/etc/mail/Sendmail.conf",
                        "pwcheck_method: saslauthd\nmech_list: PLAIN\n")
        self.root.write("/usr/lib/sasl2/Sendmail.conf",
                        "pwcheck_method: saslauthd\nmech_list: PLAIN\n")
        self.root.write("/etc/sendmail.mc", CONFIG.format(
            first=first.address, second=second.address, **self.facts))
        self.root.write("/etc/mail/sendmail.cf", self.root.run(
            "m4", "-D_CF_DIR_=/usr/share/sendmail/cf/", "/etc/sendmail.mc"))

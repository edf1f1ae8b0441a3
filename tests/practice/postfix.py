"""The receivers run by Postfix: one instance, an smtpd per address."""

import grp
import os
import pwd
from pathlib import Path

from tests.practice import processes
from tests.practice.domains import DOMAINS
from tests.practice.processes import SERVERS

# Accounts every Debian has; Postfix wants two that own nothing else here.
OWNER, DROP_GROUP, MAIL_USER = "uucp", "news", "nobody"

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = {servers}/usr/lib/postfix/sbin
command_directory = {servers}/usr/sbin
shlib_directory = no
meta_directory = {folder}/config
mail_owner = {owner}
setgid_group = {drop_group}
default_privs = {mail_user}
import_environment = MAIL_CONFIG MAIL_LOGTAG TZ LANG=C POSTLOG_SERVICE
    POSTLOG_HOSTNAME LD_LIBRARY_PATH PATH
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = mx.postfix.example
mydomain = postfix.example
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
local_header_rewrite_clients =
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {mail}
virtual_mailbox_maps = inline:{{ {maps} }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
message_size_limit = 209715200
default_transport = error:practice
relay_transport = error:practice
smtp_host_lookup = native
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_relay_restrictions = reject_unauth_destination
smtpd_tls_security_level = none
smtpd_tls_received_header = yes
smtpd_tls_loglevel = 1
smtpd_tls_session_cache_database =
smtpd_tls_dh1024_param_file = auto
tls_medium_cipherlist = ALL:@SECLEVEL=0
in_flow_delay = 0
default_process_limit = 60
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
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    def __init__(self, folder, facts, certificates):
        self.folder = Path(folder)
        self.facts = facts
        self.certificates = certificates
        self.domains = [d for d in DOMAINS.values()
                        if any(h.server == "postfix" for h in d.hosts)]
        self.hosts = [(d, h) for d in self.domains for h in d.hosts]
        self.log = self.folder / "master.log"
        self.process = None

    def _service(self, domain, host):
        options = {"myhostname": host.name}
        if host.certificate:
            options["smtpd_tls_security_level"] = "may"
            options["smtpd_tls_chain_files"] = self.certificates.leaf(
                host.name, host.certificate)
        if host.tls_max:
            options["smtpd_tls_protocols"] = "<=" + host.tls_max
        if domain.greylist:
            options["smtpd_recipient_restrictions"] = (
                "check_policy_service,inet:127.0.0.1:%d"
                % self.facts["greylist_port"])
        lines = [f"{host.address}:{self.facts['smtp_port']} "
                 "inet n - n - - smtpd"]
        lines += [f"  -o {name}={value}" for name, value in options.items()]
        return "\n".join(lines) + "\n"

    def _folders(self):
        owner = pwd.getpwnam(OWNER)
        group = grp.getgrnam(DROP_GROUP).gr_gid
        queue = self.folder / "queue"
        for name in ("config", "data", "queue", "queue/pid"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name in ("active", "bounce", "corrupt", "defer", "deferred",
                     "flush", "hold", "incoming", "private", "saved",
                     "trace"):
            (queue / name).mkdir(exist_ok=True, mode=0o700)
            os.chown(queue / name, owner.pw_uid, 0)
        for name, mode in (("maildrop", 0o730), ("public", 0o710)):
            (queue / name).mkdir(exist_ok=True)
            os.chown(queue / name, owner.pw_uid, group)
            os.chmod(queue / name, mode)
        os.chown(self.folder / "data", owner.pw_uid, owner.pw_gid)

    def start(self):
        self._folders()
        user = pwd.getpwnam(MAIL_USER)
        config = self.folder / "config"
        (config / "main.cf").write_text(MAIN.format(
            folder=self.folder, servers=SERVERS, owner=OWNER,
            drop_group=DROP_GROUP, mail_user=MAIL_USER,
            domains=" ".join(d.name for d in self.domains),
            mail=self.facts["mail_folder"], uid=user.pw_uid, gid=user.pw_gid,
            maps=" ".join(f"{{@{d.name}={d.name}/}}" for d in self.domains)))
        (config / "master.cf").write_text(
            SERVICES + "".join(self._service(d, h) for d, h in self.hosts))
        self.process = processes.start(processes.watched(
            processes.any_folder()
            + [SERVERS / "usr/lib/postfix/sbin/master", "-c", config, "-d"]),
            self.log)

    def ready(self):
        processes.wait_for_port(self.hosts[-1][1].address,
                                self.facts["smtp_port"], self.process,
                                self.log)

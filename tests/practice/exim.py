"""The receivers run by Exim (GnuTLS): one daemon on all their addresses."""

import shutil
from pathlib import Path

from tests.practice import processes
from tests.practice.domains import DOMAINS
from tests.practice.processes import SERVERS

BUILT_IN_USER = b"Debian-exim\0"  # an account the package would have made
USER = "proxy"  # one that every Debian has

CONFIG = """\
primary_hostname = mx.exim.example
exim_path = {folder}/exim
exim_user = {user}
exim_group = {user}
never_users =
keep_environment = LD_LIBRARY_PATH
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
daemon_smtp_ports = {port}
local_interfaces = {interfaces}
domainlist receiving = {domains}
smtp_active_hostname = ${{lookup{{$received_ip_address}}lsearch{{{folder}/names}}{{$value}}{{$primary_hostname}}}}
tls_advertise_hosts = *
tls_certificate = ${{lookup{{$received_ip_address}}lsearch{{{folder}/certificates}}}}
tls_privatekey = ${{lookup{{$received_ip_address}}lsearch{{{folder}/certificates}}}}
host_lookup =
dns_dnssec_ok = 0
rfc1413_hosts =
chunking_advertise_hosts = *
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
prdr_enable = no
message_size_limit = 200M
smtp_accept_max = 100
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
smtp_enforce_sync = yes
deliver_drop_privilege = yes
queue_only = no
acl_smtp_rcpt = receive
acl_smtp_data = accept

begin acl
receive:
  accept domains = +receiving
  deny   message = no such domain here

begin routers
all:
  driver = accept
  domains = +receiving
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = {mail}/$domain_data
  maildir_format
  create_directory
  directory_mode = 0755
  mode = 0644
  return_path_add
  envelope_to_add
  user = {user}
  group = {user}

begin retry
* * F,1h,1m
"""


class Exim:
    def __init__(self, folder, facts, certificates):
        self.folder = Path(folder)
        self.facts = facts
        self.certificates = certificates
        self.domains = [d for d in DOMAINS.values()
                        if any(h.server == "exim" for h in d.hosts)]
        self.hosts = [h for d in self.domains for h in d.hosts]
        self.log = self.folder / "exim.log"
        self.process = None

    def _binary(self):
        """A copy that knows an account this machine has."""
        data = (SERVERS / "usr/sbin/exim4").read_bytes()
        name = USER.encode().ljust(len(BUILT_IN_USER), b"\0")
        copy = self.folder / "exim"
        copy.unlink(missing_ok=True)
        copy.write_bytes(data.replace(BUILT_IN_USER, name))
        copy.chmod(0o755)
        return copy

    def start(self):
        for name in ("spool", "log"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            shutil.chown(self.folder / name, USER, USER)
        for domain in self.domains:
            box = Path(self.facts["mail_folder"]) / domain.name
            box.mkdir(parents=True, exist_ok=True)
            shutil.chown(box, USER, USER)
        (self.folder / "certificates").write_text("".join(
            f"{h.address}: {self.certificates.leaf(h.name, h.certificate)}\n"
            for h in self.hosts))
        (self.folder / "names").write_text("".join(
            f"{h.address}: {h.name}\n" for h in self.hosts))
        config = self.folder / "exim.conf"
        config.write_text(CONFIG.format(
            folder=self.folder, user=USER, port=self.facts["smtp_port"],
            interfaces=" : ".join(h.address for h in self.hosts),
            domains=" : ".join(d.name for d in self.domains),
            mail=self.facts["mail_folder"]))
        self.process = processes.start(processes.watched(
            processes.any_folder()
            + [self._binary(), "-C", config, "-bdf", "-q1m"]),
            self.log)

    def ready(self):
        processes.wait_for_port(self.hosts[-1].address,
                                self.facts["smtp_port"], self.process,
                                self.log)

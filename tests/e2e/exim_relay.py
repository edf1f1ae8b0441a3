# SPDX-License-Identifier: Apache-2.0
"""Exim as somebody's relay: takes mail for everybody into one mailbox."""

import shutil
import time

from lone_gate import free_port
from tests.practice import processes
from tests.practice.exim import BUILT_IN_USER, USER

CONFIG = """\
primary_hostname = relay.example
exim_path = {folder}/exim
exim_user = {user}
exim_group = {user}
never_users =
keep_environment = LD_LIBRARY_PATH
spool_directory = {folder}
log_file_path = {folder}/%slog
pid_file_path = {folder}/exim.pid
daemon_smtp_ports = {port} : {wrapped}
tls_on_connect_ports = {wrapped}
local_interfaces = {address}
tls_advertise_hosts = *
tls_certificate = {folder}/cert
tls_privatekey = {folder}/key
host_lookup =
rfc1413_hosts =
smtputf8_advertise_hosts = *
acl_smtp_rcpt = receive
acl_smtp_data = accept
{options}
begin acl
receive:
  {receive}
{acls}
begin routers
all:
  driver = accept
  transport = box

begin transports
box:
  driver = appendfile
  directory = {folder}/box
  maildir_format
  create_directory
  user = {user}
  group = {user}

{authenticators}
"""


class Relay:
    """cert: paths of certificate and key. nameserver: an address whose port
    53 it asks, in place of the machine's."""

    def __init__(self, folder, address, cert, nameserver=None,
                 receive="accept", options="", acls="", authenticators=""):
        self.folder, self.address = folder, address
        self.ports = free_port(), free_port()
        folder.mkdir()
        shutil.chown(folder, USER, USER)
        # It reads its files as another user, and is a copy that knows one
        # this machine has.
        binary = (processes.SERVERS / "usr/sbin/exim4").read_bytes()
        (folder / "exim").write_bytes(binary.replace(
            BUILT_IN_USER, USER.encode().ljust(len(BUILT_IN_USER), b"\0")))
        (folder / "exim").chmod(0o755)
        for name, path in zip(("cert", "key"), cert):
            shutil.copy(path, folder / name)
            shutil.chown(folder / name, USER, USER)
        (folder / "exim.conf").write_text(CONFIG.format(
            folder=folder, user=USER, port=self.ports[0],
            wrapped=self.ports[1], address=address, receive=receive,
            options=options, acls=acls, authenticators=authenticators))
        self.inside = in_names_of(nameserver, folder) if nameserver else []
        self.process = None

    def start(self):
        log = self.folder / "out"
        self.process = processes.start(processes.watched(
            self.inside + processes.any_folder()
            + [self.folder / "exim", "-C", self.folder / "exim.conf", "-bdf"]),
            log)
        processes.wait_for_port(self.address, self.ports[0], self.process, log)
        return self

    def stop(self):
        processes.stop([self.process])

    def log(self):
        path = self.folder / "mainlog"
        return path.read_text() if path.exists() else ""

    def mails(self, n):
        """At least n messages, as they lie in the mailbox."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            got = sorted((self.folder / "box").glob("new/*"))
            if len(got) >= n:
                return [path.read_bytes() for path in got]
            time.sleep(0.1)
        raise AssertionError(self.log())


def in_names_of(nameserver, folder):
    """Words before a command that shall ask another name server."""
    path = folder / "resolv.conf"
    path.write_text("nameserver %s\n" % nameserver)
    return ["unshare", "-m", "sh", "-c",
            'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(path)]

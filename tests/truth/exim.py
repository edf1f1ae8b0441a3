"""Exim (GnuTLS), its own template for the line."""

from tests.truth.client import Listener

NET = "127.88.2"
GNUTLS_ALL = (  # a priority string; with NULL there is no TLS 1.3
    "NORMAL:+VERS-TLS1.0:+VERS-TLS1.1:+ANON-ECDH:+ANON-DH:+AES-128-CCM:"
    "+AES-128-CCM-8:+AES-256-CCM-8:+CAMELLIA-128-CBC:+CAMELLIA-256-CBC:"
    "+SHA256:+SHA384:%VERIFY_ALLOW_SIGN_WITH_SHA1")
CONFIG = """\
primary_hostname = mx1.exim.example
exim_user = Debian-exim
exim_group = Debian-exim
never_users =
keep_environment =
spool_directory = /var/spool/exim4
log_file_path = /var/log/exim4/%slog
pid_file_path = /run/exim.pid
daemon_smtp_ports = {smtp_port}
local_interfaces = {interfaces}
tls_advertise_hosts = *
tls_certificate = /etc/tls/${{if eq{{$received_ip_address}}{{{asking}}}{{}}{{rsa-}}}}server.pem
tls_privatekey = /etc/tls/${{if eq{{$received_ip_address}}{{{asking}}}{{}}{{rsa-}}}}server.pem
tls_verify_certificates = /etc/tls/ca.pem
tls_try_verify_hosts = ${{if eq{{$received_ip_address}}{{{asking}}}{{*}}{{}}}}
tls_require_ciphers = {gnutls}
host_lookup = *
host_lookup_order = byaddr
dns_dnssec_ok = 0
dns_again_means_nonexist = *
rfc1413_hosts =
smtp_accept_max = 100
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
auth_advertise_hosts = *
acl_smtp_rcpt = accept
acl_smtp_data = accept

begin routers
all:
  driver = manualroute
  route_list = * {sink}
  self = send
  transport = sink

begin transports
sink:
  driver = smtp
  port = {sink_port}
  allow_localhost
  hosts_avoid_tls = *

begin retry
* * F,1h,1m

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = yes
  server_set_id = $auth2
"""


class Exim:
    name = "exim"
    words = ["/usr/sbin/exim4", "-C", "/etc/exim.conf", "-bdf", "-q1m"]

    def __init__(self, root, facts):
        self.root, self.facts = root, facts
        self.listeners = [
            Listener("exim", "asks" if asks else "asks not", f"{NET}.{i}",
                     "mx1.exim.example", facts["smtp_port"], asks=asks,
                     certificates=("none", "good", "bad") if asks
                     else ("none",))
            for i, asks in enumerate((True, False), 1)]

    def version(self):
        return self.root.run(*self.words[:3], "-bV").split()[2]

    def prepare(self):
        for name in ("/var/spool/exim4", "/var/log/exim4"):
            self.root.mkdir(name, "Debian-exim")
        self.root.write("/etc/exim.conf", CONFIG.format(
            interfaces=" : ".join(w.address for w in self.listeners),
            asking=self.listeners[0].address,
            gnutls=GNUTLS_ALL, **self.facts))

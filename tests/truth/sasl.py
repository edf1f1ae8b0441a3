"""Says yes to every password, where a receiver asks another process.

Postfix and Sendmail ask saslauthd (Cyrus SASL), Courier asks authdaemond;
both are a question and an answer on a socket, and here only who asked for
AUTH matters.
"""

import os
import socketserver
import threading

from tests.truth.client import USER


class _Saslauthd(socketserver.StreamRequestHandler):
    def handle(self):
        for _ in range(4):  # login, password, service, realm; length first
            self.rfile.read(int.from_bytes(self.rfile.read(2), "big"))
        self.wfile.write(b"\x00\x02OK")


class _Authdaemond(socketserver.StreamRequestHandler):
    def handle(self):
        command, *words = self.rfile.readline().split()
        if command == b"AUTH":
            self.rfile.read(int(words[0]))
        self.wfile.write(
            "USERNAME=kim\nUID=8\nGID=8\nHOME=/tmp\n"
            f"ADDRESS={USER}\nNAME=Kim\n.\n".encode())


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


class Sayers:
    """Both, below a root."""

    def __init__(self, root):
        self.servers = []
        for path, handler in (("/run/saslauthd/mux", _Saslauthd),
                              ("/run/courier/authdaemon/socket",
                               _Authdaemond)):
            place = root.path(path)
            place.parent.mkdir(parents=True)
            # A name short enough for a socket, wherever the checkout is.
            folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                self.servers.append(_Server(
                    f"/proc/self/fd/{folder}/{place.name}", handler))
            finally:
                os.close(folder)
            place.chmod(0o666)

    def __enter__(self):
        for server in self.servers:
            threading.Thread(target=server.serve_forever,
                             daemon=True).start()
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.shutdown()
            server.server_close()

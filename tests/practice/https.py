"""The HTTPS server of policies and keys: one address, a certificate per name.

What a host answers is a JSON object, every key optional:
    policy        text of /.well-known/mta-sts.txt
    paths         {PATH: {"body": TEXT or "base64": TEXT, ...keys below}}
    status        200          content_type  "text/plain"
    location      of a redirect
    delay         seconds before the answer
    pad           so many more octets at the end of the body
    certificate   kind, see certificates.py
    close         true: closes after the handshake
"""

import base64
import http.server
import socketserver
import ssl
import threading
import time

from tests.practice.scripted import tls_context

POLICY_PATH = "/.well-known/mta-sts.txt"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self):
        host = self.headers.get("Host", "").partition(":")[0].lower()
        path = self.path.partition("?")[0]
        site = self.server.sites.get(host, {})
        self.server.requests_seen.append({
            "at": time.time(), "host": host, "path": self.path,
            "sni": getattr(self.connection, "server_name_seen", None),
            "agent": self.headers.get("User-Agent", ""),
        })
        answer = site | site.get("paths", {}).get(path, {})
        body = self._body(answer, site, path)
        self.server.pause.wait(answer.get("delay", 0))
        if answer.get("close") or self.server.pause.is_set():
            self.close_connection = True
            return
        self._answer(answer, body)

    def _body(self, answer, site, path):
        own = site.get("paths", {}).get(path)
        if own is not None and "base64" in own:
            return base64.b64decode(own["base64"])
        if own is not None:
            return own.get("body", "").encode()
        if path == POLICY_PATH and "policy" in site:
            text = answer["policy"] + "x" * answer.get("pad", 0)
            return text.encode()
        return None

    def _answer(self, answer, body):
        self.send_response(404 if body is None else answer.get("status", 200))
        self.send_header("Content-Type",
                         answer.get("content_type", "text/plain"))
        if "location" in answer:
            self.send_header("Location", answer["location"])
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body or b"")

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


class HttpsServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 100

    def __init__(self, address, port, certificates, sites):
        super().__init__((address, port), Handler)
        self.certificates = certificates
        self.defaults = sites
        self.sites = dict(sites)
        self.requests_seen = []
        self.pause = threading.Event()  # set: every wait is over
        self._contexts = {}
        self._first = tls_context(certificates, "https.example", {})
        self._first.sni_callback = self._choose

    def server_bind(self):
        # Not HTTPServer's: that one asks the system's resolver for a name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "https.example", 0

    def set(self, host, site):
        """None restores what the host answered at the start."""
        self.sites[host] = self.defaults.get(host, {}) if site is None else site

    def _choose(self, sock, name, _context):
        sock.server_name_seen = name
        if name:
            kind = self.sites.get(name, {}).get("certificate", "good")
            sock.context = self._context(name, kind)

    def _context(self, name, kind):
        key = name, kind
        if key not in self._contexts:
            self._contexts[key] = tls_context(self.certificates, name,
                                              {"certificate": kind})
        return self._contexts[key]

    def finish_request(self, request, client_address):
        request.settimeout(30)
        try:
            secure = self._first.wrap_socket(request, server_side=True)
        except (ssl.SSLError, OSError):
            return
        try:
            self.RequestHandlerClass(secure, client_address, self)
        finally:
            secure.close()

    def handle_error(self, request, client_address):
        pass  # a client that goes away is its own affair

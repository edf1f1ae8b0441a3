"""SMTP octet by octet: what a test sends is what goes over the wire."""

import socket
import ssl


class Wire:
    def __init__(self, port, tls=False, alpn=None, timeout=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.kept = b""
        if tls:
            self.start_tls(alpn)

    def start_tls(self, alpn=None):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if alpn:
            context.set_alpn_protocols(alpn)
        self.socket = context.wrap_socket(self.socket)

    def send(self, octets):
        self.socket.sendall(octets)

    def line(self):
        while b"\r\n" not in self.kept:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError(self.kept)
            self.kept += more
        line, self.kept = self.kept.split(b"\r\n", 1)
        return line

    def reply(self):
        """Code and lines of one whole reply."""
        lines = [self.line()]
        while lines[-1][3:4] == b"-":
            lines.append(self.line())
        return int(lines[-1][:3]), [line[4:].decode() for line in lines]

    def ask(self, command):
        self.send(command + b"\r\n")
        return self.reply()

    def code(self, command):
        return self.ask(command)[0]

    def greet(self, secure=False):
        assert self.reply()[0] == 220
        assert self.code(b"EHLO client.example") == 250
        if secure:
            assert self.code(b"STARTTLS") == 220
            self.start_tls()
            assert self.code(b"EHLO client.example") == 250
        return self

    def envelope(self, *recipients, sender=b"a@clinic.example"):
        assert self.code(b"MAIL FROM:<" + sender + b">") == 250
        for recipient in recipients or (b"b@there.example",):
            assert self.code(b"RCPT TO:<" + recipient + b">") == 250
        return self

    def closed(self):
        """The other side has ended the connection, with nothing more said."""
        try:
            return self.kept == b"" and self.socket.recv(65536) == b""
        except (ConnectionError, ssl.SSLError):
            return True

    def close(self):
        self.socket.close()

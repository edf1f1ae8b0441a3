"""Where every receiver sends on what it got: keeps it, by recipient."""

import socketserver
import threading


class _Session(socketserver.StreamRequestHandler):
    timeout = 60

    def say(self, line):
        self.wfile.write(line + b"\r\n")

    def handle(self):
        try:
            self._talk()
        except (OSError, ValueError):
            pass  # a receiver that went away

    def _talk(self):
        recipients = []
        self.say(b"220 sink.example ESMTP")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"RCPT":
                recipients.append(line.partition(b"<")[2].partition(b">")[0])
            if verb == b"DATA":
                self.say(b"354 Go on")
                self.server.keep(recipients, self._body())
                recipients = []
            if verb == b"RSET":
                recipients = []
            self.say(b"221 Bye" if verb == b"QUIT" else b"250 Ok")
            if verb == b"QUIT":
                return

    def _body(self):
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)


class Sink(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address, port):
        super().__init__((address, port), _Session)
        self._mail = {}
        self._arrived = threading.Condition()

    def keep(self, recipients, data):
        with self._arrived:
            for name in recipients:
                self._mail[name.decode().lower()] = data
            self._arrived.notify_all()

    def wait(self, recipient, wait_s):
        """The message for the recipient; None if it does not come."""
        with self._arrived:
            self._arrived.wait_for(lambda: recipient in self._mail, wait_s)
            return self._mail.get(recipient)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

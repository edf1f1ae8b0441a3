# SPDX-License-Identifier: Apache-2.0
"""An SMTP server on loopback that misbehaves on demand, and remembers.

A test subclasses nothing: it gives answers by command, as bytes, or as a
function of the session that returns bytes, None (the default answer), or one
of CLOSE, RESET, SILENCE.
"""

import socket
import ssl
import struct
import threading
import time

CLOSE, RESET, SILENCE = object(), object(), object()
EHLO = ["PIPELINING", "SIZE 104857600", "8BITMIME", "SMTPUTF8", "DSN",
        "ENHANCEDSTATUSCODES"]


class Mail:
    def __init__(self, session):
        self.tls = session.tls
        self.cipher = session.cipher
        self.connection = session.number
        self.sender = session.sender
        self.recipients = list(session.recipients)
        self.data = b""
        self.at = time.time()

    @property
    def header(self):
        return self.data.partition(b"\r\n\r\n")[0] + b"\r\n"

    @property
    def text(self):
        return self.data.partition(b"\r\n\r\n")[2]


class Session:
    def __init__(self, peer, sock, number):
        self.peer, self.sock, self.number = peer, sock, number
        self.tls, self.cipher = False, None
        self.sender, self.recipients = None, []
        self.commands = []
        self.buffer = b""

    # --- bytes -----------------------------------------------------------
    def send(self, data):
        self.sock.sendall(data)

    def line(self):
        while b"\r\n" not in self.buffer:
            got = self.sock.recv(65536)
            if not got:
                raise EOFError
            self.buffer += got
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def body(self):
        """Up to the final dot, dots undoubled."""
        while True:
            probe = b"\r\n" + self.buffer
            end = probe.find(b"\r\n.\r\n")
            if end >= 0:
                raw, self.buffer = probe[2:end + 2], probe[end + 5:]
                if end == 0:
                    raw = b""
                lines = raw.split(b"\r\n")
                return b"\r\n".join(
                    l[1:] if l.startswith(b".") else l for l in lines)
            got = self.sock.recv(1 << 20)
            if not got:
                raise EOFError
            self.buffer += got

    # --- the conversation -------------------------------------------------
    def answer(self, verb, default):
        """False when the conversation is over."""
        what = self.peer.answers.get(verb)
        if callable(what):
            what = what(self)
        if what is None:
            what = default
        if what is CLOSE:
            return False
        if what is RESET:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
            return False
        if what is SILENCE:
            self.peer.stopped.wait(3600)
            return False
        self.last = what
        if what:
            self.send(what)
        return True

    def accepted(self):
        return self.last[:1] in (b"2", b"3")

    def ehlo(self):
        words = self.peer.ehlo
        words = list(words(self) if callable(words) else words)
        if self.peer.context and not self.tls and self.peer.offers_tls:
            words.append("STARTTLS")
        lines = ["peer.example"] + words
        out = "".join("250%s%s\r\n" % (" " if l is lines[-1] else "-", l)
                      for l in lines)
        return out.encode()

    def start_tls(self):
        self.buffer = b""
        context = self.peer.context
        context = context(self) if callable(context) else context
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self.tls, self.cipher = True, self.sock.cipher()

    def run(self):
        if self.peer.implicit_tls:
            self.start_tls()
        if not self.answer("CONNECT", b"220 peer.example ESMTP\r\n"):
            return
        while self.step():
            pass

    def step(self):
        line = self.line()
        verb = line.split(b" ")[0].upper().decode("latin-1")
        self.commands.append(line.decode("latin-1"))
        self.peer.log.append((self.number, self.tls, line))
        if verb in ("EHLO", "HELO"):
            return self.answer(verb, self.ehlo() if verb == "EHLO"
                               else b"250 peer.example\r\n")
        if verb == "STARTTLS":
            if not self.answer(verb, b"220 2.0.0 go\r\n"):
                return False
            if self.accepted():
                self.start_tls()
            return True
        if verb == "MAIL":
            self.recipients = []
            self.sender = line
            return self.answer(verb, b"250 2.1.0 Ok\r\n")
        if verb == "RCPT":
            if not self.answer(verb, b"250 2.1.5 Ok\r\n"):
                return False
            if self.accepted():
                self.recipients.append(line.decode("latin-1"))
            return True
        if verb == "DATA":
            return self.data()
        if verb == "QUIT":
            self.answer(verb, b"221 2.0.0 Bye\r\n")
            return False
        return self.answer(verb, b"250 2.0.0 Ok\r\n")

    def data(self):
        default = (b"354 go ahead\r\n" if self.recipients
                   else b"554 5.5.1 no valid recipients\r\n")
        if not self.answer("DATA", default):
            return False
        if not self.last.startswith(b"354"):
            return True
        mail = Mail(self)
        mail.data = self.body()
        self.mail = mail
        if not self.answer("EOD", b"250 2.0.0 Ok: queued as 4F2\r\n"):
            return False
        if self.accepted():
            self.peer.mails.append(mail)
        return True


class Peer:
    """Listens at once; answers: verb -> bytes | function | CLOSE ..."""

    def __init__(self, address="127.0.0.1", port=0, context=None, answers=None,
                 ehlo=EHLO, offers_tls=True, implicit_tls=False):
        self.answers = answers or {}
        self.ehlo, self.context = ehlo, context
        self.offers_tls, self.implicit_tls = offers_tls, implicit_tls
        self.mails, self.log, self.sessions = [], [], []
        self.stopped = threading.Event()
        self.listener = socket.create_server((address, port), backlog=128)
        self.address, self.port = self.listener.getsockname()[:2]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.stopped.is_set():
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = Session(self, sock, len(self.sessions) + 1)
            self.sessions.append(session)
            threading.Thread(target=self._serve, args=(session,),
                             daemon=True).start()

    def _serve(self, session):
        try:
            session.run()
        except (OSError, EOFError, ssl.SSLError):
            pass
        finally:
            session.sock.close()

    def said(self, verb):
        """Every command of that name: (connection, inside TLS, line)."""
        return [e for e in self.log
                if e[2].upper().startswith(verb.encode())]

    def wait_mails(self, n=1, seconds=15):
        until = time.time() + seconds
        while len(self.mails) < n and time.time() < until:
            time.sleep(0.02)
        return self.mails

    def close(self):
        self.stopped.set()
        self.listener.close()

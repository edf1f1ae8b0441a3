"""The scripted SMTP server: does to a client what its script says.

One listening socket per address; one thread per connection. A script is a
JSON object, every key optional:

    keywords, keywords_tls   EHLO keywords outside and inside TLS
                             (STARTTLS is added by itself outside)
    tls          null: no STARTTLS; or {"certificate": KIND, "host": NAME,
                 "min": "TLSv1.2", "max": "TLSv1.3", "ciphers": TEXT,
                 "tickets": true}
    on, on_tls   {VERB: STEP or [STEP...]}; on_tls wins inside TLS. VERB is a
                 command or CONNECT, BODY (before the message is read), EOM
                 (after it), TLS (after the handshake)
    sessions     [SCRIPT...]: the nth connection gets the nth, later ones
                 the last; each is laid over the script's other keys

A STEP is the text of a reply ("\\n" for several lines) or an object:

    reply   the same          nothing  true: no reply
    raw     octets sent in the same segment after the reply
    delay   seconds before    drip     seconds before each octet
    when    only for command lines that hold this text
    then    close | reset (RST) | silent (says, reads and closes nothing)

In a list, steps with `when` come first if they match; the others are taken
in order, the last for ever.
"""

import base64
import os
import socket
import ssl
import struct
import threading
import time

KEYWORDS = ["SIZE 104857600", "PIPELINING", "8BITMIME", "SMTPUTF8",
            "ENHANCEDSTATUSCODES", "CHUNKING"]
REPLIES = {
    "CONNECT": "220 {host} ESMTP practice",
    "HELO": "250 {host}",
    "STARTTLS": "220 2.0.0 Go ahead",
    "MAIL": "250 2.1.0 Ok",
    "RCPT": "250 2.1.5 Ok",
    "DATA": "354 End data with <CR><LF>.<CR><LF>",
    "EOM": "250 2.0.0 Ok: queued as {id}",
    "RSET": "250 2.0.0 Ok",
    "NOOP": "250 2.0.0 Ok",
    "VRFY": "252 2.0.0 Perhaps",
    "QUIT": "221 2.0.0 Bye",
}
KEEP_MAX = 4 << 20  # recorded octets of one session; messages are kept whole
IDLE_S = 300


class Ended(Exception):
    """The script or the client ended the session."""


class Recorder:
    """What happened in one session, as the control socket tells it."""

    def __init__(self, number, address, peer):
        self.facts = {
            "id": number, "address": address, "peer": peer[0],
            "opened": time.time(), "closed": None, "tls": None,
            "tls_error": None, "commands": [], "events": [],
            "messages": 0, "truncated": False, "end": None,
        }
        self.kept = 0

    def octets(self, who, data):
        facts = self.facts
        if self.kept + len(data) > KEEP_MAX:
            facts["truncated"] = True
            return
        self.kept += len(data)
        facts["events"].append({
            "at": time.time(), "from": who, "tls": facts["tls"] is not None,
            "data": base64.b64encode(data).decode(),
        })


class Session(threading.Thread):
    def __init__(self, server, listener, sock, peer, script, number):
        super().__init__(daemon=True)
        self.server = server
        self.listener = listener
        self.sock = sock
        self.script = script
        self.record = Recorder(number, listener.address, peer)
        self.facts = self.record.facts
        self.buffer = b""
        self.taken = {}  # verb -> how many of its steps were taken
        self.in_tls = False
        self.stopped = threading.Event()
        self._reset()

    def _reset(self):
        self.sender = None
        self.recipients = []
        self.chunks = b""

    # --- octets ---
    def _send(self, data):
        self.record.octets("server", data)
        self.sock.sendall(data)

    def _fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise Ended("client closed")
        self.record.octets("client", data)
        self.buffer += data

    def _line(self):
        while b"\n" not in self.buffer:
            self._fill()
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def _octets(self, n):
        while len(self.buffer) < n:
            self._fill()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    # --- steps ---
    def _step(self, verb, line):
        steps = (self.in_tls and self.script.get("on_tls", {}).get(verb)
                 or self.script.get("on", {}).get(verb))
        if steps is None:
            return {}
        if not isinstance(steps, list):
            steps = [steps]
        steps = [{"reply": s} if isinstance(s, str) else s for s in steps]
        for step in steps:
            if "when" in step and step["when"].lower() in line.lower():
                return step
        rest = [step for step in steps if "when" not in step]
        n = self.taken.get(verb, 0)
        self.taken[verb] = n + 1
        return rest[min(n, len(rest) - 1)] if rest else {}

    def _play(self, verb, line="", default=None):
        """Sends the reply to a command; its code."""
        step = self._step(verb, line)
        text = step.get("reply", default if default is not None
                        else REPLIES.get(verb, "502 5.5.2 Unknown"))
        self.stopped.wait(step.get("delay", 0))
        data = self._format(text)
        if step.get("nothing") or (verb == "BODY" and "reply" not in step):
            data = b""
        data += step.get("raw", "").encode("latin-1")
        if "drip" in step:
            for i in range(len(data)):
                self.stopped.wait(step["drip"])
                self._send(data[i:i + 1])
        elif data:
            self._send(data)
        self._then(step.get("then"))
        return text[:3]

    def _format(self, text):
        text = text.replace("{host}", self.listener.host).replace(
            "{id}", f"{self.facts['id']}.{self.facts['messages']}")
        lines = text.split("\n")
        code = lines[0][:3]
        out = [f"{code}-{line[4:] if i == 0 else line}"
               for i, line in enumerate(lines[:-1])]
        last = lines[-1] if len(lines) == 1 else f"{code} {lines[-1]}"
        return "".join(f"{line}\r\n" for line in out + [last]).encode()

    def _then(self, what):
        if what == "silent":
            self.stopped.wait()
        if what == "reset":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
        if what:
            raise Ended(f"script: {what}")

    # --- commands ---
    def run(self):
        try:
            self.sock.settimeout(IDLE_S)
            self._play("CONNECT")
            while True:
                line = self._line()
                self.facts["commands"].append(line)
                self._command(line)
        except Ended as end:
            self.facts["end"] = str(end)
        except (OSError, ValueError) as error:
            self.facts["end"] = f"{type(error).__name__}: {error}"
        finally:
            self.facts["closed"] = time.time()
            self.sock.close()
            self.listener.sessions.discard(self)

    def _command(self, line):
        verb = line.split(" ", 1)[0].upper()
        act = getattr(self, f"_do_{verb.lower()}", None)
        if act:
            act(line)
        else:
            self._play(verb, line)

    def _do_ehlo(self, line):
        offered = list(self.script.get(
            "keywords_tls" if self.in_tls else "keywords", KEYWORDS))
        if not self.in_tls and self.script.get("tls", {}) is not None:
            offered.append("STARTTLS")
        self._reset()
        self._play("EHLO", line, default="\n".join(
            ["250 " + self.listener.host] + offered))

    def _do_starttls(self, line):
        if self.in_tls or self.script.get("tls", {}) is None:
            self._play("STARTTLS", line, default="502 5.5.1 Not offered")
            return
        code = self._play("STARTTLS", line)
        if code != "220":
            return
        if self.buffer:
            self.facts["clear_after_starttls"] = len(self.buffer)
        self._handshake()

    def _handshake(self):
        seen = {}
        context = self.server.context(self.listener, self.script.get("tls"))
        try:
            self.sock = context.wrap_socket(self.sock, server_side=True,
                                            do_handshake_on_connect=False)
            self.sock.sni = seen
            self.sock.do_handshake()
        except (ssl.SSLError, OSError) as error:
            self.facts["tls_error"] = f"{type(error).__name__}: {error}"
            self.facts["sni"] = seen.get("sni")
            raise Ended("handshake failed") from error
        cipher = self.sock.cipher()
        self.facts["tls"] = {
            "version": self.sock.version(), "cipher": cipher[0],
            "sni": seen.get("sni"), "resumed": self.sock.session_reused,
        }
        self.in_tls = True
        self.buffer = b""
        self._reset()
        if "TLS" in self.script.get("on", {}):
            self._play("TLS", default="")

    def _do_mail(self, line):
        if self._play("MAIL", line)[0] == "2":
            self.recipients = []
            self.chunks = b""
            self.sender = line.partition(":")[2].strip()

    def _do_rcpt(self, line):
        if self._play("RCPT", line)[0] == "2":
            self.recipients.append(line.partition(":")[2].strip())

    def _do_rset(self, line):
        self._reset()
        self._play("RSET", line)

    def _do_data(self, line):
        if not self.recipients and "DATA" not in self.script.get("on", {}):
            self._play("DATA", line, default="503 5.5.1 No recipients")
            return
        if self._play("DATA", line)[0] != "3":
            return
        self._play("BODY", line)
        body = b""
        while True:
            end = self.buffer.find(b"\r\n.\r\n")
            if self.buffer.startswith(b".\r\n"):
                body, self.buffer = b"", self.buffer[3:]
                break
            if end >= 0:
                body = self.buffer[:end + 2]
                self.buffer = self.buffer[end + 5:]
                break
            self._fill()
        if body.startswith(b"."):
            body = body[1:]
        self._accept(body.replace(b"\r\n.", b"\r\n"), line)

    def _do_bdat(self, line):
        words = line.split()
        data = self._octets(int(words[1]))
        self.chunks += data
        if len(words) > 2 and words[2].upper() == "LAST":
            self._accept(self.chunks, line)
        else:
            self._play("BDAT", line, default="250 2.0.0 Octets received")

    def _accept(self, body, line):
        self.facts["messages"] += 1
        # Kept before the reply: whoever has the 250 finds the message.
        kept = self.server.keep(self, body)
        if self._play("EOM", line)[0] != "2":
            self.server.drop(kept)
        self._reset()

    def _do_quit(self, line):
        self._play("QUIT", line)
        raise Ended("quit")


class Listener:
    """One address: its script, its count of connections."""

    def __init__(self, server, address, port, host, script):
        self.server = server
        self.address = address
        self.host = host
        self.default = script or {}
        self.script = self.default
        self.connections = 0
        self.sessions = set()
        self.contexts = {}
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Small, so that a script that stops reading is soon felt.
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.sock.bind((address, port))
        self.sock.listen(200)

    def set(self, script):
        self.script = self.default if script is None else script
        self.connections = 0
        self.contexts.clear()

    def accept(self):
        sock, peer = self.sock.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        script = dict(self.script)
        turns = script.pop("sessions", None)
        if turns:
            script |= turns[min(self.connections, len(turns) - 1)]
        self.connections += 1
        session = Session(self.server, self, sock, peer, script,
                          self.server.next_number())
        self.sessions.add(session)
        self.server.records.append(session.facts)
        session.start()


def tls_context(certificates, host, wish):
    """An SSLContext for a script's "tls" object."""
    wish = {"certificate": "good"} | (wish or {})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if wish.get("max") or wish.get("min"):
        context.minimum_version = getattr(
            ssl.TLSVersion, wish.get("min", "TLSv1").replace(".", "_"))
        context.maximum_version = getattr(
            ssl.TLSVersion, wish.get("max", "TLSv1.3").replace(".", "_"))
    if wish.get("ciphers"):
        context.set_ciphers(wish["ciphers"])
    if wish.get("tickets") is False:
        context.num_tickets = 0
        context.options |= ssl.OP_NO_TICKET
    context.load_cert_chain(certificates.leaf(wish.get("host", host),
                                              wish["certificate"]))

    def on_name(sock, name, _context):
        if hasattr(sock, "sni"):
            sock.sni["sni"] = name
    context.sni_callback = on_name
    return context


class SmtpServer:
    """All scripted addresses, what they saw, what they accepted."""

    def __init__(self, certificates, keep_mail):
        self.certificates = certificates
        self.keep_mail = keep_mail  # (message, its octets) -> files
        self.listeners = {}
        self.records = []
        self.messages = []
        self._lock = threading.Lock()
        self._number = 0

    def next_number(self):
        with self._lock:
            self._number += 1
            return self._number

    def listen(self, address, port, host, script):
        self.listeners[address] = Listener(self, address, port, host, script)

    def context(self, listener, wish):
        key = repr(wish)
        with self._lock:
            if key not in listener.contexts:
                listener.contexts[key] = tls_context(
                    self.certificates, listener.host, wish)
            return listener.contexts[key]

    def keep(self, session, body):
        message = {
            "session": session.facts["id"], "address": session.listener.address,
            "host": session.listener.host, "at": time.time(),
            "sender": session.sender, "recipients": list(session.recipients),
            "tls": session.facts["tls"], "size": len(body),
        }
        message["files"] = self.keep_mail(message, body)
        with self._lock:
            self.messages.append(message)
        return message

    def drop(self, message):
        with self._lock:
            self.messages.remove(message)
        for path in message["files"]:
            os.unlink(path)

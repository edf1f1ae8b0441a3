"""How a test tells the scripted servers what to do, and asks what they saw."""

import base64
import json
import socket


class Control:
    """`at` is an address or the name of a scripted MX host."""

    def __init__(self, port, address="127.0.0.1"):
        self.port = port
        self.address = address

    def _ask(self, op, **wish):
        with socket.create_connection((self.address, self.port), 10) as sock:
            sock.sendall(json.dumps({"op": op, **wish}).encode() + b"\n")
            with sock.makefile("rb") as lines:
                answer = json.loads(lines.readline())
        if not answer.pop("ok"):
            raise ValueError(answer["error"])
        return answer

    def script(self, at, script):
        """From the next connection on; see scripted.py for the language."""
        self._ask("script", at=at, script=script)

    def reset(self, at=None):
        """Back to what the table says; without at: everything."""
        self._ask("reset", at=at)

    def sessions(self, at=None, clear=False):
        """Every session, oldest first: commands, tls {version, cipher, sni,
        resumed}, events with all octets; see octets()."""
        return self._ask("sessions", at=at, clear=clear)["sessions"]

    def messages(self, at=None, clear=False, body=False):
        """Every accepted message; with body: its octets."""
        found = self._ask("messages", at=at, clear=clear, body=body)
        for message in found["messages"]:
            if body:
                message["body"] = base64.b64decode(message["body"])
        return found["messages"]

    def drop(self, at):
        """Cuts every open connection."""
        self._ask("drop", at=at)

    def site(self, host, site):
        """What an HTTPS host answers; see https.py. None: as at the start."""
        self._ask("site", host=host, site=site)

    def requests(self, host=None, clear=False):
        return self._ask("requests", host=host, clear=clear)["requests"]

    def greylist(self, wait_s):
        """New waiting time; everybody is new again."""
        self._ask("greylist", wait_s=wait_s)


def octets(session, who="client", tls=None):
    """What one side sent in a session; tls: only inside (or outside) TLS."""
    return b"".join(
        base64.b64decode(event["data"]) for event in session["events"]
        if event["from"] == who and tls in (None, event["tls"]))

"""Browsers that ask and never read cannot take the portal from the others."""

import http.client
import re
import socket
import ssl
import time

import pytest

from gate import ROOT
from tests.e2e.lone_gate import Gate

PORTAL = ROOT / "build/src/role/portal/postseal-portal"
# More than the portal has threads, from many addresses.
NEVER_READ = 160
CONFIG = """
listen 127.0.0.1:{smtp} {{ accept-from 127.0.0.0/8 }}
portal {{ url https://localhost:{https}  listen 127.0.0.1:{https}
         from portal@clinic.example }}
delivery {{ port 9  retry 1h }}
dns {{ resolver 127.0.0.1@9 }}
rule "all" {{ floor verified  ladder tls }}
"""


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    with Gate(tmp_path_factory.mktemp("readers"), CONFIG,
              ("smtp", "https")) as made:
        yield made


def anybody():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def get(port, path):
    client = http.client.HTTPSConnection("localhost", port, timeout=60,
                                         context=anybody())
    client.request("GET", path)
    answer = client.getresponse()
    body = answer.read()
    client.close()
    return answer.status, body


def largest(port):
    """The reader's program: more than sockets hold on to."""
    path = re.search(rb"/assets/reader-[0-9a-f]+\.js",
                     PORTAL.read_bytes()).group().decode()
    return len(get(port, path)[1]), path


def never_reads(port, number, path):
    """Asks again and again on one connection, and takes nothing."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    raw.settimeout(10)
    raw.bind((f"127.{1 + number // 200}.{1 + number % 200}.1", 0))
    raw.connect(("127.0.0.1", port))
    tls = anybody().wrap_socket(raw, server_hostname="localhost")
    ask = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"
    tls.sendall(ask.encode() * 40)
    return tls


def test_readers_who_never_read(gate):
    port = gate.ports["https"]
    size, path = largest(port)
    assert size > 100_000
    held = [never_reads(port, n, path) for n in range(NEVER_READ)]
    began = time.monotonic()
    for _ in range(3):
        status, body = get(port, path)
        assert status == 200 and len(body) == size
    took = time.monotonic() - began
    for s in held:
        s.close()
    # They would hold every thread for 20 s and more each.
    assert took < 15

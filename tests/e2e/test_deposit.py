# SPDX-License-Identifier: Apache-2.0
"""Large messages through the portal: what a reader saves is what the sender
gave, to the octet, and no role grows with it."""

import base64
import email
import email.policy
import http.cookiejar
import os
import random
import re
import smtplib
import ssl
import urllib.parse
import urllib.request
from email.message import EmailMessage

import pytest

from dispatch_gate import certificates
from smtp_peer import Peer
from tests.e2e.lone_gate import Gate

CONFIG = """
listen 127.0.0.1:{smtp} {{ accept-from 127.0.0.0/8 }}
portal {{ url https://localhost:{https}  listen 127.0.0.1:{https}
         from portal@clinic.example }}
delivery {{ retry 1s }}
rule "large" {{ floor sealed  ladder portal  clear-path code }}
route * {{ to 127.0.0.1:%d  floor open }}
limits {{ message 100M }}
"""
GROWTH_KB = 8 << 10


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deposit")
    peer = Peer()
    with Gate(folder, CONFIG % peer.port, ("smtp", "https")) as gate:
        yield gate, peer
    peer.close()


class Reader:
    """A browser, as far as the portal needs one."""

    def __init__(self):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=context),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(self, url):
        with self.opener.open(url, timeout=60) as answer:
            return answer.read()

    def save(self, url, path):
        with self.opener.open(url, timeout=60) as answer, \
                open(path, "wb") as out:
            while block := answer.read(1 << 20):
                out.write(block)

    def post(self, page, url, **fields):
        fields["form"] = re.search(rb'name="form" value="([^"]*)"',
                                   page).group(1).decode()
        origin = url.split("/p/")[0]
        ask = urllib.request.Request(
            url, urllib.parse.urlencode(fields).encode(),
            headers={"Origin": origin, "Referer": url})
        with self.opener.open(ask, timeout=60) as answer:
            return answer.read()


def text_of(mail):
    message = email.message_from_bytes(mail.data, policy=email.policy.default)
    return message.get_body(("plain",)).get_content()


def peak_kb(pid):
    with open("/proc/%d/status" % pid, encoding="utf-8") as f:
        return int([l.split()[1] for l in f if l.startswith("VmHWM")][0])


def forget_peak(pid):
    with open("/proc/%d/clear_refs" % pid, "w", encoding="utf-8") as f:
        f.write("5")


def letter(octets):
    """Attachments of that many octets in all, and text in two forms."""
    source = random.Random(octets)
    message = EmailMessage()
    message["From"] = "Ann <ann@clinic.example>"
    message["To"] = "you@there.example"
    message["Subject"] = "pictures"
    message["Message-ID"] = "<%d@clinic.example>" % octets
    message.set_content("The pictures.\n.\n..\n")
    message.add_alternative("<p>The pictures.</p>", subtype="html")
    for i in range(3):
        message.add_attachment(source.randbytes(octets // 3),
                               maintype="image", subtype="png",
                               filename="p%d.png" % i)
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def hand_in(gate, data):
    with smtplib.SMTP("127.0.0.1", gate.ports["smtp"], timeout=60) as client:
        client.ehlo("client.clinic.example")
        client.mail("ann@clinic.example")
        client.rcpt("you@there.example")
        code, reply = client.data(data)
        assert code == 250, reply


def pick_up(peer, before, path):
    reader = Reader()
    notice = text_of(peer.wait_mails(before + 1, 60)[before])
    link = re.search(r"https://localhost:\d+/p/[\w-]+", notice).group(0)
    asked = reader.post(reader.get(link), link + "/code")
    code = re.search(r"\b\d{4} ?\d{4}\b", text_of(
        peer.wait_mails(before + 2, 60)[before + 1])).group(0)
    reader.post(asked, link + "/open", code=code.replace(" ", ""))
    reader.save(link + "/message.eml", path)


@pytest.mark.parametrize("octets", [10_000, 3 << 20, 25 << 20],
                         ids=["10 KB", "3 MB", "25 MB"])
def test_large_deposit_is_read_as_it_was_sent(world, tmp_path, octets):
    gate, peer = world
    data = letter(octets)
    pids = gate.role_pids()
    before = {}
    for role, pid in pids.items():
        if os.geteuid() == 0:
            forget_peak(pid)
        before[role] = peak_kb(pid)
    mails = len(peer.mails)
    hand_in(gate, data)
    saved = tmp_path / "message.eml"
    pick_up(peer, mails, saved)
    got = saved.read_bytes()
    # the gate's own trace stands above what was sent, and nothing else changed
    at = got.find(b"From: Ann")
    assert got[at:] == data
    assert got[:at].startswith(b"Received: ") and at < 1000
    if octets > 1 << 20:
        grown = {r: peak_kb(p) - before[r] for r, p in pids.items()}
        assert gate.role_pids() == pids
        assert max(grown.values()) < GROWTH_KB, grown
    # nothing of the text went over a wire
    needle = base64.b64encode(b"The pictures")
    for mail in peer.mails:
        assert b"The pictures" not in mail.data and needle not in mail.data

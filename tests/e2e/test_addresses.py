# SPDX-License-Identifier: Apache-2.0
"""Where a stranger's DNS may send us: never inside on the public port, never to
ourselves, unless the configuration says so (SO-05)."""

import os
import re

import pytest

from dispatch_gate import Gate
from dns_tree import DnsTree
from lone_gate import free_port
from smtp_peer import Peer

PEER, OTHER = "127.0.5.1", "127.0.5.2"
PRIVATE = {"loop": PEER, "ten": "10.255.255.1", "home": "192.168.255.1",
           "zero": "0.0.0.0", "link": "169.254.169.254"}
ZONE = "".join("%s.example. MX 10 mx.%s.example.\nmx.%s.example. A %s\n"
               % (n, n, n, a) for n, a in PRIVATE.items()) + """
six.example. MX 10 mx.six.example.
mx.six.example. AAAA ::1
implicit.example. A 127.0.5.1
mapped.example. MX 10 mx.mapped.example.
mx.mapped.example. AAAA ::ffff:127.0.5.1
mixed.example. MX 10 mx.loop.example.
mixed.example. MX 20 mx.other.example.
mx.other.example. A 127.0.5.2
text.example. MX 10 127.0.5.1.
self.example. MX 10 mx.self.example.
mx.self.example. A 127.0.0.1
alias.example. MX 10 alias.mx.example.
alias.mx.example. CNAME mx.loop.example.
"""
REFUSED = [n + ".example" for n in [*PRIVATE, "six", "implicit", "mapped",
                                    "alias"]] + ["[%s]" % PEER,
                                                 "[IPv6:::1]"]
RULE = 'rule "all" { floor open  ladder tls  switch-after 1s }\n'

pytestmark = pytest.mark.skipif(os.geteuid() != 0,
                                reason="the public port needs root")


@pytest.fixture(scope="module")
def dns(tmp_path_factory):
    tree = DnsTree(str(tmp_path_factory.mktemp("dns")), free_port(),
                   ZONE).start()
    yield tree
    tree.stop()


@pytest.fixture(scope="module")
def peers():
    try:
        made = [Peer(PEER, 25), Peer(OTHER, 25)]
    except OSError as error:
        pytest.skip("port 25 is taken: %s" % error)
    yield made
    for peer in made:
        peer.close()


@pytest.fixture
def gate(dns, tmp_path):
    made = []

    def make(config="", port=25, **settings):
        made.append(Gate(tmp_path / "gate", config + RULE, dns=dns, port=port,
                         **settings).start())
        return made[0]

    yield make
    for one in made:
        one.stop()


def test_SO_05_private_addresses_are_not_dialled(gate, peers):
    g = gate()
    sent = {domain: g.send("you@" + domain) for domain in REFUSED}
    for domain, mid in sent.items():
        row = g.final(mid, 40)[0]
        assert row["state"] == "failed", domain
        assert "private address" in row["why"], (domain, row["why"])
        assert not any(a["address"] for a in g.attempts(mid)), domain
    # the text of an address is no name, and nothing is dialled for it
    row = g.final(g.send("you@text.example"), 40)[0]
    assert row["state"] == "failed"
    assert all(peer.sessions == [] for peer in peers)


def test_SO_05_ranges_of_the_house_may_be_allowed(gate, peers):
    g = gate(delivery="allow-private %s/32" % OTHER)
    assert g.final(g.send("you@mixed.example"), 40)[0]["state"] == "delivered"
    assert g.final(g.send("you@loop.example"), 40)[0]["state"] == "failed"
    assert peers[0].sessions == [] and len(peers[1].mails) == 1


def test_SO_05_a_route_is_the_administrators_word(gate, peers):
    before = len(peers[0].mails)
    g = gate("route loop.example { to %s:25  floor open }\n"
             "route ten.example { to mx.loop.example:25 }\n" % PEER)
    for domain in ("loop.example", "ten.example"):
        row = g.final(g.send("you@" + domain), 40)[0]
        assert row["state"] == "delivered", row
    assert len(peers[0].mails) == before + 2


def test_mail_to_our_own_listener_does_not_go_in_circles(gate, dns):
    """self.example leads to where the configuration listens."""
    g = gate(port=2525)
    row = g.final(g.send("you@self.example"), 40)[0]
    assert row["state"] == "failed" and "come back to us" in row["why"]
    assert not re.search("127.0.0.1", str(g.attempts(row["message_id"])))

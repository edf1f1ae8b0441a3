# SPDX-License-Identifier: Apache-2.0
"""Group TP: forced TLS on real DNSSEC, certificates of all kinds, and a
server that offers, refuses and breaks STARTTLS. For every row: nothing below
the floor ever reaches the wire."""

import hashlib
import http.server
import json
import os
import ssl
import subprocess
import threading
import time

import pytest

from dispatch_gate import BUILD, MAIL, Gate, certificates
from dns_tree import DnsTree
from smtp_peer import RESET, Peer

BASE = int(os.environ.get("POSTSEAL_PORT_BASE", "25000"))
DNS_PORT, SMTP_PORT, STS_PORT = BASE + 53, BASE + 25, BASE + 443
RULES = 'rule "forced" { floor verified  ladder tls portal  switch-after 4s }\n'
PORTAL = "portal { url https://mail.clinic.example  listen 127.0.0.1:%d }\n" % (
    BASE + 444)


class Internet:
    """Each domain is an MX on a loopback address of its own."""

    def __init__(self, directory):
        self.dir = str(directory)
        self.ca, self.make = certificates(directory)
        self.zone, self.insecure, self.peers = [], [], {}
        self.policies, self.sts_names = {}, []
        self.address, self.keys = 0, {}

    def cert(self, host, **kind):
        made = self.make(host, kind.pop("names", [host]), **kind)
        self.keys[host] = made[2]
        return made

    def context(self, cert, low=None, high=None):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(cert[0], cert[1])
        if low:
            c.set_ciphers("ALL:@SECLEVEL=0")
            c.minimum_version, c.maximum_version = low, high
        return c

    def host(self, name, cert=None, tlsa=None, context=None, **peer):
        """A running MX host; its DNS lines."""
        self.address += 1
        address = "127.0.1.%d" % self.address
        self.zone.append("%s. A %s" % (name, address))
        for data in tlsa or []:
            self.zone.append("_%d._tcp.%s. TLSA %s" % (SMTP_PORT, name, data))
        if cert and context is None:
            context = self.context(cert)
        self.peers[name] = Peer(address, SMTP_PORT, context=context, **peer)
        return self.peers[name]

    def mx(self, domain, *hosts):
        for i, host in enumerate(hosts):
            self.zone.append("%s. MX %d %s." % (domain, 10 + i, host))

    def sts(self, domain, mode, *mx):
        self.zone.append('_mta-sts.%s. TXT "v=STSv1; id=1;"' % domain)
        self.zone.append("mta-sts.%s. A 127.0.2.1" % domain)
        self.sts_names.append("mta-sts.%s" % domain)
        self.policies["mta-sts.%s" % domain] = (
            "version: STSv1\r\nmode: %s\r\n%smax_age: 86400\r\n" % (
                mode, "".join("mx: %s\r\n" % m for m in mx)))

    def start(self):
        net = self

        class Policies(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host = self.headers["Host"].split(":")[0]
                body = net.policies.get(host, "").encode()
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.web = http.server.ThreadingHTTPServer(("127.0.2.1", STS_PORT),
                                                   Policies)
        self.web.socket = self.context(self.cert(
            "sts-host", names=self.sts_names or ["x.example"])).wrap_socket(
                self.web.socket, server_side=True)
        threading.Thread(target=self.web.serve_forever, daemon=True).start()
        self.dns = DnsTree(self.dir, DNS_PORT, "\n".join(self.zone) + "\n",
                           "\n".join(self.insecure) + "\n").start()
        return self

    def stop(self):
        self.dns.stop()
        self.web.shutdown()
        self.web.server_close()
        for peer in self.peers.values():
            peer.close()


def spki(cert):
    return "3 1 1 " + hashlib.sha256(cert[2]).hexdigest()


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    n = Internet(tmp_path_factory.mktemp("net"))
    good = n.cert

    dane = n.cert("dane", names=["other.name"], self_signed=True)
    n.host("mx.dane.example", dane, [spki(dane)])
    n.mx("dane.example", "mx.dane.example")
    old = n.cert("oldcert", names=["x"], begin=-20, end=-2, self_signed=True)
    n.host("mx.danedate.example", old, [spki(old)])
    n.mx("danedate.example", "mx.danedate.example")

    n.host("mx.sts.example", good("mx.sts.example"))
    n.mx("sts.example", "mx.sts.example")
    n.sts("sts.example", "enforce", "*.sts.example")
    n.host("mx.badsts.example", good("mx.badsts.example"))
    n.mx("badsts.example", "mx.badsts.example")
    n.sts("badsts.example", "enforce", "elsewhere.example")
    n.host("mx1.halfsts.example", good("mx1.halfsts.example"))
    n.host("mx2.halfsts.example", good("mx2.halfsts.example"))
    n.mx("halfsts.example", "mx1.halfsts.example", "mx2.halfsts.example")
    n.sts("halfsts.example", "enforce", "mx2.halfsts.example")
    n.host("mx.ststest.example", n.cert("ststest", names=["wrong.example"]))
    n.mx("ststest.example", "mx.ststest.example")
    n.sts("ststest.example", "testing", "mx.ststest.example")
    n.host("mx.stsname.example", n.cert("stsname", names=["wrong.example"]))
    n.mx("stsname.example", "mx.stsname.example")
    n.sts("stsname.example", "enforce", "mx.stsname.example")

    n.host("mx.pkix.example", good("mx.pkix.example"))
    n.mx("pkix.example", "mx.pkix.example")
    n.host("mx.selfsigned.example", n.cert("mx.selfsigned.example",
                                           self_signed=True))
    n.mx("selfsigned.example", "mx.selfsigned.example")
    n.host("mx.expired.example", n.cert("mx.expired.example", begin=-20,
                                        end=-2))
    n.mx("expired.example", "mx.expired.example")
    n.host("mx.future.example", n.cert("mx.future.example", begin=1, end=9))
    n.mx("future.example", "mx.future.example")
    n.host("mx.wrongname.example", n.cert("wrongname", names=["a.example"]))
    n.mx("wrongname.example", "mx.wrongname.example")
    n.host("mx.plain.example")
    n.mx("plain.example", "mx.plain.example")
    n.host("mx1.stripped.example")
    n.host("mx2.stripped.example", good("mx2.stripped.example"))
    n.mx("stripped.example", "mx1.stripped.example", "mx2.stripped.example")
    bad = good("mx.baddane.example")
    n.host("mx.baddane.example", bad, ["3 1 1 " + "ab" * 32])
    n.mx("baddane.example", "mx.baddane.example")
    n.host("mx.unusable.example", n.cert("unusable", names=["x"],
                                         self_signed=True),
           ["1 1 1 " + "ab" * 32])
    n.mx("unusable.example", "mx.unusable.example")
    n.host("mx.tlsafail.example", good("mx.tlsafail.example"))
    n.zone.append("_%d._tcp.mx.tlsafail.example. CNAME x.servfail.example." %
                  SMTP_PORT)
    n.mx("tlsafail.example", "mx.tlsafail.example")
    v10, v11 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    n.host("mx.old.example", context=n.context(good("mx.old.example"), v10,
                                               v11))
    n.mx("old.example", "mx.old.example")
    for name, answer in (("s454", b"454 4.7.0 not now\r\n"),
                         ("s500", b"500 5.5.1 what?\r\n"),
                         ("srst", RESET),
                         ("inject", b"220 2.0.0 go\r\n250-evil\r\n"
                                    b"250 AUTH PLAIN\r\n")):
        n.host("mx.%s.example" % name, good("mx.%s.example" % name),
               answers={"STARTTLS": answer})
        n.mx("%s.example" % name, "mx.%s.example" % name)
    n.mx("nullmx.example")
    n.zone.append("nullmx.example. MX 0 .")
    n.zone.append("nullmx.example. A 127.0.1.99")
    n.zone.append("down.example. MX 10 mx.down.example.")
    n.zone.append("mx.down.example. A 127.0.1.98")
    n.zone.append("hole.example. MX 10 mx.hole.example.")
    n.host("mx.hole.example", good("mx.hole.example"))
    n.zone.append("mx.hole.example. AAAA 100::1")
    n.host("nomx.example", good("nomx.example"))
    n.zone.append("textmx.example. MX 10 127.0.1.1.")
    n.host("real.alias.example", good("mx.alias.example"))
    n.zone.append("mx.alias.example. CNAME real.alias.example.")
    n.mx("alias.example", "mx.alias.example")
    leaving = n.cert("leaving", names=["other.name"], self_signed=True)
    n.peers["mx.leaving.example"] = Peer("127.0.1.97", SMTP_PORT,
                                         context=n.context(leaving))
    n.insecure.append("host A 127.0.1.97")
    n.zone.append("mx.leaving.example. CNAME host.insecure.example.")
    n.zone.append("_%d._tcp.mx.leaving.example. TLSA %s" % (SMTP_PORT,
                                                            spki(leaving)))
    n.mx("leaving.example", "mx.leaving.example")
    shared = good("mx.shared.example")
    n.host("mx.shared.example", shared)
    n.mx("shared.example", "mx.shared.example")
    n.mx("shared2.example", "mx.shared.example")
    greylist = n.host("mx.greylist.example", good("mx.greylist.example"),
                      answers={"RCPT": lambda s: b"450 4.2.0 greylisted\r\n"
                               if len(n.peers["mx.greylist.example"].said(
                                   "RCPT")) == 1 else None})
    n.mx("greylist.example", "mx.greylist.example")
    n.start()
    yield n
    n.stop()


@pytest.fixture
def gate(net, tmp_path):
    made = []

    def make(config=RULES + PORTAL, **settings):
        settings.setdefault("retry", "2s")
        g = Gate(tmp_path / ("gate%d" % len(made)), config, dns=net.dns,
                 port=SMTP_PORT, ca=net.ca, sts_port=STS_PORT,
                 **settings).start()
        made.append(g)
        return g

    yield make
    for g in made:
        g.stop()


def of(net, *names):
    return [m for n in names for m in net.peers[n].mails
            if not m.data.startswith(b"From: <postmaster@")]


def nothing_in_clear(net, since):
    """No MAIL FROM outside TLS but for the gateway's own notices."""
    for peer in net.peers.values():
        for m in peer.mails:
            if m.at >= since and not m.tls:
                assert m.data.startswith(b"From: <postmaster@"), m.data


VERIFIED = [
    ("dane.example", "mx.dane.example", "dane-ee", "DANE-EE matched"),
    ("danedate.example", "mx.danedate.example", "dane-ee", ""),
    ("sts.example", "mx.sts.example", "mta-sts", ""),
    ("halfsts.example", "mx2.halfsts.example", "mta-sts", ""),
    ("pkix.example", "mx.pkix.example", "pkix", ""),
    ("stripped.example", "mx2.stripped.example", "pkix", ""),
    ("nomx.example", "nomx.example", "pkix", ""),
    ("alias.example", "mx.alias.example", "pkix", ""),
    ("hole.example", "mx.hole.example", "pkix", ""),
    ("leaving.example", "mx.leaving.example", "dane-ee", ""),
]


@pytest.mark.parametrize("domain,mx,by,why", VERIFIED)
def test_TP_verified_by_tls(net, gate, domain, mx, by, why):
    """TP-01 (next MX), TP-06, TP-07, TP-13, TP-19, TP-20, SO-06."""
    begun = time.time()
    g = gate()
    mid = g.send("lee@" + domain)
    row = g.final(mid, 20)[0]
    assert (row["state"], row["method"]) == ("delivered", "tls"), row
    last = g.attempts(mid)[-1]
    assert last["mx"] == mx and last["verified_by"] == by
    assert last["tls_version"] == "TLSv1.3" and "250 2.0.0" in last["reply"]
    assert why in row["why"]
    nothing_in_clear(net, begun)


AT_ONCE = [
    ("plain.example", "offers no STARTTLS"),
    ("selfsigned.example", "self-signed"),
    ("expired.example", "expired"),
    ("future.example", "not valid before"),
    ("wrongname.example", "certificate is for a.example"),
    ("badsts.example", "not listed in the MTA-STS policy"),
    ("stsname.example", "certificate is for wrong.example"),
    ("baddane.example", "TLSA"),
    ("unusable.example", "self-signed"),
    ("old.example", ""),
]


@pytest.mark.parametrize("domain,why", AT_ONCE)
def test_TP_lasting_defect_next_rung_at_once(net, gate, domain, why):
    """TP-01, 04, 05, 06, 07, 14, 16: the portal, and no MAIL FROM."""
    begun = time.time()
    g = gate()
    mid = g.send("lee@" + domain)
    row = g.final(mid, 10)[0]
    assert (row["state"], row["method"]) == ("deposited", "portal"), row
    assert why in row["why"]
    assert of(net, *[h for h in net.peers if h.endswith(domain)]) == []
    nothing_in_clear(net, begun)
    assert 2 in g.kinds()  # the notice


@pytest.mark.parametrize("name", ["s454", "s500", "srst", "inject",
                                  "tlsafail"])
def test_TP_02_17_SO_01_passing_fault_waits_then_switches(net, gate, name):
    begun = time.time()
    g = gate()
    mid = g.send("lee@%s.example" % name)
    row = g.tried(mid, 1)[0]
    assert row["state"] == "queued", row
    row = g.final(mid, 20)[0]
    assert (row["state"], row["method"]) == ("deposited", "portal")
    assert of(net, "mx.%s.example" % name) == []
    nothing_in_clear(net, begun)


def test_TP_24_down_then_portal_once(net, gate):
    g = gate(RULES.replace("}", "  tell-sender }") + PORTAL)
    mid = g.send("lee@down.example")
    g.tried(mid, 1)
    row = g.final(mid, 20)[0]
    assert row["state"] == "deposited"
    pickups = g.sql("SELECT * FROM pickup")
    assert len(pickups) == 1 and pickups[0]["needs_pin"] == 1
    assert sorted(g.kinds()) == [0, 2, 4]  # mail, notice, word to the sender


def test_TP_open_floor_clear_only_as_such(net, gate):
    """TP-02: clear where the rule is may, and recorded as clear."""
    g = gate('rule "open" { floor open  ladder tls  switch-after 1s }\n')
    for domain in ("plain.example", "s454.example", "srst.example"):
        mid = g.send("lee@" + domain)
        assert g.final(mid)[0]["state"] == "delivered"
        assert g.attempts(mid)[-1]["tls_version"] == ""
        assert "in clear" in g.deliveries(mid)[0]["why"]
    mid = g.send("lee@old.example")
    g.final(mid)
    assert g.attempts(mid)[-1]["tls_version"] in ("TLSv1", "TLSv1.1")
    for domain in ("baddane.example", "badsts.example"):
        mid = g.send("lee@" + domain)
        assert g.final(mid)[0]["state"] == "failed"


def test_TP_tls_floor(net, gate):
    g = gate('rule "tls" { floor tls  ladder tls  switch-after 1s }\n')
    for domain, state in (("selfsigned.example", "delivered"),
                          ("unusable.example", "delivered"),
                          ("ststest.example", "delivered"),
                          ("plain.example", "failed"),
                          ("old.example", "failed"),
                          ("baddane.example", "failed")):
        mid = g.send("lee@" + domain)
        assert g.final(mid)[0]["state"] == state, domain


def test_TP_03_each_connection_is_judged(net, gate):
    g = gate()
    peer = net.peers["mx.pkix.example"]
    assert g.final(g.send("a@pkix.example"))[0]["method"] == "tls"
    before = len(peer.mails)
    peer.offers_tls = False
    try:
        g.stop()  # the kept connection goes
        g.start()
        row = g.final(g.send("b@pkix.example"))[0]
    finally:
        peer.offers_tls = True
    assert row["method"] == "portal"
    assert len(of(net, "mx.pkix.example")) <= before


def test_TP_22_no_reuse_across_needs(net, gate):
    g = gate('rule "o" { when to matches *@shared.example  floor open '
             ' ladder tls }\n' + RULES)
    peer = net.peers["mx.shared.example"]
    for _ in range(2):
        assert g.final(g.send("a@shared.example"))[0]["state"] == "delivered"
    first = {m.connection for m in peer.mails}
    mid = g.send("b@shared2.example")
    assert g.final(mid)[0]["state"] == "delivered"
    assert g.attempts(mid)[-1]["verified_by"] == "pkix"
    assert peer.mails[-1].connection not in first


def test_TP_23_tls_required_no(net, gate):
    mail = b"TLS-Required: No\r\n" + MAIL
    g = gate()
    assert g.final(g.send("a@plain.example", mail))[0]["method"] == "portal"
    g2 = gate('rule "open" { floor open  ladder tls  switch-after 1s }\n')
    assert g2.final(g2.send("a@baddane.example", mail))[0]["state"] == \
        "delivered"
    row = g2.final(g2.send("b@baddane.example", mail, requiretls=1))[0]
    assert row["state"] == "failed"


def test_requiretls_needs_the_extension(net, gate):
    g = gate('rule "open" { floor open  ladder tls  switch-after 1s }\n')
    row = g.final(g.send("a@pkix.example", requiretls=1))[0]
    assert row["state"] == "failed" and "REQUIRETLS" in row["why"]


def test_SO_04_null_mx_at_once(net, gate):
    g = gate()
    mid = g.send("lee@nullmx.example")
    row = g.final(mid)[0]
    assert row["state"] == "failed" and "null MX" in row["why"]
    assert g.kinds().count(1) == 1


def test_SO_05_address_text_is_not_dialled(net, gate):
    g = gate(RULES.replace(" portal", ""))
    row = g.final(g.send("lee@textmx.example"))[0]
    assert row["state"] == "failed"
    assert all(a["address"] == "" for a in g.attempts(row["message_id"]))


def test_TP_20_address_literal_is_never_verified(net, gate):
    g = gate(RULES.replace(" portal", ""))
    mid = g.send("lee@[127.0.1.1]")
    assert g.final(mid)[0]["state"] == "failed"


def test_greylisted_goes_by_tls_later(net, gate):
    g = gate(RULES.replace("4s", "60s") + PORTAL)
    row = g.final(g.send("lee@greylist.example"), 20)[0]
    assert (row["state"], row["method"]) == ("delivered", "tls")


def test_mixed_domains_each_their_own_way(net, gate):
    """One message, every recipient by the way that suits; once."""
    g = gate()
    who = ["dane", "plain", "pkix", "expired", "nullmx"]
    mid = g.send(["lee@%s.example" % w for w in who])
    got = {r["domain"].split(".")[0]: (r["state"], r["method"])
           for r in g.final(mid, 20)}
    assert got == {"dane": ("delivered", "tls"),
                   "plain": ("deposited", "portal"),
                   "pkix": ("delivered", "tls"),
                   "expired": ("deposited", "portal"),
                   "nullmx": ("failed", "tls")}


def test_pinned_key(net, gate):
    """A local pin is the strongest authority: a public CA does not rescue a
    wrong key, and the right key needs no CA."""
    def pin(domain, der):
        return "pin %s { public-key %s }\n" % (
            domain, hashlib.sha256(der).hexdigest())

    wrong = net.make("other", ["x"])[2]
    g = gate(pin("pkix.example", wrong) +
             pin("selfsigned.example", net.keys["mx.selfsigned.example"]) +
             RULES + PORTAL)
    row = g.final(g.send("a@pkix.example"))[0]
    assert row["method"] == "portal" and "pinned" in row["why"]
    mid = g.send("a@selfsigned.example")
    assert g.final(mid)[0]["method"] == "tls"
    assert g.attempts(mid)[-1]["verified_by"] == "pinned"


def test_explain_agrees_with_delivery(net, gate):
    g = gate()
    for domain, method in (("dane.example", "tls"), ("plain.example",
                                                     "portal"),
                           ("sts.example", "tls"), ("nullmx.example", None),
                           ("expired.example", "portal")):
        got = subprocess.run(
            [os.path.join(BUILD, "src/cli/postseal"), "explain", "-c",
             g.config, "--json", "ann@clinic.example", "lee@" + domain],
            capture_output=True)
        told = json.loads(got.stdout)[0]
        assert told["method"] == method, told
        row = g.final(g.send("lee@" + domain))[0]
        assert row["method"] == (method or "tls")
        if method == "portal":
            assert told["why"] == row["why"]
        assert set(told) >= {"recipient", "rule", "floor", "ladder", "method",
                             "why", "facts"}
    assert len(told["rules"]) >= 1

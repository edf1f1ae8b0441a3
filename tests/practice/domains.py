"""The table of the practice Internet: every domain, its records, its servers.

Nothing here does anything; zones, certificates, receivers and the README's
table are all made from it.
"""

from dataclasses import dataclass, field

NET = "127.40"
HTTPS_ADDRESS = f"{NET}.0.2"  # policies and keys of all domains
# Who has a key: see keys.py.
OPENPGP_READER = "pia@pgp.example"
SMIME_READER = "mia@smime.example"


@dataclass
class Host:
    """An MX host: one address, one server."""

    name: str
    address: str
    server: str  # postfix, exim, scripted, nothing, blackhole
    certificate: str | None = "good"  # None: offers no STARTTLS
    tls_max: str = ""  # "TLSv1.1": that and older only
    tlsa: list = field(default_factory=list)  # (usage, selector, type, of)
    tlsa_at: str = ""  # owner, if not the host's own name
    script: dict | None = None  # scripted servers: where it is not plain good
    aaaa: str = ""


@dataclass
class Domain:
    name: str
    posture: str
    verified: str  # what becomes of a message with the floor "verified"
    cases: str
    signed: bool
    mx: list  # (preference, host name)
    hosts: list
    sts: dict | None = None  # what its policy host answers
    sts_id: str = ""
    sts_alias: str = ""  # mta-sts is a CNAME to this
    records: list = field(default_factory=list)  # (owner, type, data)
    broken: str = ""  # name of a subzone that is "bogus" or "servfail"
    breakage: str = ""
    bogus: bool = False  # its own DS does not match
    ttl: int = 60
    greylist: bool = False


def policy(mode, *mx, max_age=86400):
    """An MTA-STS policy (RFC 8461, 3.2)."""
    lines = ["version: STSv1", f"mode: {mode}"]
    lines += [f"mx: {name}" for name in mx]
    return "\r\n".join(lines + [f"max_age: {max_age}", ""])


_TABLE = []


def _add(label, posture, verified, cases, *, server="scripted", n=1, mx=None,
         certificate="good", tlsa=(), tlsa_at="", script=None, tls_max="",
         aaaa="", hosts=None, sts=None, signed=False, **rest):
    """One line of the table; hosts mx1..mxN on addresses of their own."""
    name = f"{label}.example"
    number = len(_TABLE) + 1
    if hosts is None:
        hosts = [{} for _ in range(n)]
    made = []
    for i, own in enumerate(hosts, 1):
        facts = {
            "name": f"mx{i}.{name}", "address": f"{NET}.{number}.{i}",
            "server": server, "certificate": certificate,
            "tlsa": list(tlsa), "tlsa_at": tlsa_at, "script": script,
            "tls_max": tls_max, "aaaa": aaaa,
        }
        made.append(Host(**(facts | own)))
    if mx is None:
        mx = [(10 * i, host.name) for i, host in enumerate(made, 1)]
    if isinstance(sts, str):
        sts = {"policy": sts}
    rest.setdefault("sts_id", "20261101T000000" if sts else "")
    _TABLE.append(Domain(name, posture, verified, cases, signed, mx, made,
                         sts=sts, **rest))


EE = (3, 1, 1, "leaf")

# --- the domains every part may rely on (docs/architecture.md) ------------
_add("dane", "DNSSEC, 3 1 1 TLSA, self-signed certificate", "tls (DANE)",
     "TP-13", server="postfix", certificate="self", tlsa=[EE], signed=True)
_add("sts", "MTA-STS enforce, good certificate", "tls (MTA-STS)", "TP-09",
     server="postfix", sts=policy("enforce", "mx1.sts.example"))
_add("pkix", "good certificate, no policy; GnuTLS", "tls (public CA)", "",
     server="exim", signed=True)
_add("selfsigned", "self-signed certificate, no DANE; GnuTLS", "next rung",
     "TP-24", server="exim", certificate="self")
_add("expired", "certificate expired 2024-05-01; GnuTLS", "next rung",
     "TP-06", server="exim", certificate="good expired")
_add("wrongname", "certificate for another name; GnuTLS", "next rung",
     "TP-05", server="exim", certificate="good wrongname")
_add("plain", "no STARTTLS", "next rung", "TP-01", server="postfix",
     certificate=None)
_add("stripped", "first MX offers no STARTTLS, second does",
     "tls through the second MX", "TP-01", server="postfix",
     hosts=[{"certificate": None}, {}])
_add("badsts", "MTA-STS enforce, its only MX is not listed", "next rung",
     "TP-07", server="postfix", sts=policy("enforce", "mx9.badsts.example"))
_add("baddane", "TLSA does not match, perfect CA certificate; GnuTLS",
     "next rung, never rescued by the CA", "TP-14", server="exim",
     tlsa=[(3, 1, 1, "other")], signed=True)
_add("old", "TLS 1.0 and 1.1 only", "next rung", "TP-04", server="postfix",
     tls_max="TLSv1.1")
_add("greylist", "450 to a new sender and recipient for 2 s, then accepts",
     "tls, later", "", server="postfix", greylist=True)
_add("down", "nothing listens", "next rung after switch-after", "SO-09",
     server="nothing")
_add("nullmx", "MX 0 . and an A record", "DSN at once", "SO-04", mx=[(0, ".")],
     hosts=[], signed=True, records=[("@", "A", f"{NET}.0.9")])
_add("pgp", "good certificate; publishes a key of pia by WKD; GnuTLS",
     "tls; pgp where the floor is sealed", "", server="exim",
     records=[("openpgpkey", "A", HTTPS_ADDRESS)])
_add("smime", "good certificate; publishes a certificate of mia by SMIMEA",
     "tls; smime where the floor is sealed", "", server="postfix", signed=True)
_add("clinic", "the sender's own: DNSSEC, 3 1 1, good certificate",
     "tls (DANE)", "", server="postfix", tlsa=[EE], signed=True,
     records=[("gate", "A", "127.0.0.1"), ("gate", "MX", "10 mx1")])

# --- DANE ------------------------------------------------------------------
_add("daneexpired", "3 1 1 matches; self-signed, expired", "tls (DANE)",
     "TP-06 TP-13", certificate="self expired", tlsa=[EE], signed=True)
_add("danename", "3 1 1 matches; CA certificate for another name",
     "tls (DANE)", "TP-13", certificate="good wrongname", tlsa=[EE],
     signed=True)
_add("danefuture", "3 1 1 matches; valid from tomorrow", "tls (DANE)",
     "TP-06 TP-13", certificate="good future", tlsa=[EE], signed=True)
_add("dane301", "3 0 1 matches; self-signed", "tls (DANE)", "TP-13",
     certificate="self", tlsa=[(3, 0, 1, "leaf")], signed=True)
_add("dane512", "3 1 2 matches; self-signed", "tls (DANE)", "TP-13",
     certificate="self", tlsa=[(3, 1, 2, "leaf")], signed=True)
_add("daneta0", "2 0 1 matches a private trust anchor", "tls (DANE)", "TP-13",
     certificate="ta", tlsa=[(2, 0, 1, "ta")], signed=True)
_add("daneta1", "2 1 1 matches a private trust anchor", "tls (DANE)", "TP-13",
     certificate="ta", tlsa=[(2, 1, 1, "ta")], signed=True)
_add("danetaname", "2 0 1 matches, certificate for another name", "next rung",
     "TP-14", certificate="ta wrongname", tlsa=[(2, 0, 1, "ta")], signed=True)
_add("danetaexpired", "2 0 1 matches, certificate expired", "next rung",
     "TP-06 TP-14", certificate="ta expired", tlsa=[(2, 0, 1, "ta")],
     signed=True)
_add("danemixed", "first MX's TLSA does not match, second's does",
     "tls (DANE) through the second MX", "TP-14", signed=True,
     hosts=[{"tlsa": [(3, 1, 1, "other")]},
            {"tlsa": [EE], "certificate": "self"}])
_add("daneplain", "TLSA, but no STARTTLS", "next rung", "TP-01 TP-14",
     certificate=None, tlsa=[(3, 1, 1, "other")], signed=True)
_add("rollover", "old and new TLSA together, TTL 2; the certificate and the "
     "records can be changed", "tls (DANE)", "TP-15", certificate="self",
     tlsa=[EE, (3, 1, 1, "next")], signed=True, ttl=2)
_add("unusable", "TLSA 0 0 1, 1 1 1, unknown selector, wrong length only; "
     "self-signed", "next rung (no server is proven)", "TP-16",
     certificate="self", signed=True,
     tlsa=[(0, 0, 1, "leaf"), (1, 1, 1, "leaf"), (3, 9, 1, "leaf"),
           (3, 1, 1, "short")])
_add("unusableplain", "the same, and no STARTTLS", "next rung", "TP-16",
     certificate=None, signed=True, tlsa=[(0, 0, 1, "other"),
                                          (3, 9, 1, "other")])
_add("servfail", "TLSA look-up ends in SERVFAIL; perfect CA certificate",
     "waits, then next rung", "TP-17", signed=True, broken="_tcp.mx1",
     breakage="servfail")
_add("bogus", "TLSA in a zone whose signatures do not verify; perfect CA "
     "certificate", "waits, then next rung", "TP-17", signed=True,
     broken="_tcp.mx1", breakage="bogus")
_add("bogusmx", "the whole domain does not verify", "waits, then next rung",
     "TP-17", signed=True, bogus=True)
_add("unsignedgood", "unsigned; TLSA that does not match, perfect CA "
     "certificate", "tls (public CA)", "TP-18", tlsa=[(3, 1, 1, "other")])
_add("unsignedself", "unsigned; TLSA that matches a self-signed certificate",
     "next rung", "TP-18", certificate="self", tlsa=[EE])
_add("aliasexpanded", "MX is a secure alias; TLSA at the expanded name",
     "tls (DANE), SNI host.aliasexpanded.example", "TP-19", signed=True,
     certificate="self", mx=[(10, "mx.aliasexpanded.example")], tlsa=[EE],
     hosts=[{"name": "host.aliasexpanded.example"}],
     records=[("mx", "CNAME", "host")])
_add("aliasoriginal", "MX is a secure alias; TLSA at the original name",
     "tls (DANE), SNI mx.aliasoriginal.example", "TP-19", signed=True,
     certificate="self", mx=[(10, "mx.aliasoriginal.example")], tlsa=[EE],
     hosts=[{"name": "host.aliasoriginal.example",
             "tlsa_at": "mx.aliasoriginal.example"}],
     records=[("mx", "CNAME", "host")])
_add("aliasboth", "MX is a secure alias; TLSA at both names, only the "
     "expanded one matches", "tls (DANE), SNI host.aliasboth.example",
     "TP-19", signed=True, certificate="self",
     mx=[(10, "mx.aliasboth.example")], tlsa=[EE],
     hosts=[{"name": "host.aliasboth.example"}],
     records=[("mx", "CNAME", "host"),
              ("_tcp.mx", "TLSA-OTHER", "3 1 1")])
_add("both", "DANE matches; MTA-STS enforce lists another MX", "tls (DANE)",
     "TP-12 TP-13", signed=True, certificate="self", tlsa=[EE],
     sts=policy("enforce", "mx9.both.example"))

# --- MTA-STS ---------------------------------------------------------------
_add("stsmixed", "MTA-STS enforce, first MX not listed, second is",
     "tls (MTA-STS) through the second MX", "TP-07", n=2,
     sts=policy("enforce", "mx2.stsmixed.example"))
_add("stswild", "MTA-STS enforce, mx: *.stswild.example", "tls (MTA-STS)",
     "TP-07", sts=policy("enforce", "*.stswild.example"))
_add("stsself", "MTA-STS enforce, listed MX, self-signed certificate",
     "next rung", "TP-05", certificate="self",
     sts=policy("enforce", "mx1.stsself.example"))
_add("stswrongname", "MTA-STS enforce, listed MX, certificate for another "
     "name", "next rung", "TP-05", certificate="good wrongname",
     sts=policy("enforce", "mx1.stswrongname.example"))
_add("ststesting", "MTA-STS testing, self-signed certificate", "next rung",
     "TP-08", certificate="self",
     sts=policy("testing", "mx1.ststesting.example"))
_add("stsnone", "MTA-STS none, good certificate", "tls (public CA)", "TP-08",
     sts=policy("none"))
_add("stsroll", "MTA-STS enforce, TTL 2; policy and records can be changed",
     "tls (MTA-STS)", "TP-09 TP-10", ttl=2, n=2,
     mx=[(10, "mx1.stsroll.example")],
     sts=policy("enforce", "mx1.stsroll.example"))
_add("stsattacked", "as stsroll; its other MX is the attacker's",
     "tls (MTA-STS)", "TP-09", ttl=2, n=2,
     mx=[(10, "mx1.stsattacked.example")],
     sts=policy("enforce", "mx1.stsattacked.example"))
_add("stshostexpired", "policy host's certificate expired; MX good",
     "tls (public CA): the policy is unused", "TP-11",
     sts={"policy": policy("enforce", "mx9.stshostexpired.example"),
          "certificate": "good expired"})
_add("stshostname", "policy host's certificate is for another name; MX good",
     "tls (public CA): the policy is unused", "TP-11",
     sts={"policy": policy("enforce", "mx9.stshostname.example"),
          "certificate": "good wrongname"})
_add("stshostself", "policy host's certificate is self-signed; MX good",
     "tls (public CA): the policy is unused", "TP-11",
     sts={"policy": policy("enforce", "mx9.stshostself.example"),
          "certificate": "self"})
_add("stsredirect", "policy host redirects; MX good",
     "tls (public CA): the policy is unused", "TP-11",
     sts={"policy": "", "status": 301, "location":
          "https://mta-sts.sts.example/.well-known/mta-sts.txt"})
_add("stsbig", "policy of 1 MB; MX good",
     "tls (public CA): the policy is unused", "TP-11",
     sts={"policy": policy("enforce", "mx9.stsbig.example"), "pad": 1 << 20})
_add("ststype", "policy served as text/html; MX good",
     "tls (public CA): the policy is unused", "TP-11",
     sts={"policy": policy("enforce", "mx9.ststype.example"),
          "content_type": "text/html"})
_add("stsslow", "policy host answers after 100 s; MX good",
     "tls (public CA): the policy is unused", "TP-11",
     sts={"policy": policy("enforce", "mx9.stsslow.example"), "delay": 100})
_add("stsdangling", "mta-sts is an alias of an attacker's host, who lists "
     "his own MX", "next rung", "TP-12",
     sts=policy("enforce", "mx.attacker.example"),
     sts_alias="attacker.example")
_add("attacker", "the attacker's own domain", "tls (public CA)", "TP-12",
     mx=[(10, "mx.attacker.example")], hosts=[{"name": "mx.attacker.example"}],
     records=[("@", "A", HTTPS_ADDRESS)])

# --- DNS and addresses -----------------------------------------------------
_add("future", "certificate valid from tomorrow", "next rung", "TP-06",
     certificate="good future")
_add("nomx", "no MX, an A record, certificate for the domain",
     "tls (public CA)", "TP-20", mx=[], hosts=[{"name": "nomx.example"}])
_add("nohost", "neither MX nor address", "DSN at once", "SO-05", mx=[],
     hosts=[])
_add("equal", "three MX of equal preference", "tls (public CA)", "SO-06", n=3,
     mx=[(10, f"mx{i}.equal.example") for i in (1, 2, 3)])
_add("deadfirst", "first MX dead, second good",
     "tls (public CA) through the second MX", "SO-06",
     hosts=[{"server": "nothing"}, {}])
_add("blackhole", "first MX swallows connections, second good",
     "tls (public CA) through the second MX", "SO-06",
     hosts=[{"server": "blackhole"}, {}])
_add("v6hole", "IPv6 address swallows connections, IPv4 good",
     "tls (public CA) over IPv4", "SO-06", aaaa="::1")
_add("mxaddress", "MX is the text of an address", "next rung", "SO-05",
     mx=[(10, f"{NET}.0.9.")], hosts=[])
_add("mxalias", "MX is an unsigned alias, certificate for its target only",
     "next rung", "SO-05",
     mx=[(10, "mx.mxalias.example")], hosts=[{"name": "host.mxalias.example"}],
     records=[("mx", "CNAME", "host")])
_add("mxloop", "MX is an alias loop", "waits, then next rung", "SO-05",
     mx=[(10, "a.mxloop.example")], hosts=[],
     records=[("a", "CNAME", "b"), ("b", "CNAME", "a")])
_add("tenant1", "MX shared with tenant2; no policy", "tls (public CA)",
     "TP-21 TP-22", mx=[(10, "mx.tenant2.example")], hosts=[])
_add("tenant2", "MX shared with tenant1; MTA-STS enforce", "tls (MTA-STS)",
     "TP-21 TP-22", mx=[(10, "mx.tenant2.example")],
     hosts=[{"name": "mx.tenant2.example"}],
     sts=policy("enforce", "mx.tenant2.example"))

# --- servers that misbehave ------------------------------------------------
_GO = "220 2.0.0 Go ahead"
_add("tls454", "STARTTLS answered 454", "waits, then next rung", "TP-02",
     script={"on": {"STARTTLS": "454 4.7.0 TLS not available"}})
_add("tls500", "STARTTLS answered 500", "waits, then next rung", "TP-02",
     script={"on": {"STARTTLS": "500 5.5.1 What?"}})
_add("tlsreset", "STARTTLS answered 220, then RST", "waits, then next rung",
     "TP-02", script={"on": {"STARTTLS": {"reply": _GO, "then": "reset"}}})
_add("inject", "clear replies after STARTTLS's 220 in the same segment",
     "waits, then next rung", "SO-01",
     script={"on": {"STARTTLS": {
         "reply": _GO, "raw": "250-evil.inject.example\r\n250 AUTH PLAIN\r\n"}}})
_add("downgrade", "first connection good, later ones offer no TLS",
     "tls, nothing on the later ones", "TP-03",
     script={"sessions": [{}, {"tls": None}]})
_add("fewreplies", "fewer replies than commands: none to MAIL",
     "waits, then next rung", "SO-11",
     script={"on": {"MAIL": {"nothing": True}}})
_add("morereplies", "more replies than commands", "waits, then next rung",
     "SO-11", script={"on": {"RCPT": {
         "reply": "250 2.1.5 Ok", "raw": "354 Go on\r\n250 2.0.0 Ok\r\n"}}})
_add("closing", "closes after RCPT", "waits, then next rung", "SO-11",
     script={"on": {"RCPT": {"nothing": True, "then": "close"}}})
_add("silent", "accepts the connection and says nothing",
     "waits, then next rung", "SO-12",
     script={"on": {"CONNECT": {"nothing": True, "then": "silent"}}})
_add("drip", "greets with one octet a minute", "waits, then next rung",
     "SO-12", script={"on": {"CONNECT": {
         "reply": "220 drip.example ESMTP", "drip": 60}}})
_add("window", "stops reading during DATA",
     "waits: a message that fits the buffers may have arrived", "SO-12",
     script={"on": {"BODY": {"then": "silent"}}})
_add("mixed", "RCPT: ok* 250, later* 450, no* 550; 421 on QUIT",
     "tls, each recipient for itself", "SO-03",
     script={"on": {"RCPT": [
         {"when": "<later", "reply": "450 4.2.0 Later"},
         {"when": "<no", "reply": "550 5.1.1 No such user"},
         {"reply": "250 2.1.5 Ok"}],
         "QUIT": {"reply": "421 4.3.2 Going down", "then": "close"}}})
_add("limited", "421 after three messages on a connection", "tls (public CA)",
     "SO-11", script={"on": {"MAIL": [
         "250 2.1.0 Ok", "250 2.1.0 Ok", "250 2.1.0 Ok",
         {"reply": "421 4.7.0 Enough for one connection", "then": "close"}]}})
_add("busy", "421 instead of a greeting", "waits, then next rung", "SO-09",
     script={"on": {"CONNECT": {"reply": "421 4.3.2 Busy", "then": "close"}}})
_add("refusing", "550 to every recipient", "DSN at once", "SO-03",
     script={"on": {"RCPT": "550 5.1.1 No such user"}})
for _n in (1, 2, 3, 4):
    _add(f"script{_n}", "good TLS; for tests to give it a script",
         "tls (public CA)", "SO TP", ttl=2)

DOMAINS = {domain.name: domain for domain in _TABLE}
HOSTS = {host.name: host for domain in _TABLE for host in domain.hosts}

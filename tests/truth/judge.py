"""What a rightly read line must say, from the label of who sent it."""

import re

PUBLIC = {"ipv4": "192.0.2.9", "ipv6": "2001:db8::9"}
WEAK = ("TLSv1", "TLSv1.1")
VERDICTS = {"encrypted": "encrypted", "weak": "weak",
            "clear": "not encrypted", "not-recorded": "unknown"}
EXITS = {"encrypted": 0, "not encrypted": 1, "weak": 1, "unknown": 4}
# Who always says so when there was TLS, with EHLO and with HELO.
ALWAYS_TELL = ("exim", "opensmtpd")


def line(row, far):
    """As it would be if the sender were not on this machine (None: it is)."""
    if far is None:
        return row["received"]
    text, address = row["received"], PUBLIC[far]
    if far == "ipv6" and row["mta"] in ("postfix", "sendmail"):
        text = text.replace(f"[{row['ip']}]", f"[IPv6:{address}]")
    if far == "ipv6":
        text = text.replace("::ffff:" + row["ip"], address)
    return text.replace(row["ip"], address)


def message(received):
    return (received + "From: Kim <kim@sender.example>\n"
            "Subject: truth\n\nTruth.\n")


def evidence(row):
    """Where the line can show the row's TLS."""
    if row["tls"] is None:
        return "none"
    if row["variant"] == "submission":
        return "keyword"
    if row["variant"].startswith("no clause"):
        # Postfix adds the S to ESMTP only: with HELO nothing is left of it.
        return "keyword" if row["verb"] == "EHLO" else "none"
    return "clause"


def state(row, far="ipv4"):
    """far: the kind of public address the line shows; None: loopback."""
    if evidence(row) == "none":
        if row["variant"] == "lmtp" or far is None:
            return "local"
        tells = row["mta"] in ALWAYS_TELL or (
            row["mta"] == "postfix" and row["verb"] == "EHLO")
        return "clear" if tells else "not-recorded"
    if evidence(row) == "clause" and (
            row["tls"] in WEAK or re.search("NULL|anon", row["cipher"])):
        return "weak"
    return "encrypted"


def certificate(row):
    """The words allowed for the client certificate."""
    if row["mta"] == "opensmtpd" and row["client_certificate"] == "none":
        return ["absent", "unknown"]  # NO: whether it asked is not told
    told = {"postfix": evidence(row) == "clause", "sendmail": True,
            "opensmtpd": True}.get(row["mta"], False)
    if not told:
        return ["unknown"]
    if row["mta"] == "sendmail" and "anon" in (row["cipher"] or ""):
        return ["absent"]  # it would ask, but may not in such a handshake
    if not row["asked"]:
        return ["unasked"]
    return {"none": ["absent"], "good": ["ok"],
            "bad": ["bad"]}[row["client_certificate"]]


def expected(row):
    """What there is to read in line(row, "ipv4"), for tests without Python."""
    clause = evidence(row) == "clause"
    return {
        "state": state(row), "evidence": evidence(row),
        "version": row["tls"] if clause else None,
        "cipher": row["cipher"] if clause and has_cipher(row) else None,
        # Exim does not tell the bits.
        "bits": row["bits"] if clause and row["mta"] != "exim" else None,
        "client_certificate": certificate(row), "with": with_word(row)}


def has_cipher(row):
    """Exim leaves out suites that it has no name for."""
    return row["mta"] != "exim" or " tls " in row["received"]


def with_word(row):
    return re.search(r"\bwith (\w*[SL]MTP\w*)", row["received"], re.I)[1]


def faults(row, answer, far):
    """Differences between the label and `trace --json` of line()."""
    hops = answer["hops"]
    if len(hops) != 1:
        return [f"{len(hops)} hops"]
    hop = hops[0]
    wanted = {"state": state(row, far), "by": row["by"]}
    seen = {"state": hop["state"], "by": hop["by"]}
    wanted["helo"], seen["helo"] = row["helo"], hop["from"]["helo"]
    wanted["ip"] = PUBLIC.get(far, row["ip"])
    seen["ip"] = (hop["from"]["ip"] or "").removeprefix("::ffff:")
    wanted["with"], seen["with"] = with_word(row), hop["with"]
    if far and row["variant"] != "lmtp":  # a leg between organisations
        wanted["verdict"] = VERDICTS[wanted["state"]]
        seen["verdict"] = answer["verdict"]
    if wanted["state"] == seen["state"] and evidence(row) != "none":
        _tls(row, hop, wanted, seen)
    elif evidence(row) == "none":
        wanted["tls"], seen["tls"] = None, hop.get("tls")
    return [f"{name}: {seen[name]!r}, not {wanted[name]!r}"
            for name in wanted if seen[name] != wanted[name]]


def _tls(row, hop, wanted, seen):
    tls, right = hop["tls"], expected(row)
    for name in ("version", "cipher", "bits"):
        if name != "bits" or right[name]:
            wanted[name], seen[name] = right[name], tls[name] or None
    wanted["evidence"], seen["evidence"] = right["evidence"], hop["evidence"]
    said = tls["client_certificate"] or "unknown"
    allowed = right["client_certificate"]
    wanted["client_certificate"] = said if said in allowed else allowed[0]
    seen["client_certificate"] = said

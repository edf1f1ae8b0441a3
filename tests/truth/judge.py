"""What a rightly read line must say, from the label of who sent it."""

import re

PUBLIC = {"ipv4": "192.0.2.9", "ipv6": "2001:db8::9"}
WEAK = ("TLSv1", "TLSv1.1")
VERDICTS = {"encrypted": "encrypted", "weak": "weak",
            "clear": "not encrypted", "not-recorded": "unknown"}
EXITS = {"encrypted": 0, "not encrypted": 1, "weak": 1, "unknown": 4}
# Who always says so when there was TLS, with EHLO and with HELO.
ALWAYS_TELL = ("exim", "opensmtpd")


def public(row, kind="ipv4"):
    """The line as it would be if the sender were not on this machine."""
    text, address = row["received"], PUBLIC[kind]
    if kind == "ipv6" and row["mta"] in ("postfix", "sendmail"):
        text = text.replace(f"[{row['ip']}]", f"[IPv6:{address}]")
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


def state(row):
    """For a line with a public address."""
    if row["variant"] == "lmtp":
        return "local"
    if evidence(row) == "none":
        tells = row["mta"] in ALWAYS_TELL or (
            row["mta"] == "postfix" and row["verb"] == "EHLO")
        return "clear" if tells else "not-recorded"
    if evidence(row) == "clause" and row["tls"] in WEAK:
        return "weak"
    return "encrypted"


def certificate(row):
    """The words allowed for the client certificate."""
    told = {"postfix": evidence(row) == "clause", "sendmail": True,
            "opensmtpd": True}.get(row["mta"], False)
    if not told:
        return ["unknown"]
    if not row["asked"]:
        return ["unasked"]
    return {"none": ["absent"], "good": ["ok"],
            "bad": ["bad"]}[row["client_certificate"]]


def faults(row, answer, kind="ipv4"):
    """Differences between the label and `trace --json` of the public line."""
    hops = answer["hops"]
    if len(hops) != 1:
        return [f"{len(hops)} hops"]
    hop = hops[0]
    wanted = {"state": state(row), "by": row["by"]}
    seen = {"state": hop["state"], "by": hop["by"]}
    wanted["helo"], seen["helo"] = row["helo"], hop["from"]["helo"]
    wanted["ip"] = PUBLIC[kind]
    seen["ip"] = (hop["from"]["ip"] or "").removeprefix("::ffff:")
    wanted["with"] = re.search(r"\bwith (\S+)", row["received"])[1].upper()
    seen["with"] = (hop["with"] or "").upper()
    if wanted["state"] in VERDICTS:
        wanted["verdict"] = VERDICTS[wanted["state"]]
        seen["verdict"] = answer["verdict"]
    if wanted["state"] in ("encrypted", "weak"):
        _tls(row, hop, wanted, seen)
    elif hop.get("tls") and wanted["state"] != "local":
        wanted["tls"], seen["tls"] = None, hop["tls"]
    return [f"{name}: {seen[name]!r}, not {wanted[name]!r}"
            for name in wanted if seen[name] != wanted[name]]


def _tls(row, hop, wanted, seen):
    tls = hop["tls"]
    wanted["evidence"], seen["evidence"] = evidence(row), hop["evidence"]
    clause = evidence(row) == "clause"
    wanted["version"] = row["tls"] if clause else None
    wanted["cipher"] = row["cipher"] if clause else None
    for name in ("version", "cipher"):
        seen[name] = tls[name] or None
    if clause and row["mta"] != "exim":  # it does not tell the bits
        wanted["bits"], seen["bits"] = row["bits"], tls["bits"]
    said = tls["client_certificate"] or "unknown"
    allowed = certificate(row)
    wanted["client_certificate"] = said if said in allowed else allowed[0]
    seen["client_certificate"] = said

"""The headers of an mbox with Python's email package and one expression for
TLS evidence, as an administrator would write it: one JSON line a message.

    python3 -m bench.trace_email FILE
"""

import json
import re
import sys
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime

HOP = re.compile(
    r"^(?:from\s+(?P<helo>\S+)(?:\s*\((?P<client>[^)]*)\))?\s+)?.*?"
    r"\bby\s+(?P<by>\S+)(?:.*?\bwith\s+(?P<with>\S+))?", re.S | re.I)
ADDRESS = re.compile(r"\[?((?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]*:[0-9a-f:]+)\]?",
                     re.I)
VERSION = re.compile(r"\b(TLS|SSL)[-v_]?(\d)[._]?(\d)?", re.I)
CIPHER = re.compile(r"\b((?:TLS|ECDHE|DHE|AES|AEAD)[-_][A-Z0-9_-]{8,})")
BODY = BytesHeaderParser()


def blocks(file):
    """Header blocks of an mbox; bodies are skipped."""
    head, in_head, blank = [], False, True
    for line in file:
        if blank and line.startswith(b"From "):
            head, in_head = [], True
        elif in_head and line in (b"\n", b"\r\n"):
            in_head = False
            yield b"".join(head)
        elif in_head:
            head.append(line)
        blank = line in (b"\n", b"\r\n")
    if in_head:
        yield b"".join(head)


def hop(line):
    line = " ".join(line.split())
    found = HOP.match(line)
    version, cipher = VERSION.search(line), CIPHER.search(line)
    address = ADDRESS.search(line)
    with_ = found["with"] if found else None
    try:
        time = parsedate_to_datetime(line.rpartition(";")[2]).isoformat()
    except (TypeError, ValueError):
        time = None
    return {"helo": found and found["helo"], "by": found and found["by"],
            "with": with_, "ip": address and address[1],
            "version": version and version[0], "cipher": cipher and cipher[1],
            "encrypted": bool(version or (with_ and with_.upper().rstrip("A")
                                          .endswith("SMTPS"))),
            "time": time, "raw": line}


def main():
    count = lines = 0
    with open(sys.argv[1], "rb") as file:
        for block in blocks(file):
            fields = BODY.parsebytes(block)
            hops = [hop(line) for line in
                    reversed(fields.get_all("Received", []))]
            print(json.dumps({"message_id": fields["Message-ID"],
                              "hops": hops}))
            count += 1
            lines += len(hops)
    print(json.dumps({"messages": count, "hops": lines}))


if __name__ == "__main__":
    main()

"""Writes an mbox of ordinary mail: some 5 KB of headers each, small bodies,
Received lines as the families of receivers write them. All names invented.

    python3 -m bench.trace_mail COUNT FILE
"""

import random
import sys
import time

TLS13 = "TLS_AES_256_GCM_SHA384"
TLS12 = "ECDHE-RSA-AES256-GCM-SHA384"

# from, by, id, recipient, date -> a folded Received line
FAMILIES = [
    "from {f} ({f} [{ip}])\n\t(using TLSv1.3 with cipher " + TLS13
    + " (256/256 bits)\n\t key-exchange X25519 server-signature RSA-PSS (2048 "
    "bits) server-digest SHA256)\n\t(No client certificate requested)\n\tby "
    "{b} (Postfix) with ESMTPS id {i}\n\tfor <{r}>; {d} (UTC)",
    "from {f} ({f} [{ip}])\n\t(using TLSv1.2 with cipher " + TLS12
    + " (256/256 bits))\n\t(Client did not present a certificate)\n\tby {b} "
    "(Postfix) with ESMTPS id {i}; {d} (UTC)",
    "from {f} ({f}. [{ip}])\n        by {b} with ESMTPS id "
    "{i}-20020a05600c468800b003a5fd8a1234si123456wma.12.2026.11.23\n"
    "        for <{r}>\n        (version=TLS1_3 cipher=" + TLS13
    + " bits=256/256);\n        {d}",
    "from {f} ({ip}) by\n {b} (10.167.16.33) with Microsoft SMTP Server\n "
    "(version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id\n "
    "15.20.7153.27 via Frontend Transport; {d}",
    "from {f} (2603:10a6:800:1f7::12)\n by {b} (2603:10a6:20b:4e2::19) with\n "
    "Microsoft SMTP Server (version=TLS1_2,\n "
    "cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.7153.29; {d}",
    "from [{ip}] (helo={f})\n\tby {b} with esmtps  (TLS1.3) tls " + TLS13
    + "\n\t(Exim 4.98)\n\t(envelope-from <a@sender.example>)\n\tid {i}\n\tfor "
    "{r}; {d}",
    "from {f} ([{ip}])\n\tby {b} with esmtps (TLSv1.2:" + TLS12
    + ":256)\n\t(Exim 4.92)\n\t(envelope-from <a@sender.example>)\n\tid {i}\n"
    "\tfor {r}; {d}",
    "from {f} ({f} [{ip}])\n\tby {b} (8.17.1/8.17.1) with ESMTPS id {i}\n\t"
    "(version=TLSv1.3 cipher=" + TLS13 + " bits=256 verify=NOT)\n\tfor <{r}>; "
    "{d}",
    "from {f} ({f} [{ip}])\n\tby {b} (OpenSMTPD) with ESMTPS id {i} "
    "(TLSv1.3:" + TLS13 + ":256:NO)\n\tfor <{r}>;\n\t{d} (UTC)",
    "from {f} ([{ip}])\n  by {b} with ESMTP/TLS/" + TLS12 + "; {d}",
    "from {f} ({f} [{ip}])\n\tby {b} (Haraka) with ESMTPS id {i}\n\t"
    "envelope-from <a@sender.example>;\n\t{d}",
    "from {f} ({f} [{ip}])\n\tby {b} with ESMTP id {i}\n\tfor <{r}>; {d}",
    "from {f} (unknown [10.2.3.4])\n\tby {b} (Postfix) with ESMTP id {i};\n\t"
    "{d} (UTC)",
    "from localhost (localhost [127.0.0.1])\n\tby {b} (Postfix) with ESMTP id "
    "{i}\n\tfor <{r}>; {d} (UTC)",
    "by {b} with SMTP id {i};\n        {d}",
    "by {b} (Postfix, from userid 33)\n\tid {i}; {d} (UTC)",
]
BASE64 = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


def blob(rnd, lines):
    return "".join("\n        " + "".join(rnd.choices(BASE64, k=64))
                   for _ in range(lines))


def date(second):
    return time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(second))


def message(rnd, at):
    hops = []
    host = "mx.clinic.example"
    for k in range(rnd.choice((2, 3, 4, 4, 5, 6))):
        below = f"out{rnd.randrange(90)}.mail{rnd.randrange(900)}.example"
        hops.append("Received: " + rnd.choice(FAMILIES).format(
            f=below, b=host, d=date(at - k * rnd.randrange(4)),
            ip=f"192.0.2.{rnd.randrange(1, 255)}", r="pat@clinic.example",
            i="%012X" % rnd.randrange(1 << 48)) + "\n")
        host = below
    name = f"{at}.{rnd.randrange(1 << 40)}@{host}"
    head = (
        "Delivered-To: pat@clinic.example\n" + hops[0]
        + "Return-Path: <bounce@sender.example>\n"
        "Authentication-Results: mx.clinic.example;\n       dkim=pass "
        "header.i=@sender.example header.s=s1 header.b=" + "".join(
            rnd.choices(BASE64[:62], k=8)) + ";\n       spf=pass smtp."
        "mailfrom=bounce@sender.example;\n       dmarc=pass (p=REJECT) "
        "header.from=sender.example\n" + "".join(hops[1:])
        + "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=sender."
        "example; s=s1;\n\tt=1790000000; h=from:to:subject:date:message-id:"
        "mime-version:content-type;\n        bh=" + "".join(
            rnd.choices(BASE64, k=43)) + "=;\n        b=" + blob(rnd, 5) + "".join(
            rnd.choices(BASE64, k=24)) + "\n"
        "From: \"Ann Sender\" <ann@sender.example>\n"
        "To: Pat <pat@clinic.example>\n"
        f"Subject: Your appointment on the {rnd.randrange(1, 29)}th\n"
        f"Date: {date(at - 9)}\nMessage-ID: <{name}>\n"
        "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
        "List-Unsubscribe: <https://sender.example/u/" + "".join(
            rnd.choices(BASE64[:62], k=80)) + ">\n")
    missing = 5000 - len(head)
    if missing > 100:
        head += "X-Report:" + blob(rnd, missing // 73) + "\n"
    return (f"From bounce@sender.example {time.asctime(time.gmtime(at))}\n"
            + head + "\nDear Pat,\n\n>From Monday on we open at nine.\n\n"
            "Ann\n\n")


def write(count, path):
    """The same file for the same count, always."""
    rnd = random.Random(1)
    with open(path, "w", encoding="ascii") as out:
        for k in range(count):
            out.write(message(rnd, 1790000000 + 7 * k))


if __name__ == "__main__":
    write(int(sys.argv[1]), sys.argv[2])

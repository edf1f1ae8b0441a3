"""Writes bundled files as C: embed.py OUT reader.js portal.css"""

import hashlib
import sys
from pathlib import Path

NAMES = {".js": ("ASSET_SCRIPT", "text/javascript; charset=utf-8"),
         ".css": ("ASSET_STYLE", "text/css; charset=utf-8")}


def rows(data):
    for i in range(0, len(data), 16):
        yield "    " + " ".join(f"{b}," for b in data[i:i + 16])


def main():
    out = ['#include "role/portal/assets.h"', ""]
    table = []
    for path in map(Path, sys.argv[2:]):
        data = path.read_bytes()
        name, kind = NAMES[path.suffix]
        digest = hashlib.sha256(data).hexdigest()[:16]
        out += [f"static const unsigned char {name}_bytes[] = {{",
                *rows(data), "};"]
        table.append(f'    [{name}] = {{ "/assets/{path.stem}-{digest}'
                     f'{path.suffix}", "{kind}",\n'
                     f"        {{ (const char *){name}_bytes, {len(data)} }} }},")
    out += ["const struct asset asset_table[ASSET_COUNT] = {", *table, "};", ""]
    Path(sys.argv[1]).write_text("\n".join(out), encoding="ascii")


main()

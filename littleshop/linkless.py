"""Linkless: text of others that may stand in an SMS to somebody who does not know them.

An SMS of ours begins with our signature in 【】, and a phone makes a link of what looks like an
address on the web. So a shop called 【Bank】 http://… would speak in a bank's name, by our number.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

BRACKETS = "【】〖〗[]"  # what stands around the name of who sends an SMS
# What IANA lists in the root zone: country codes, generic names, names in other scripts.
_TOPS = Path(__file__).with_name("top_level_domains.txt").read_text("utf-8").split()
_LATIN = "|".join(sorted(filter(str.isascii, _TOPS), key=len, reverse=True))
_OTHER = "|".join(sorted((each for each in _TOPS if not each.isascii()), key=len, reverse=True))
_REST = r"(?::\d+)?(?:[/?#]\S*)?"
# "No.1 Tea", "St.Mary" and "A. Co" are none: what follows the dot is no top-level domain, or stands
# apart from it. A browser also takes 。 for the dot.
_ADDRESS = re.compile(
    r"\w{0,20}://\S*|(?<![a-z0-9])www\.\S+"
    rf"|(?:[\w-]{{1,63}}[.。]){{1,8}}(?:(?:{_LATIN}|xn--[a-z0-9-]+)(?![a-z0-9_-])|(?:{_OTHER})(?!\w)){_REST}"
    rf"|(?<![\d.])\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?![\d.]){_REST}",
    re.IGNORECASE,
)
_BRACKET = re.compile(f"[{re.escape(BRACKETS)}]")


def brackets(text: str) -> str:
    """The first bracket of those that stand around a sender's name; "" when there is none."""
    found = _BRACKET.search(_plain(text))
    return found[0] if found else ""


def address(text: str) -> str:
    """The first thing in a text that a phone may take for an address on the web; "" for none."""
    found = _ADDRESS.search(_plain(text))
    return found[0] if found else ""


def cut(text: str, instead: str = "") -> str:
    """The text without brackets and addresses, `instead` when nothing else is in it; what holds
    neither is as it was."""
    if not brackets(text) and not address(text):
        return text
    return " ".join(_ADDRESS.sub(" ", _BRACKET.sub(" ", _plain(text))).split()) or instead


def _plain(text: str) -> str:
    """As eye and phone read it: ｅｖｉｌ．ｃｎ is evil.cn, signs without width are none."""
    wide = unicodedata.normalize("NFKC", text)
    return "".join(sign for sign in wide if unicodedata.category(sign) != "Cf")

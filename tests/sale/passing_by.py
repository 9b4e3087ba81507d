"""People nobody met before: for tests in which many want the same thing."""

from __future__ import annotations

from typing import Any

import msgspec

from littleshop import ids
from tests.cast import WANTING


def passer_by(n: int) -> dict[str, Any]:
    """Somebody else for each number: his own telephone number on his own device."""
    who = msgspec.structs.replace(WANTING, phone=f"+86138{n:08d}")
    return {"who": who, "device": ids.hashed(f"the device of {who.phone}")}

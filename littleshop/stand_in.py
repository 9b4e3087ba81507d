"""The operator whom every demo has: a phone and a secret that anybody may know.

A live installation never has him: only the demo's worker appoints him (oversight/appointing.py).
This module imports nothing, for the process that prints him lives as long as the shop.
"""

from __future__ import annotations

PHONE = "13900009001"
SECRET = "NRUXI5DMMVZWQ33QEBSGK3LPEBSGK43L"  # base32 of 20 bytes: littleshop demo desk

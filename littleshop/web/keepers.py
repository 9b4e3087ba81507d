"""Who keeps the buyers' money until they have the things, as pages name him."""

from __future__ import annotations

from collections.abc import Collection

from starlette.requests import Request

from littleshop.config import EscrowMode

US = "us"
_BY_MODE: dict[EscrowMode, str] = {
    "merchant_of_record": US,
    "psp_escrow": "institution",
    "bank_custody": "bank",
}


def of_mode(mode: EscrowMode) -> str:
    """The keeper before anybody knows which rail: us, institution or bank (`keeper.holds.*`)."""
    return _BY_MODE[mode]


def of_rails(mode: EscrowMode, gateways: Collection[str]) -> str:
    """The keeper when it can only be paid over these rails, or was: their one institution."""
    only = set(gateways)
    return only.pop() if mode == "psp_escrow" and len(only) == 1 else of_mode(mode)


def of_page(request: Request) -> str:
    """The keeper for a page that knows no more than the mode of this installation."""
    house = getattr(request.app.state, "house", None)
    return US if house is None else of_mode(house.settings.escrow)

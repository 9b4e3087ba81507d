"""What lies in a seller's pockets at the sandbox's institutions, in the words of our books."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Of money that is held, and of money that was let go and is at the institution still.
FROZEN = {"wechat_pay": ("frozen",), "alipay": ("unsettled", "frozen")}
FREE = {"wechat_pay": ("available",), "alipay": ("batch", "account")}


def of_owner(books: Mapping[str, Any], gateway: str, owner: str) -> dict[str, int]:
    """Fen by pocket of one owner, of /books.json."""
    return {
        row["pocket"]: row["balance_minor"]
        for row in books[gateway]["pockets"]
        if row["owner"] == owner
    }


def frozen_and_free(books: Mapping[str, Any], gateway: str, owner: str) -> tuple[int, int]:
    """What our `held_at` and `withdrawable` are to be, before fees and payouts."""
    lies = of_owner(books, gateway, owner)
    return (
        sum(lies.get(pocket, 0) for pocket in FROZEN[gateway]),
        sum(lies.get(pocket, 0) for pocket in FREE[gateway]),
    )

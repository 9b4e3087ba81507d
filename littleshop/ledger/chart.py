"""The chart of accounts; every account belongs to a shop, the platform is shop 0."""

from __future__ import annotations

from collections.abc import Mapping

ESCROW = "escrow"  # held for open orders
PAYABLE = "payable"  # owed to the seller after receipt
IN_TRANSIT = "in_transit"  # on its way to the seller's card
COMMISSION = "commission"
GATEWAY_FEE = "gateway_fee"
CHARGEBACK_LOSS = "chargeback_loss"  # what a bank took that had gone back already: the platform's
BANK = "bank"
DUE_TO_SHOP = "due_to_shop"  # what another shop (the platform: shop 0) is owed by this one
DUE_FROM_SHOP = "due_from_shop"
REFERRAL_HELD = "referral_held"  # sharers', until the after-sale window of what they sold closes
SUSPENSE = "suspense"  # received, and not ours to keep: it goes back or waits for an explanation

_CREDIT = {ESCROW, PAYABLE, IN_TRANSIT, COMMISSION, SUSPENSE, DUE_TO_SHOP, REFERRAL_HELD}
_PER_RAIL = {"gateway_clearing", "held_at", "withdrawable", "leaving"}
_DEBIT = {BANK, GATEWAY_FEE, CHARGEBACK_LOSS, DUE_FROM_SHOP, *_PER_RAIL}


def due_to(shop_id: int) -> str:
    """What another seller is owed by this one, an account per shop: his part of a sale."""
    return f"{DUE_TO_SHOP}:{shop_id}"


def due_from(shop_id: int) -> str:
    """What another seller owes this one."""
    return f"{DUE_FROM_SHOP}:{shop_id}"


def owed_to_sellers(balances: Mapping[str, int]) -> int:
    """What of these balances other sellers are owed, now or when it is not frozen any more, minor
    units."""
    owed = sum(minor for name, minor in balances.items() if name.startswith(f"{DUE_TO_SHOP}:"))
    return owed + balances.get(REFERRAL_HELD, 0)


def gateway_clearing(gateway: str) -> str:
    """What a rail has taken for us and not yet paid out, an account per rail."""
    return f"gateway_clearing:{gateway}"


def held_at(gateway: str) -> str:
    """What an institution holds frozen at the seller's own account there (psp_escrow)."""
    return f"held_at:{gateway}"


def withdrawable(gateway: str) -> str:
    """What an institution has released there: the seller's, to be withdrawn to his card."""
    return f"withdrawable:{gateway}"


def leaving(rail: str) -> str:
    """What was put apart for payouts under way over a rail that is not the bank."""
    return f"leaving:{rail}"


def side(account: str) -> str:
    """The side on which an account's balance grows. Raises KeyError for one not in the chart."""
    head = account.partition(":")[0]
    if head in _CREDIT:
        return "credit"
    if head in _DEBIT:
        return "debit"
    raise KeyError(account)

"""Cover: whether the money lies here for what a shop's books promise.

What another seller owes a shop is in its balance at once, and comes over when he has it. Until then
no run pays it: it would leave from what buyers, sharers or other sellers are owed. Whom a shop owes
and is owed by at once is taken by the difference.
"""

from __future__ import annotations

from collections.abc import Mapping

from littleshop.ledger import chart

_LIES_AT = tuple(
    lies("") for lies in (chart.gateway_clearing, chart.held_at, chart.withdrawable, chart.leaving)
)
OURS = (chart.COMMISSION, chart.GATEWAY_FEE, chart.CHARGEBACK_LOSS)  # what is the platform's
_PROMISED = (chart.ESCROW, chart.IN_TRANSIT, chart.SUSPENSE, chart.REFERRAL_HELD)


def lies(balances: Mapping[str, int]) -> int:
    """What lies with rails, institutions and the bank for a shop, minor units, whoever's it is."""
    at_rails = sum(minor for name, minor in balances.items() if name.startswith(_LIES_AT))
    return at_rails + balances.get(chart.BANK, 0)


def spoken_for(balances: Mapping[str, int]) -> int:
    """What anybody but the platform is owed of what lies here: buyers, who paid astray, the shop
    itself, cards on their way, sharers and other sellers; minor units."""
    own = max(balances.get(chart.PAYABLE, 0), 0)
    sellers = chart.owed_to_sellers(balances) - balances.get(chart.REFERRAL_HELD, 0)
    return _set_aside(balances) + own + sellers


def unborne(balances: Mapping[str, int]) -> int:
    """What rails kept of a shop's money, or a bank took, that neither our commission bears nor the
    platform has lent; minor units."""
    lost = balances.get(chart.GATEWAY_FEE, 0) + balances.get(chart.CHARGEBACK_LOSS, 0)
    borne = balances.get(chart.COMMISSION, 0) + balances.get(chart.DUE_TO_SHOP, 0)
    return max(lost - borne, 0)


def owed_by(balances: Mapping[str, int]) -> dict[int, int]:
    """Which sellers owe the shop more than it owes them, and how much more, minor units."""
    return {other: minor for other, minor in _between(balances).items() if minor > 0}


def owed_to(balances: Mapping[str, int]) -> dict[int, int]:
    """Which sellers the shop owes more than they owe it, and how much more, minor units."""
    return {other: -minor for other, minor in _between(balances).items() if minor < 0}


def promised(balances: Mapping[str, int]) -> int:
    """What others than the shop are owed of what lies here: buyers, cards on their way, sharers
    and other sellers; minor units."""
    return sum(owed_to(balances).values()) + _set_aside(balances)


def not_here(balances: Mapping[str, int]) -> int:
    """What of a shop's balance waits for what other sellers owe it, minor units."""
    payable, owed = balances.get(chart.PAYABLE, 0), sum(owed_by(balances).values())
    lost = balances.get(chart.GATEWAY_FEE, 0) + balances.get(chart.CHARGEBACK_LOSS, 0)
    ours = max(balances.get(chart.COMMISSION, 0) - lost, 0)
    here = lies(balances) - promised(balances) - ours
    return max(min(payable, owed, payable - here), 0)


def lacking(balances: Mapping[str, int]) -> int:
    """How much less lies here than buyers, sharers and the shop itself are owed of it: it gave back
    what it had been paid out already. A debt to another seller that makes up for that comes after
    them."""
    own = max(balances.get(chart.PAYABLE, 0), 0) - not_here(balances)
    return max(_set_aside(balances) + own - lies(balances), 0)


def _set_aside(balances: Mapping[str, int]) -> int:
    return sum(max(balances.get(name, 0), 0) for name in _PROMISED)


def _between(balances: Mapping[str, int]) -> dict[int, int]:
    """What each other seller owes the shop, below zero what it owes him."""
    found: dict[int, int] = {}
    for name, minor in balances.items():
        head, _, other = name.partition(":")
        if head in (chart.DUE_FROM_SHOP, chart.DUE_TO_SHOP) and other:
            sign = 1 if head == chart.DUE_FROM_SHOP else -1
            found[int(other)] = found.get(int(other), 0) + sign * minor
    return found

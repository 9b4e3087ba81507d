"""Routing of payouts: which payout rails are set up here, and the usual one.

DIR/rails.json: `"payouts": {"over": ["alipay", "wechat_pay"], "usual": "bank"}` beside the rails'
own settings. The bank is one whenever it has settings, an institution that holds money for shops
whenever it does (psp_escrow).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

import msgspec

from littleshop import db
from littleshop.clock import BusinessCalendar, Clock
from littleshop.config import Misconfigured, Settings
from littleshop.crypto import Keyring
from littleshop.pay import gateways
from littleshop.pay.gateways import alipay_transfers, wechat_pay_transfers
from littleshop.pay.gateways.escrow import Escrow
from littleshop.pay.gateways.transfers import Transfers
from littleshop.settlement import banks, rails
from littleshop.settlement.banks import Bank
from littleshop.settlement.by_transfer import ByTransfer
from littleshop.settlement.desks import Desk
from littleshop.settlement.payouts import BANK
from littleshop.settlement.rails import PayoutRail
from littleshop.settlement.remitters import PaysItself, Sending, Withdrawing


class Connected(Protocol):
    """Something with connections of its own."""

    async def disconnect(self) -> None:
        """Let them go."""
        ...


class Sender(Transfers, Connected, Protocol):
    """What pays from our own account at a rail."""


_TRANSFERS: dict[str, Callable[[Mapping[str, Any], Clock], Sender]] = {
    rails.ALIPAY: alipay_transfers.open_transfers,
    rails.WECHAT_PAY: wechat_pay_transfers.open_transfers,
}


class PayoutSettings(msgspec.Struct, frozen=True):
    """`payouts` in DIR/rails.json: over which rails transfers go, and the usual rail. Over those
    that are `ending` nothing new goes, and what is open is heard to its end."""

    over: tuple[Literal["alipay", "wechat_pay"], ...] = ()
    ending: tuple[Literal["alipay", "wechat_pay"], ...] = ()
    usual: Literal["bank", "alipay"] = "bank"


class Routing:
    """The payout rails of this installation."""

    def __init__(
        self,
        bank: Bank | None,
        others: tuple[PayoutRail, ...] = (),
        *,
        usual: str = BANK,
        custody: bool = False,
    ) -> None:
        self.bank, self.others = bank, others
        self.usual, self.custody = usual, custody
        self.opened: list[Connected] = []

    @property
    def some(self) -> bool:
        """Whether anything can be paid out."""
        return self.bank is not None or bool(self.others)

    @property
    def names(self) -> list[str]:
        """The rails that are asked after a restore."""
        asked = [one.name for one in self.others if not one.pays_by_itself]
        return [*asked, *([BANK] if self.bank is not None else [])]

    def desk(self, database: db.Database, keyring: Keyring, calendar: BusinessCalendar) -> Desk:
        """One pass over them and the books."""
        return Desk(database, self.bank, keyring, calendar, self.others, self.usual, self.custody)

    async def disconnect(self) -> None:
        """Let the connections that were opened here go."""
        for wire in self.opened:
            await wire.disconnect()
        if self.bank is not None:
            await self.bank.disconnect()


def of(settings: Settings, clock: Clock, escrows: Mapping[str, Escrow] | None = None) -> Routing:
    """The rails of these settings; `escrows` are the institutions a process has opened already.

    Raises Misconfigured when they do not fit together.
    """
    told = _told(settings)
    opened: list[Connected] = []
    held = escrows
    if held is None:
        held = gateways.escrows(settings.rails, clock)
        opened += held.values()
    others: list[PayoutRail] = [_of_escrow(one) for one in held.values()]
    for name in (*told.over, *told.ending):
        transfers = _TRANSFERS[name](settings.rails[name], clock)
        opened.append(transfers)
        others.append(ByTransfer(Sending(name, transfers, ending=name in told.ending)))
    custody = settings.escrow == "bank_custody"
    bank = banks.open(settings.rails)
    if custody and bank is None:
        raise Misconfigured("bank_custody needs the rail 'bank', which keeps the shops' money")
    found = Routing(bank, tuple(others), usual=told.usual, custody=custody)
    found.opened = opened
    return found


def _of_escrow(escrow: Escrow) -> PayoutRail:
    if escrow.pays_out:
        return ByTransfer(PaysItself(f"{escrow.name}_settle", escrow.name))
    return ByTransfer(Withdrawing(f"{escrow.name}_withdraw", escrow))


def _told(settings: Settings) -> PayoutSettings:
    try:
        told = msgspec.convert(settings.rails.get("payouts", {}), PayoutSettings)
    except msgspec.ValidationError as wrong:
        raise Misconfigured(f"payouts: {wrong}") from None
    for name in (*told.over, *told.ending):
        if not settings.rails.get(name):
            raise Misconfigured(f"payouts: over {name!r}, which has no settings")
    if both := set(told.over) & set(told.ending):
        raise Misconfigured(f"payouts: {', '.join(sorted(both))} is ending and among `over`")
    if told.usual != BANK and told.usual not in told.over:
        raise Misconfigured(f"payouts: {told.usual!r} is usual and not among `over`")
    return told

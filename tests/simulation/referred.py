"""Referral commission of two levels: each shop's neighbour shared it, and by that came the next
one, who shared it on; both earn what people buy by the second link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from littleshop import db, ids
from littleshop.social import descents, referral_terms, referrals, shares
from littleshop.social.referral_terms import Rates
from tests.flows.people import Shopkeeper
from tests.simulation.buying import Buying, Wish
from tests.simulation.town import Town

RATES = (Rates(833, 317), Rates(1207, 0), Rates(509, 509))  # basis points, none comes out even
_OWNERS = (
    "select /* all shops: the town's people */ shop_id, person_id from staff where role = 'owner'"
)


def bring(town: Town, seller: Shopkeeper) -> None:
    """The two other shops' owners share this one, which gives them a part from now on."""
    at = town.shops.index(seller)
    others = [*town.shops[at + 1 :], *town.shops[:at]]
    owners = {row["shop_id"]: row["person_id"] for row in town.read(_OWNERS)}
    town.act(lambda conn, now: _agree(conn, seller.shop_id, RATES[0], owners[seller.shop_id], now))
    codes: list[str] = []
    for other in reversed(others[:2]):  # who brought the other first

        async def share(conn: db.Connection, now: datetime, earner: int = other.shop_id) -> str:
            return await _share(conn, seller.shop_id, earner, owners[earner], codes, now)

        codes.append(town.act(share))
    town.links[seller.shop_id] = codes[-1]


async def _agree(
    conn: db.Connection, shop_id: int, rates: Rates, owner: UUID, at: datetime
) -> None:
    seen = await referral_terms.of_shop(conn, shop_id)
    await referral_terms.agree(conn, shop_id, rates, seen=seen, by=owner, at=at)


async def _share(
    conn: db.Connection,
    shop_id: int,
    earner_shop_id: int,
    person_id: UUID,
    came_by: Sequence[str],
    at: datetime,
) -> str:
    """The code by which this person's shop earns."""
    device = ids.hashed(f"{person_id} and {shop_id}")
    made = await shares.make_several(conn, shop_id, ["link"], product_id=None, device=device, at=at)
    for code in came_by:
        await descents.note(conn, shop_id, [made["link"].code], code, at)
    await referrals.share_for(
        conn, shop_id, device, person_id=person_id, earner_shop_id=earner_shop_id, at=at
    )
    return made["link"].code


@dataclass
class Referred:
    """Who buys by a link that earns, and sellers who change what they give."""

    buying: Buying

    @property
    def town(self) -> Town:
        return self.buying.town

    def order(self, wish: Wish) -> None:
        """Somebody comes by the link and orders."""
        self.buying.order(wish, came_by=self.town.links[wish.shop.shop_id])

    def sellers_agree(self, share: float = 0.1) -> None:
        """A seller gives another part from now on."""
        owners = {row["shop_id"]: row["person_id"] for row in self.town.read(_OWNERS)}
        for shop in self.town.shops:
            if self.town.chance.random() < share:
                rates = self.town.chance.choice(RATES)
                self.town.act(
                    lambda conn, at, shop_id=shop.shop_id, rates=rates: _agree(  # type: ignore[misc]
                        conn, shop_id, rates, owners[shop_id], at
                    )
                )
                self.town.happened["referral_rates"] += 1


def counted(town: Town) -> dict[str, int]:
    """Orders that brought their sharers something, by level; what was released of it, and what
    went back before and after that, in fen."""
    [row] = town.read(
        "select /* all shops: the whole town */"
        " count(*) filter (where level = 1) as first_level,"
        " count(*) filter (where level = 2) as second_level,"
        " coalesce(sum(amount_minor), 0)::bigint as agreed_minor from referrals"
    )
    [moved] = town.read(
        "select /* all shops: the whole town */"
        " count(distinct j.order_id) filter (where j.kind = 'referral_released') as released,"
        " coalesce(sum(t.amount_minor) filter (where j.kind = 'referral_released'), 0)::bigint"
        "  as released_minor,"
        " coalesce(sum(t.amount_minor) filter (where t.debit = 'referral_held'"
        "  and j.kind <> 'referral_released'), 0)::bigint as back_before_minor,"
        " coalesce(sum(t.amount_minor) filter (where t.debit like 'due_from_shop:%'"
        "  and exists (select 1 from referrals r where r.shop_id = j.shop_id"
        "   and r.order_id = j.order_id)), 0)::bigint as back_after_minor"
        " from transfers t join journals j on j.shop_id = t.shop_id"
        " and j.journal_id = t.journal_id"
    )
    return {name: int(many) for name, many in (row | moved).items()}

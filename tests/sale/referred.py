"""A chain of shares: 林小满 sells, 何晓晓 shared her shop, 周明 came by that and shared it on; both
have shops of their own, and everybody does his part in a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from littleshop import db, ids
from littleshop.clock import Clock
from littleshop.jobs import Task, worker
from littleshop.ledger import accounts
from littleshop.money import Money
from littleshop.pricing.quotes import Item
from littleshop.sale import passing_on, referring
from littleshop.sale.placing import Placed
from littleshop.social import descents, referral_terms, referrals, shares
from littleshop.social.referral_terms import Rates
from littleshop.trade.orders import Delivery
from tests.cast import CNY, WANTING, Town

XIAOXIAO, ZHOU = ids.hashed("xiaoxiao's phone"), ids.hashed("zhou's phone")
OWN_PHONE = Delivery("周明", "+8613900003003", "浙江省", "杭州市", "西湖区", "文三路 1 号")


@dataclass
class Chain:
    """The seller's shop, the two sharers' shops and codes; the town acts in the seller's."""

    town: Town
    seller: int
    upper: int
    lower: int
    by_upper: str
    by_lower: str
    bowl: Item
    sellers_person: UUID
    lowers_person: UUID

    async def agrees(self, first: int, second: int, product_id: UUID | None = None) -> None:
        """The seller gives these basis points from now on."""
        async with self.town.database.connection() as conn:
            seen: Rates | None = await referral_terms.of_shop(conn, self.seller)
            if product_id is not None:
                own = await referral_terms.exceptions(conn, self.seller, [product_id])
                seen = own.get(product_id)
        await self.town.database.transaction(
            lambda conn: referral_terms.agree(
                conn, self.seller, Rates(first, second), seen=seen, product_id=product_id,
                by=self.sellers_person, at=self.town.at,
            )
        )  # fmt: skip
        self.town.later(seconds=1)

    async def buys(
        self, code: str | None = None, who: Delivery = WANTING, total: str = "100.00"
    ) -> Placed:
        """A friend buys a bowl by a share: the lower's, unless another is told."""
        return await self.town.buys(
            [self.bowl], CNY(total), who=who, share_code=code or self.by_lower
        )

    async def is_received(self, placed: Placed) -> None:
        await self.town.ships(placed)
        await self.town.receives(placed)
        await self.jobs_are_done()

    async def window_closes(self) -> None:
        self.town.later(days=7, minutes=1)
        await self.town.clocks_strike()

    async def jobs_are_done(self, *left_out: str) -> None:
        """The worker does what waits between the shops, but for jobs of these names."""
        known = passing_on.tasks(self.town.keyring) | referring.tasks()
        tasks: dict[str, Task] = {
            name: task for name, task in known.items() if name not in left_out
        }
        clock = Clock()
        clock.now = lambda: self.town.at + timedelta(seconds=1)  # type: ignore[method-assign]
        await worker.drain(self.town.database, tasks, clock)

    async def balance(self, shop_id: int, account: str = "payable") -> Money:
        async with self.town.database.connection() as conn:
            return await accounts.balance(conn, shop_id, account, "CNY")

    async def has(self) -> tuple[Money, Money, Money, Money]:
        """What the seller, the lower and the upper are owed, and what is frozen."""
        owed = [await self.balance(shop) for shop in (self.seller, self.lower, self.upper)]
        return owed[0], owed[1], owed[2], await self.balance(self.seller, "referral_held")

    async def earns(self, placed: Placed) -> list[tuple[int, int, Money]]:
        """Who earns of an order: level, shop, what."""
        async with self.town.database.connection() as conn:
            rows = await referrals.of_order(conn, self.seller, placed.order_id)
        return [(each.level, each.earner_shop_id, Money(each.amount_minor, "CNY")) for each in rows]


async def chain(town: Town) -> Chain:
    """Both sharers have said for whom they share; the seller has given nothing yet."""
    upper = await town.open_shop("晓晓的小铺", "xiaoxiao", "+8613900002002")
    uppers = town.person_id
    lower = await town.open_shop("周明的小铺", "zhouming", OWN_PHONE.phone)
    lowers = town.person_id
    seller = await town.open_shop()
    assert uppers and lowers and town.person_id
    bowl = await town.stock(price=CNY("100.00"), pieces=20)
    codes: list[str] = []
    for device, person, earner in ((XIAOXIAO, uppers, upper), (ZHOU, lowers, lower)):
        codes.append(await share(town, seller, device, *codes))
        said = partial(
            referrals.share_for, shop_id=seller, device=device, person_id=person,
            earner_shop_id=earner, at=town.at,
        )  # fmt: skip
        await town.database.transaction(said)
    town.later(seconds=1)
    return Chain(town, seller, upper, lower, codes[0], codes[1], bowl, town.person_id, lowers)


async def share(town: Town, shop_id: int, device: bytes, *came_by: str) -> str:
    """A device shares a shop, having come by another share or not."""

    async def work(conn: db.Connection) -> str:
        made = await shares.make_several(
            conn,
            shop_id,
            ["link"],
            product_id=None,
            device=device,
            at=town.at,
        )
        for code in came_by:
            await descents.note(conn, shop_id, [made["link"].code], code, town.at)
        return made["link"].code

    return await town.database.transaction(work)

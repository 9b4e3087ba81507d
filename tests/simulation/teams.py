"""Team prices: three people buy together. Some teams fill in an hour, some later; of the others all
money goes back when their day is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from littleshop import crypto, db
from littleshop.catalog import products
from littleshop.sale import teaming
from littleshop.shop import shops
from littleshop.trade import teams
from littleshop.trade.teams import Team
from tests.flows.people import Shopkeeper
from tests.simulation.buying import Buying, Wish
from tests.simulation.town import Town

SEATS = 3
OFFERED = 2  # which of a shop's goods a team can buy
CHEAPER = 113  # minor units off each piece: no share of it comes out even
NEW = "new"  # the team of who opens one
_FORMING = (
    "select /* all shops: the town's people */ t.* from teams t join claims c"
    " on c.shop_id = t.shop_id and c.claim_id = t.team_id"
    " where t.status = 'forming' and c.taken < c.most order by t.opened_at"
)


def offer(town: Town, shop: Shopkeeper) -> None:
    """Teams can buy one of a shop's goods."""
    product_id = UUID(town.products[shop.shop_id][OFFERED])

    async def write(conn: db.Connection, at: datetime) -> None:
        variants = await products.variants(conn, shop.shop_id, product_id)
        prices = {each.variant_id: each.price_minor - CHEAPER for each in variants}
        await teams.offer(conn, shop.shop_id, product_id, SEATS, prices, at)
        await shops.touch(conn, shop.shop_id)

    town.act(write)


@dataclass
class Teams:
    """Who opens a team, who follows the link, and who goes again."""

    buying: Buying

    @property
    def town(self) -> Town:
        return self.buying.town

    def open_(self, wish: Wish) -> None:
        """Somebody opens a team and sends the link; two friends follow it at once, or one, or
        nobody yet."""
        if not self._sit(wish, NEW):
            return
        friends = SEATS - 1 if self.buying.fate() > 0.5 else self.town.chance.randrange(SEATS - 1)
        [team, *_] = self._read("select t.* from teams t where shop_id = $1"
                                " order by opened_at desc limit 1", wish.shop.shop_id)  # fmt: skip
        for _ in range(friends):
            self._join(wish.shop, team)

    def others_join(self, share: float = 0.3) -> None:
        """Somebody reads the link hours later."""
        by_id = {shop.shop_id: shop for shop in self.town.shops}
        for team in self._read(_FORMING):
            if self.town.chance.random() < share:
                self._join(by_id[team.shop_id], team)

    def some_leave(self, share: float = 0.1) -> None:
        """A member goes before his team is full."""
        for row in self.town.read(
            "select /* all shops: the town's people */ shop_id, order_id from orders"
            " where status = 'forming' order by order_id"
        ):
            if self.town.chance.random() < share:
                self._leave(row["shop_id"], row["order_id"])

    def _leave(self, shop_id: int, order_id: UUID) -> None:
        async def leave(conn: db.Connection, at: datetime) -> object:
            return await teaming.leave(conn, shop_id, order_id, at)

        self.town.does("team_left", leave)

    def _join(self, shop: Shopkeeper, team: Team) -> None:
        wish = self.buying.wish("team")
        keyring = crypto.keys_at(self.town.littleshop.home)
        self._sit(wish, teaming.link(keyring, team), shop)

    def _sit(self, wish: Wish, token: str, shop: Shopkeeper | None = None) -> bool:
        """Order a seat and decide to pay it; whether it was ordered."""
        shop = shop or wish.shop
        product = self.town.products[shop.shop_id][OFFERED]
        [row] = self.town.read(
            "select variant_id from variants where shop_id = $1 and product_id = $2",
            shop.shop_id,
            UUID(product),
        )
        cashier = self.town.over_http(
            lambda: self.buying.browsers.sit(
                wish.rail, shop.slug, f"{row['variant_id']}:1", token, phone=wish.phone
            )
        )
        if cashier is None:
            self.buying.misses(wish)
            return False
        self.buying.counts(wish)
        self.buying.go_to_pay(cashier)
        return True

    def _read(self, sql: str, *values: object) -> list[Team]:
        names = Team.__struct_fields__
        rows: list[dict[str, Any]] = self.town.read(sql, *values)
        return [Team(**{name: row[name] for name in names}) for row in rows]


def counted(town: Town) -> dict[str, int]:
    """How many teams ended how."""
    rows = town.read(
        "select /* all shops: the whole town */ status, count(*) as many from teams group by status"
    )
    return {row["status"]: row["many"] for row in rows}

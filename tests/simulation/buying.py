"""Buyers: who orders, who asks others to pay, and who pays at once, twice, too late or never."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.flows.people import Shopkeeper
from tests.simulation import holding, rails
from tests.simulation.rails import BAD_CARD, Browsers, Cashier, Deck
from tests.simulation.town import COUPON, OWN, Town

GOOD_FOR = {"coupon": 2}  # how many of a shop's goods it is good for: those above its least
SURE = 0.7  # a fate that pays at once, and comes back to the shop


@dataclass(frozen=True)
class Wish:
    """What somebody is about to buy, and how."""

    kind: str
    shop: Shopkeeper
    product: str
    rail: str
    pieces: int
    phone: str
    desk: bool


@dataclass
class Buying:
    """Everybody who buys; whoever buys `surely` neither hesitates nor forgets. `late` are cashiers
    that were left open, `invited` who ordered from a shop that could not be paid yet."""

    town: Town
    browsers: Browsers
    surely: bool = False
    deck: Deck = field(init=False)
    late: list[Cashier] = field(default_factory=list)
    invited: list[tuple[int, Cashier]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.deck = Deck(self.town.chance, rails.shares(self.town.rails))

    def fate(self) -> float:
        """What becomes of it, between 0 and 1."""
        return SURE if self.surely else self.town.chance.random()

    def phone(self) -> str:
        """Somebody's number."""
        return f"139{self.town.chance.randrange(10**8):08}"

    def wish(self, kind: str, rail: str = "") -> Wish:
        """Somebody comes along and wants something."""
        chance, shops = self.town.chance, self.town.shops
        if self.surely:
            shops = [shop for shop in shops if self.can_be_paid(shop.shop_id)]
        shop = chance.choice(shops)
        product = chance.choice(self.town.products[shop.shop_id][: GOOD_FOR.get(kind)])
        pieces, desk = chance.choice((1, 1, 1, 2)), chance.random() < 0.25
        return Wish(kind, shop, product, rail or self.deck.draw(), pieces, self.phone(), desk)

    def counts(self, wish: Wish) -> None:
        """It was ordered."""
        self.town.happened["orders"] += 1
        self.town.happened[f"orders {wish.rail}"] += 1

    def misses(self, wish: Wish) -> None:
        """It could not be ordered: a page said no, or never came."""
        self.town.happened[f"not_placed {wish.kind}"] += 1

    def order(self, wish: Wish, *, came_by: str = "") -> None:
        """Somebody orders for himself, as a gift, with a coupon or by a share, and pays, or not, or
        twice, or too late."""
        town, coupon = self.town, COUPON if wish.kind == "coupon" else ""
        cashier = town.over_http(
            lambda: self.browsers.order(
                wish.rail, wish.shop.slug, wish.product, wish.pieces, phone=wish.phone,
                desk=wish.desk, gift=wish.kind == "gift", coupon=coupon,
                came_by=came_by,
            )
        )  # fmt: skip
        if cashier is None:
            self.misses(wish)
            return
        self.counts(wish)
        if not self.can_be_paid(wish.shop.shop_id):
            town.happened["ordered_early"] += 1
            self.invited.append((wish.shop.shop_id, cashier))
            return
        self.go_to_pay(cashier)

    def go_to_pay(self, cashier: Cashier) -> None:
        """Stand before the rail, or before another one when it is away or switched off."""
        found: Cashier | None = cashier
        if cashier.page is None:
            self.town.happened[f"no_page {cashier.rail}"] += 1
            found = self._another_way(cashier)
        if found is not None and found.page is not None:
            self.decide_to_pay(found)

    def ask_others(self, wish: Wish) -> None:
        """Somebody else pays, or several friends: all, too little, twice, or nobody does."""
        town = self.town
        token = town.over_http(
            lambda: self.browsers.ask(
                wish.shop.slug, wish.product, wish.pieces, phone=wish.phone, kind=wish.kind
            )
        )
        if token is None:
            self.misses(wish)
            return
        self.counts(wish)
        for amount in ("500", "rest") if wish.kind == "chip_in" else ("rest",):
            self.others_pay(wish.rail, token, amount)

    def others_pay(self, rail: str, token: str, amount: str = "rest") -> None:
        """Whoever was sent a link to pay opens it."""
        if self.fate() < 0.15:
            return  # he has read it, and that is all
        cashier = self.town.over_http(lambda: self.browsers.give(rail, token, amount))
        if cashier is not None and cashier.page is not None:
            self.decide_to_pay(cashier)

    def can_be_paid(self, shop_id: int) -> bool:
        """Whether its money can come: an institution that holds it has to have admitted it."""
        return self.town.escrow == OWN or shop_id in holding.open_shops(self.town)

    def pay_invited(self, share: float = 0.8) -> None:
        """Who ordered from a shop before it was admitted pays now that it is, or never."""
        there = holding.open_shops(self.town) if self.invited else set()
        for shop_id, cashier in list(self.invited):
            if shop_id in there and self.town.chance.random() < share:
                self.invited.remove((shop_id, cashier))
                rail = self.deck.draw()
                begun = self.town.over_http(
                    lambda rail=rail, cashier=cashier: self.browsers.begin(rail, cashier)  # type: ignore[misc]
                )
                if begun is not None:
                    self.town.happened["invited_went_to_pay"] += 1
                    self.go_to_pay(begun)

    def _another_way(self, cashier: Cashier) -> Cashier | None:
        others = [rail for rail in self.town.rails if rail not in (cashier.rail, "stripe")]
        if cashier.rail == "stripe":  # who is abroad knows no other rail than cards
            others = ["stripe"]
        rail = self.town.chance.choice(others)
        return self.town.over_http(lambda: self.browsers.begin(rail, cashier))

    def decide_to_pay(self, cashier: Cashier) -> None:
        """Before the rail's page: pay, leave, think again, or pay twice."""
        fate = self.fate()
        if fate < 0.08:
            self.town.happened["abandoned"] += 1
            return
        if fate < 0.14:
            self.late.append(cashier)
            return
        second = self._second_tab(cashier) if fate > 0.92 else None
        if fate < 0.2 and cashier.rail == "stripe":
            self._press(cashier, BAD_CARD)
        self._press(cashier)
        if second is not None and second.page is not None:
            self._press(second)
            self.town.happened["second_tabs"] += 1
        if fate > 0.6:
            self.town.over_http(lambda: self.browsers.come_back(cashier))

    def _second_tab(self, cashier: Cashier) -> Cashier | None:
        """The same order is about to be paid over another rail too."""
        rail = "wechat_pay" if cashier.rail == "alipay" else "alipay"
        if cashier.rail == "stripe":
            return None
        return self.town.over_http(lambda: self.browsers.begin(rail, cashier))

    def _press(self, cashier: Cashier, card: str = "pm_card_visa") -> None:
        self.town.over_http(lambda: self.browsers.pay(cashier, card))

    def pay_late(self) -> None:
        """Cashiers that were left open hours ago: somebody presses after all."""
        for cashier in self.late:
            self._press(cashier)
            self.town.happened["pressed_late"] += 1
        self.late.clear()

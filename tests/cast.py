"""The cast: named people and their shops, on a real database, acting through the flows.

林小满 keeps a tea shop; 陈婉婷 buys there; Ada and Priya do the same in English. Charlie is the
stranger who must see nothing and change nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from littleshop import audit, crypto, db, ids
from littleshop.catalog import drafts, products
from littleshop.catalog.drafts import ProductDraft, VariantDraft
from littleshop.clock import BusinessCalendar
from littleshop.crypto import Keyring
from littleshop.identity import people, phones
from littleshop.ledger import accounts
from littleshop.money import Money
from littleshop.pricing.facts import Loader
from littleshop.pricing.quotes import Item
from littleshop.sale import paying, placing, receiving, shipping, ticking
from littleshop.sale.flushing import Flusher
from littleshop.sale.paying import Paid
from littleshop.sale.placing import Placed, Placing
from littleshop.shop import shops, slugs, staff
from littleshop.shop.shops import BroughtBy, Face
from littleshop.trade import orders
from littleshop.trade.orders import Delivery, Order

MORNING = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # Monday, ten o'clock in Beijing
WANTING = Delivery("陈婉婷", "+8613800002046", "浙江省", "杭州市", "西湖区", "文三路 478 号")
PRIYA = Delivery("Priya Nair", "+447700900123", "", "Edinburgh", "", "12 Shore Place")


def CNY(text: str) -> Money:
    """CNY("18.00") is 1800 fen."""
    yuan, _, fen = text.partition(".")
    return Money(int(yuan) * 100 + int(fen or 0), "CNY")


@dataclass
class Town:
    """A small town: one database, a clock that tests move, people who act."""

    database: db.Database
    keyring: Keyring
    at: datetime = MORNING
    calendar: BusinessCalendar = field(default_factory=BusinessCalendar)
    shop_id: int = 0
    person_id: UUID | None = None

    def __post_init__(self) -> None:
        self.flusher = Flusher(self.database)
        self.loader = Loader(self.database)

    def later(self, **time: float) -> datetime:
        self.at += timedelta(**time)
        return self.at

    async def open_shop(
        self, name: str = "小满茶器", slug: str = "xiaoman", phone: str = "+8613900001001"
    ) -> int:
        """林小满 has a shop that is open; it becomes the town's shop."""

        async def work(conn: db.Connection) -> tuple[int, UUID]:
            person = await people.meet(
                conn, self.keyring, phones.parse(phone), locale="zh-CN", at=self.at
            )
            shop_id = await shops.number(conn)
            await shops.create(conn, shop_id, locale="zh-CN", brought_by=BroughtBy(), at=self.at)
            await staff.add(conn, shop_id, person.person_id, role="owner", at=self.at)
            await slugs.take(conn, slug, shop_id, self.at)
            await shops.open_doors(conn, shop_id, Face(name=name, slug=slug), self.at)
            return shop_id, person.person_id

        self.shop_id, self.person_id = await self.database.transaction(work)
        return self.shop_id

    async def stock(
        self, title: str = "青灰釉盖碗", price: Money | None = None, pieces: int = 10
    ) -> Item:
        """The shop sells a thing; the answer is one piece of it."""
        draft = drafts.check(
            ProductDraft(title, (VariantDraft((), (price or CNY("168.00")).minor, pieces),))
        )
        product_id = uuid4()

        async def work(conn: db.Connection) -> UUID:
            await products.create(conn, self.shop_id, product_id, draft, at=self.at)
            return (await products.variants(conn, self.shop_id, product_id))[0].variant_id

        return Item(await self.database.transaction(work), 1)

    async def place(
        self,
        items: Sequence[Item],
        total: Money,
        *,
        who: Delivery = WANTING,
        key: str | None = None,
        device: bytes = ids.hashed("wanting's phone"),
        **more: object,
    ) -> Placed:
        """Somebody orders."""
        wish = Placing(
            shop_id=self.shop_id,
            items=tuple(items),
            way="courier",
            delivery=who,
            total_seen=total,
            key=key or secrets.token_hex(8),
            device=device,
            locale="zh-CN",
            **more,  # type: ignore[arg-type]
        )
        return await placing.place(self.flusher, self.loader, self.keyring, wish, self.at)

    async def order(self, placed: Placed) -> Order:
        async with self.database.connection() as conn:
            order = await orders.get(conn, self.shop_id, placed.order_id)
        assert order is not None
        return order

    async def opens_cashier(self, placed: Placed, method: str = "wap") -> str:
        """Somebody presses Pay; the answer is the payment's reference."""
        payment = await self.database.transaction(
            lambda conn: paying.ask(
                conn,
                self.shop_id,
                placed.order_id,
                gateway="alipay",
                method=method,
                at=self.at,
            )
        )
        return payment.reference

    async def money_arrives(self, reference: str, amount: Money) -> str:
        """The rail says that it took `amount`."""
        paid = Paid(reference, amount, f"2026{reference}", self.at)
        return await self.database.transaction(
            lambda conn: paying.hear(conn, self.shop_id, paid, self.at)
        )

    async def buys(self, items: Sequence[Item], total: Money, **more: object) -> Placed:
        """Somebody orders and pays."""
        placed = await self.place(items, total, **more)  # type: ignore[arg-type]
        reference = await self.opens_cashier(placed)
        assert await self.money_arrives(reference, total) == "accepted"
        return placed

    async def ships(self, placed: Placed, number: str = "") -> Order:
        """In a parcel of its own, unless it is told another number."""
        number = number or f"SF1408223{placed.number:06d}"
        return await self.database.transaction(
            lambda conn: shipping.ship(
                conn, self.shop_id, placed.order_id, carrier="sf", number=number, at=self.at
            )
        )

    async def receives(self, placed: Placed) -> Order:
        return await self.database.transaction(
            lambda conn: receiving.receive(
                conn,
                self.shop_id,
                placed.order_id,
                by="buyer",
                at=self.at,
            )
        )

    async def clocks_strike(self) -> None:
        """What is due happens."""
        while await ticking.sweep(self.database, self.at):
            pass

    async def balance(self, account: str) -> Money:
        async with self.database.connection() as conn:
            return await accounts.balance(conn, self.shop_id, account, "CNY")

    async def books_balance(self) -> None:
        """The audit that production runs finds nothing."""
        async with self.database.connection() as conn:
            findings = await audit.prove(conn)
        assert findings == []


def keyring() -> Keyring:
    return crypto.read_keys(crypto.make_keys())

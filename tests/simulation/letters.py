"""Letters that ask for payment: written, taken up, passed on to a payer, and meanwhile taken back
or amended to another price."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from littleshop import crypto, db
from littleshop.catalog import products
from littleshop.money import Money
from littleshop.sale import inviting
from littleshop.trade import invitations
from littleshop.trade.invitations import InvitationDraft, Named
from tests.simulation.buying import Buying, Wish
from tests.simulation.town import Town

LESS = 107  # minor units off a piece: what was agreed in the chat
WORDS = "上回说的那件。"


@dataclass(frozen=True)
class Letter:
    """A letter that was sent, and its link."""

    shop_id: int
    invitation_id: UUID
    token: str


@dataclass
class Letters:
    """Sellers who write, and whoever gets it."""

    buying: Buying

    @property
    def town(self) -> Town:
        return self.buying.town

    def write(self, wish: Wish) -> None:
        """A letter is written and sent; it is taken up, passed on to somebody who pays, or not
        read yet."""
        letter = self._send(wish)
        fate = self.buying.fate()
        if fate > 0.5:
            self._take_up(wish, letter)
        elif fate > 0.2:
            self._pass_on(wish, letter)

    def others_read(self, share: float = 0.15) -> None:
        """Letters that lie there are opened after all."""
        for letter in self._open():
            if self.town.chance.random() < share:
                self._take_up(self.buying.wish("invitation"), letter)

    def sellers_rethink(self, share: float = 0.2) -> None:
        """Letters are taken back or changed, whoever is paying by them."""
        for letter in self._open():
            if self.town.chance.random() < share:
                self._meddle(letter)

    def _take_up(self, wish: Wish, letter: Letter) -> None:
        cashier = self.town.over_http(
            lambda: self.buying.browsers.take_up(wish.rail, letter.token, phone=wish.phone)
        )
        if cashier is None:
            self.buying.misses(wish)
            return
        self.buying.counts(wish)
        if self.buying.fate() < 0.4:  # he stands before the rail
            self._meddle(letter)
        self.buying.go_to_pay(cashier)

    def _pass_on(self, wish: Wish, letter: Letter) -> None:
        token = self.town.over_http(
            lambda: self.buying.browsers.pass_on(letter.token, phone=wish.phone)
        )
        if token is None:
            self.buying.misses(wish)
            return
        self.buying.counts(wish)
        self.town.happened["letter_passed_on"] += 1
        if self.buying.fate() < 0.5:  # between being asked and looking
            self._meddle(letter)
        self.buying.others_pay(wish.rail, token)

    def _send(self, wish: Wish) -> Letter:
        shop_id, chance = wish.shop.shop_id, self.town.chance
        keyring = crypto.keys_at(self.town.littleshop.home)
        letter = Letter(shop_id, uuid4(), "")
        uses = chance.choice((1, 2))
        own = chance.random() < 0.25  # something that is not on the shelf
        sent = not own or chance.random() < 0.5
        draft = InvitationDraft(
            to_name="阿婷", phone_sealed=None, words=WORDS, way="goods" if sent else "none",
            currency="CNY", shipping_minor=None if sent else 0, uses=uses,
            keeps=uses == 1 and chance.random() < 0.5, ship_days=chance.choice((None, 3)),
            hours=chance.choice((24, 72)),
        )  # fmt: skip

        async def write(conn: db.Connection, at: datetime) -> None:
            picked, made = [], [inviting.Own("旧书", 2603)]
            if not own:
                product_id, made = UUID(wish.product), []
                for each in await products.variants(conn, shop_id, product_id):
                    price = each.price_minor - LESS
                    picked.append(Named(product_id, each.variant_id, 1, price))
            await inviting.write(
                conn, keyring, shop_id, letter.invitation_id, draft, picked, made,
                person_id=await self._owner(conn, shop_id), at=at,
            )  # fmt: skip
            await inviting.send(conn, shop_id, letter.invitation_id, at)

        self.town.does("letter_sent", write)
        return Letter(shop_id, letter.invitation_id, self._token(shop_id, letter.invitation_id))

    async def _owner(self, conn: db.Connection, shop_id: int) -> UUID:
        found: UUID = await db.value(
            conn, "select person_id from staff where shop_id = $1 and role = 'owner'", shop_id
        )
        return found

    def _token(self, shop_id: int, invitation_id: UUID) -> str:
        return inviting.token(crypto.keys_at(self.town.littleshop.home), shop_id, invitation_id)

    def _open(self) -> list[Letter]:
        rows = self.town.read(
            "select /* all shops: the town's people */ i.shop_id, i.invitation_id"
            " from invitations i join claims c"
            " on c.shop_id = i.shop_id and c.claim_id = i.invitation_id"
            " where i.status = 'sent' and not c.shut and i.expires_at > $1 order by 2",
            self.town.now(),
        )
        return [Letter(row["shop_id"], row["invitation_id"], self._token(**row)) for row in rows]

    def _meddle(self, letter: Letter) -> None:
        """The seller takes it back or asks for more or less."""
        where = letter.shop_id, letter.invitation_id

        async def back(conn: db.Connection, at: datetime) -> None:
            await inviting.cancel(conn, *where, at)

        more = self.town.chance.choice((-31, 59))

        async def amend(conn: db.Connection, at: datetime) -> None:
            lines = await invitations.lines(conn, *where)
            prices = {each.variant_id: each.unit_minor + more for each in lines}
            await inviting.amend(
                conn, *where, words=WORDS, shipping=Money(300, "CNY"), prices=prices, hours=24,
                at=at,
            )  # fmt: skip

        if self.town.chance.random() < 0.4:
            self.town.does("letter_taken_back", back)
        else:
            self.town.does("letter_amended", amend)


def counted(town: Town) -> dict[str, int]:
    """How many letters were sent, taken back, amended, and passed on to a payer."""
    [row] = town.read(
        "select /* all shops: the whole town */"
        " count(*) filter (where sent_at is not null) as sent,"
        " count(*) filter (where status = 'cancelled') as taken_back,"
        " count(*) filter (where amended_at is not null) as amended from invitations"
    )
    return {name: int(many) for name, many in row.items()} | {
        "passed_on": town.happened["letter_passed_on"]
    }

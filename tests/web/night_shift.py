"""何夜 runs the platform in a test: appointed, signed in, the second factor shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

import httpx

from littleshop.identity import operators, phones
from littleshop.oversight import acts, appointing
from littleshop.oversight.acts import Act
from littleshop.trade import cases
from tests.cast import Town
from tests.sale.after_sale import AfterSale, after
from tests.web.client import World

PHONE = "139 0000 9001"
SECRET = b"12345678901234567890"


@dataclass
class Desk:
    """An operator's browser and the town he looks after."""

    world: World
    client: httpx.AsyncClient
    town: Town
    person_id: UUID

    def code(self, steps: int = 0) -> str:
        """What his app shows so many half minutes from now."""
        return operators.code_of(SECRET, operators.step_at(self.world.at) + steps)

    async def comes(self, client: httpx.AsyncClient | None = None, **more: str) -> httpx.Response:
        """He types the code of his app."""
        form = {"code": self.code()} | more
        return await (client or self.client).post("/operator/code", data=form)

    async def get(self, path: str = "") -> httpx.Response:
        answer = await self.client.get(f"/operator{path}")
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
        return answer

    async def post(self, path: str, **form: str) -> httpx.Response:
        return await self.client.post(f"/operator{path}", data=form)

    async def does(self, path: str, **form: str) -> str:
        """He presses a button; what the page that follows says."""
        answer = await self.post(path, **form)
        assert answer.status_code == 303, answer.text[:800]
        page = await self.client.get(answer.headers["location"])
        said = re.search(r'class="note (?:jade|plum) flash"[^>]*>.*?<span>(.*?)</span>', page.text)
        return said[1].replace("&#39;", "'") if said else ""

    async def log(self) -> list[Act]:
        """What was done at the desk, the newest first; coming and appointing left out."""
        async with self.world.house.database.connection() as conn:
            found = await acts.latest(conn, 50)
        return [each for each in found if each.kind not in ("signed_in", "operator_added")]

    async def dispute(self, amount: str = "30.00") -> tuple[AfterSale, str]:
        """A buyer does not take the seller's no; the address of the dispute."""
        self.town.at = self.world.at
        sale = await after(self.town)
        await self.town.ships(sale.placed)
        await sale.asks("refund", amount)
        await sale.seller_refuses()
        case = await sale.buyer_escalates()
        return sale, f"/disputes/{case.shop_id}/{case.case_id}"


async def at_work(world: World, client: httpx.AsyncClient, phone: str = PHONE) -> Desk:
    """Somebody is appointed and signs in by SMS; he has not shown the second factor yet."""
    house = world.house
    new = await house.database.transaction(
        lambda conn: appointing.appoint(
            conn, house.keyring, phones.parse(phone), reason="runs the night shift",
            at=world.at, secret=SECRET,
        )
    )  # fmt: skip
    await world.sign_in(client, phone)
    town = Town(house.database, house.keyring, at=world.at)
    return Desk(world, client, town, new.person.person_id)


async def photo_shown(desk: Desk, sale: AfterSale, content: bytes) -> UUID:
    """The seller shows a photo."""
    name = await desk.world.house.files.put_private(content)
    case = await sale.case()
    async with desk.world.house.database.connection() as conn:
        await cases.tell(conn, case, "said", by="seller", at=desk.world.at, photos=[name])
        told = await cases.history(conn, case.shop_id, case.case_id)
        return next(event.photos[0] for event in told if event.photos)

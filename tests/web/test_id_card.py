"""The page on which a seller gives photos of his id card: when it asks, what it says of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import cast

import httpx
import pytest
import pytest_asyncio

from littleshop import i18n
from littleshop.entry import admitting
from littleshop.pay.gateways import Escrow
from littleshop.pay.gateways.escrow import Admission as Answer
from littleshop.shop import admissions
from littleshop.shop.admissions import Admission
from tests.cast import Town
from tests.sale.institution import Institution
from tests.settlement.paper_bank import verify
from tests.web.back_room import BackRoom, shown
from tests.web.client import SVG, World, hidden, photo, says
from tests.web.test_registration import with_escrow

GATEWAY = "wechat_pay"
FACE, EMBLEM = photo(colour="#7C97A3"), photo(colour="#C9A37C")


class Counter(BackRoom):
    """Her back room where WeChat Pay wants to see the id card, and Alipay does not."""

    def __init__(self, world: World, client: httpx.AsyncClient) -> None:
        super().__init__(world, client)
        self.wechat = Institution(GATEWAY, wants_id_card=True)
        self.alipay = Institution("alipay")
        both = {each.name: cast(Escrow, each) for each in (self.wechat, self.alipay)}
        world.house.escrows = both
        with_escrow(world)

    async def open(self) -> None:
        await super().open()
        await verify(Town(self.world.house.database, self.world.house.keyring, self.world.at,
                          shop_id=self.town.shop_id))  # fmt: skip

    async def begins(self) -> None:
        """Identity and card are verified: the jobs go to both institutions."""
        house, at = self.world.house, self.world.later(minutes=1)
        begin = partial(admitting.begin, shop_id=self.town.shop_id, gateways=tuple(house.escrows))
        await house.database.transaction(lambda conn: begin(conn, at=at))
        await self.world.work()

    async def page(self, locale: str = "en") -> httpx.Response:
        return await self.client.get(f"{self.root}/admission?lang={locale}")

    async def gives(
        self, *, key: str | None = None, who: httpx.AsyncClient | None = None, **sides: bytes
    ) -> httpx.Response:
        """The form as a browser without scripts sends it."""
        files = {name: (f"{name}.jpg", each, "image/jpeg") for name, each in sides.items()}
        given = key or hidden(await self.page(), "key")
        return await (who or self.client).post(
            f"{self.root}/admission/photos", data={"key": given}, files=files
        )

    async def last(self) -> Admission:
        async with self.world.house.database.connection() as conn:
            found = await admissions.latest(conn, self.town.shop_id, GATEWAY)
        assert found is not None
        return found

    def lie(self) -> list[Path]:
        folder = self.world.house.settings.home / "files" / "sealed"
        return [each for each in folder.rglob("*") if each.is_file()]


@pytest_asyncio.fixture
async def counter(world: World, client: httpx.AsyncClient) -> Counter:
    made = Counter(world, client)
    await made.open()
    return made


@pytest.mark.parametrize("locale", i18n.LOCALES)
async def test_the_page_asks_for_both_sides_and_alipay_goes_on_without(
    counter: Counter, locale: str
) -> None:
    wanted = i18n.t(locale, "admission.head.photos")
    assert wanted in shown(await counter.page(locale)), "right after identity and card"
    opened = await counter.client.get(f"{counter.root}/opened?lang={locale}")
    assert i18n.t(locale, "opening.opened.admission_why.photos") in shown(opened)
    await counter.begins()
    page = shown(await counter.page(locale))
    wechat = i18n.t(locale, "checkout.method.wechat_pay")
    assert wanted in page and i18n.t(locale, "admission.photos", name=wechat) in page
    alipay = i18n.t(locale, "checkout.method.alipay")
    assert i18n.t(locale, "admission.asked", name=alipay) in page
    today = await counter.client.get(f"{counter.root}?lang={locale}")
    assert i18n.t(locale, "console.todo_then.admission.photos") in shown(today)


async def test_both_photos_go_to_the_institution_and_are_gone_when_it_has_admitted(
    counter: Counter,
) -> None:
    await counter.begins()
    assert len(counter.alipay.asked) == 1 and counter.wechat.asked == {}
    key = hidden(await counter.page(), "key")
    for _ in range(2):  # pressed twice
        answer = await counter.gives(key=key, face=FACE, emblem=EMBLEM)
        assert answer.headers["location"].startswith(f"{counter.root}/admission")
    assert len(counter.lie()) == 2
    await counter.world.work()
    (asked,) = counter.wechat.asked.values()
    assert asked.id_card is not None and all(each[:3] == b"\xff\xd8\xff" for each in asked.id_card)
    page = await counter.page()
    assert "WeChat Pay is checking your papers" in shown(page)
    assert "/admission/photos" not in page.text
    counter.wechat.standing[asked.reference] = Answer(status="admitted", merchant_id="1900001")
    counter.world.later(minutes=5)
    await counter.world.work()
    assert (await counter.last()).status == "admitted" and counter.lie() == []
    answer = await counter.gives(key=key, face=FACE, emblem=EMBLEM)
    assert answer.status_code == 303 and counter.lie() == [], "nobody wants them any more"


async def test_what_is_wrong_stands_at_its_field_and_nothing_is_kept(counter: Counter) -> None:
    answer = await counter.gives(face=b"a text that is called .jpg")
    assert answer.status_code == 422
    assert says(answer, "en", "photo_not_a_picture") and says(answer, "en", "id_photo_missing")
    assert 'aria-describedby="e-face"' in answer.text and 'id="e-emblem"' in answer.text
    answer = await counter.gives(face=FACE, emblem=b"\xff\xd8\xff" + bytes(20_000_000))
    assert says(answer, "en", "photo_too_big", megabytes=20) and 'id="e-face"' not in answer.text
    answer = await counter.gives(face=photo(200, 150), emblem=SVG)
    assert says(answer, "en", "id_photo_small", least=300) and says(answer, "en", "photo_svg")
    answer = await counter.gives(face=FACE, emblem=FACE)
    assert says(answer, "en", "id_photo_same") and 'id="e-face"' not in answer.text
    assert counter.lie() == []


async def test_after_a_no_other_photos_ask_again(counter: Counter) -> None:
    await counter.begins()
    await counter.gives(face=FACE, emblem=EMBLEM)
    await counter.world.work()
    first = await counter.last()
    counter.wechat.standing[first.reference] = Answer(status="refused", said="证件不清晰")
    counter.world.later(minutes=5)
    await counter.world.work()
    assert "Give other photos of the id card" in shown(await counter.page())
    await counter.gives(face=photo(800, 600), emblem=EMBLEM)
    await counter.world.work()
    assert (await counter.last()).reference != first.reference
    assert len(counter.wechat.asked) == 2 and len(counter.lie()) == 2


async def test_only_the_owner_is_asked_and_nobody_is_shown_them(counter: Counter) -> None:
    await counter.begins()
    page = await counter.page()
    key = hidden(page, "key")
    stranger = counter.world.browser()
    answer = await counter.gives(key=key, who=stranger, face=FACE, emblem=EMBLEM)
    assert answer.status_code in (303, 404) and counter.lie() == []
    async with counter.world.house.database.connection() as conn:
        await conn.execute(
            "update staff set role = 'manager' where shop_id = $1", counter.town.shop_id
        )
    page = await counter.page()
    assert "The owner of the shop gives the photos" in shown(page)
    assert "/admission/photos" not in page.text
    assert (await counter.gives(key=key, face=FACE, emblem=EMBLEM)).status_code == 404
    assert counter.lie() == []


async def test_where_no_institution_wants_them_nobody_asks(counter: Counter) -> None:
    counter.world.house.escrows = {"alipay": cast(Escrow, counter.alipay)}
    assert "/admission/photos" not in (await counter.page()).text
    answer = await counter.gives(key="x", face=FACE, emblem=EMBLEM)
    assert answer.status_code == 303 and counter.lie() == []

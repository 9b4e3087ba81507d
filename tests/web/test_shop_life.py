"""Following, searching, the story and reporting, on pages."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from littleshop import http, i18n, ids
from littleshop.catalog import products
from littleshop.catalog.drafts import ProductDraft, VariantDraft
from littleshop.errors import Refused
from littleshop.notify import subscriptions
from littleshop.oversight import acts
from littleshop.sale import placing, telling_news
from littleshop.social import follows
from tests.cast import CNY
from tests.web import client as clients
from tests.web.back_room import shown
from tests.web.client import hidden, says
from tests.web.night_shift import Desk
from tests.web.street import GAIWAN, Street

PHONE = "138 0000 2046"
POINT = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
KEYS = {"p256dh": POINT, "auth": "BTBZMqHH6r4Tts7J_aSIgg"}


async def follows_by_code(street: Street, phone: httpx.AsyncClient) -> str:
    """Somebody types his phone and the code that comes; the address of his own page."""
    page = await phone.get("/@xiaoman/follow")
    form = {"phone": PHONE, "form_key": hidden(page, "form_key")}
    sent = await phone.post("/@xiaoman/follow", data=form)
    assert "138 **** 2046" in sent.text
    await street.world.work()
    digits = {"phone": hidden(sent, "phone"), "digits": street.world.code()}
    answer = await phone.post("/@xiaoman/follow", data=digits)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def test_following_takes_a_phone_and_its_code_in_the_browser_that_asked(
    street: Street,
) -> None:
    phone, other = street.stranger("en"), street.stranger("en")
    own = await follows_by_code(street, phone)
    assert "You follow 小满茶器" in shown(await phone.get(own))
    piece = await phone.get("/@xiaoman/mine")
    assert "data-follows" in piece.text  # the shared page itself is the same for all
    assert "data-follows" not in (await street.stranger().get("/@xiaoman/mine")).text
    again = await phone.get("/@xiaoman/follow")
    assert again.headers["location"] == own
    stolen = {"phone": PHONE, "digits": street.world.code()}
    wrong = await other.post("/@xiaoman/follow", data=stolen)
    assert wrong.status_code == 422 and says(wrong, "en", "code_expired")
    short = await other.post("/@xiaoman/follow", data={"phone": "138 0000", "form_key": ""})
    assert short.status_code == 422
    async with street.database.connection() as conn:
        assert await follows.count(conn, street.shop_id) == 1


async def test_the_link_of_a_message_shows_and_one_press_on_its_page_is_for_good(
    street: Street,
) -> None:
    own = await follows_by_code(street, street.stranger())
    thing, world = await street.sells(), street.world
    street.at = world.later(minutes=1)
    await street.database.transaction(
        lambda conn: follows.tell(conn, street.shop_id, thing, by=uuid4(), at=world.at)
    )
    world.later(hours=1)
    await street.database.transaction(
        lambda conn: telling_news.tell(conn, street.shop_id, world.at)
    )
    await world.work()
    assert own.rpartition("/")[2] in world.inbox[-1][1] and "青灰釉盖碗" in world.inbox[-1][1]
    friend = street.stranger("en")
    page = await friend.get(own)  # whoever opens it: nothing happens
    assert "You follow" in shown(page) and "青灰釉盖碗" in page.text
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert (await friend.get(f"{own}/leaving")).status_code == 404
    for _ in range(2):
        assert (await friend.post(f"{own}/leaving")).status_code == 303
    assert "No more messages from 小满茶器" in shown(await friend.get(own))
    assert (await friend.get(own[:-2] + "zz")).status_code == 404


async def test_a_notification_instead_of_sms_is_switched_on_where_he_began_only(
    street: Street,
) -> None:
    phone = street.stranger()
    own = await follows_by_code(street, phone)
    told = {"endpoint": "http://127.0.0.1:1/push/one", "keys": KEYS}
    assert (await street.stranger().post(f"{own}/browser", json=told)).status_code == 404
    assert (await phone.post(f"{own}/browser", json={})).status_code == 400
    assert (await phone.post(f"{own}/browser", json=told)).status_code == 204
    async with street.database.connection() as conn:
        [known] = await follows.all_of_phone(conn, street.keyring.index("+8613800002046"))
        assert await subscriptions.of(conn, street.shop_id, [known.follow_id])
    assert "不再发短信" in shown(await phone.get(own))
    world, sms = street.world, len(street.world.inbox)
    street.at = world.later(minutes=1)
    thing = await street.sells()
    await street.database.transaction(
        lambda conn: follows.tell(conn, street.shop_id, thing, by=uuid4(), at=world.at)
    )
    world.later(hours=1)
    await street.database.transaction(
        lambda conn: telling_news.tell(conn, street.shop_id, world.at)
    )
    await world.work()
    assert len(world.pushed) == 1 and len(world.inbox) == sms


async def test_who_paid_follows_with_one_press_on_his_own_device(street: Street) -> None:
    token = http.device_token(street.keyring, "wanting's phone")
    phone = street.stranger("en")
    phone.cookies.set(http.DEVICE, token)
    item = await street.stock()
    placed = await street.place([item], CNY("168.00"), device=ids.hashed(token))
    order = f"/o/{placing.link(street.keyring, street.shop_id, placed.order_id)}"
    assert "/following" not in (await phone.get(order)).text
    refused = await phone.post(f"{order}/following")  # nobody paid: it may be a stranger's phone
    assert refused.status_code == 409
    reference = await street.opens_cashier(placed)
    await street.money_arrives(reference, CNY("168.00"))
    assert "Hear when 小满茶器 has something new?" in shown(await phone.get(order))
    assert (await street.stranger().post(f"{order}/following")).status_code == 409
    pressed = await phone.post(f"{order}/following")
    own = pressed.headers["location"]
    assert "You follow" in shown(await phone.get(own)) and "You follow" in shown(
        await phone.get(order)
    )
    await phone.post(f"{own}/leaving")
    again = await phone.post(f"{order}/following")  # who left types a code
    assert again.headers["location"] == "/@xiaoman/follow"
    assert "No more messages" in shown(await phone.get(own))


async def test_search_is_a_plain_form_and_no_word_of_it_is_kept(street: Street) -> None:
    await street.sells()
    for number in range(12):
        await street.sells(ProductDraft(f"小杯 {number}", (VariantDraft((), 100, 1),)))
    page, before = await street.stranger("en").get("/@xiaoman"), len(street.shelf)
    assert 'href="/@xiaoman/search"' in page.text  # after twelve things
    for query in ("盖碗", "gaiwan", "GW"):
        found = await street.stranger("en").get("/@xiaoman/search", params={"q": query})
        assert "青灰釉盖碗" in found.text and "小杯" not in found.text
    none = await street.stranger("en").get(
        "/@xiaoman/search", params={"q": "<script>alert(1)</script>" * 50}
    )
    assert none.status_code == 200 and "<script>alert" not in none.text
    assert "Nothing here is called" in shown(none)
    empty = await street.stranger("en").get("/@xiaoman/search?q=%20")
    assert empty.status_code == 200 and "Nothing here" not in empty.text
    assert len(street.shelf) == before


async def test_a_story_has_a_page_and_a_small_shop_no_search_pill(street: Street) -> None:
    await street.sells()
    assert "/@xiaoman/search" not in (await street.stranger().get("/@xiaoman")).text
    assert (await street.stranger().get("/@xiaoman/story")).status_code == 303
    async with street.database.connection() as conn:
        await conn.execute("update shops set story = $1", "一个人的窑。\n烧<b>坏</b>的也留着。")
    page = await street.stranger().get("/@xiaoman/story")
    assert "一个人的窑。" in page.text and "烧&lt;b&gt;坏" in page.text


NO_PAGES = [
    "", "/", "//evil.test", "https://evil.test/@xiaoman", "/@nobody", "/console/1",
    "/@xiaoman/p/x", "/@xiaoman/p/00000000-0000-0000-0000-000000000000", "/s/" + "a" * 500,
    "/zz/1-zz",
]  # fmt: skip


async def test_what_is_no_page_of_a_shop_cannot_be_reported(street: Street) -> None:
    for about in NO_PAGES:
        answer = await street.stranger().get("/report", params={"about": about})
        assert answer.status_code == 404, about


async def report(world_browser: httpx.AsyncClient, about: str, **typed: str) -> httpx.Response:
    page = await world_browser.get("/report", params={"about": about})
    assert page.status_code == 200, page.text
    form = {"about": about, "kind": "fake", "words": "", "form_key": hidden(page, "form_key")}
    return await world_browser.post("/report", data=form | typed)


async def sold_by(desk: Desk) -> UUID:
    """A thing in the town's shop; its id."""
    await desk.town.stock()
    async with desk.world.house.database.connection() as conn:
        [row] = await products.listing(conn, desk.town.shop_id)
    return row.product_id


async def test_a_reported_thing_is_taken_down_appealed_and_put_back_each_act_in_the_log(
    desk: Desk,
) -> None:
    product_id, shop_id = await sold_by(desk), desk.town.shop_id
    page, seller = f"/@xiaoman/p/{product_id}", desk.world.browser()
    await desk.world.sign_in(seller, "139 0000 1001")
    for _ in range(2):  # the second of the same device says nothing new
        stranger = desk.world.browser()
        for words in ("标签是假的", "还是假的"):
            assert (await report(stranger, page, words=words)).status_code == 303
    listed = shown(await desk.get("/reports"))
    assert "2 reports" in listed and "青灰釉盖碗" in listed and "标签是假的" in listed
    assert "Something was reported" in shown(await desk.get())
    path = f"/reports/{shop_id}/product"
    said = await desk.does(f"{path}/takedown", thing=str(product_id), reason="仿冒别家的标")
    assert said.startswith("It is off the pages")
    assert (await seller.get(page)).status_code == 404
    goods = f"/console/{shop_id}/goods/{product_id}"
    assert "仿冒别家的标" in shown(await seller.get(goods))
    await seller.post(f"{goods}/status", data={"status": "on_sale"})
    async with desk.world.house.database.connection() as conn:
        assert (await products.get(conn, shop_id, product_id)).status == "hidden"
        with pytest.raises(Refused, match="product_taken_down"):
            await products.set_status(conn, shop_id, product_id, "on_sale", desk.world.at)
    empty = await seller.post(f"{goods}/takedown", data={"words": " "})
    assert empty.status_code == 422
    await seller.post(f"{goods}/takedown", data={"words": "这是我自己的标，有注册证。"})
    twice = await seller.post(f"{goods}/takedown", data={"words": "别的话"})
    assert twice.status_code == 422 and says(twice, "en", "appeal_once")
    appeals = await desk.get("/reports")
    assert "有注册证" in appeals.text
    [refusal] = re.findall(r'action="/operator(/reports/appeals/[^"]+)/refusal"', appeals.text)
    assert "is back" in await desk.does(f"{refusal}/return", reason="注册证看过了")
    assert (await desk.world.browser().get(page)).status_code == 200
    assert [act.kind for act in await desk.log()] == ["product_put_back", "product_taken_down"]
    assert (await desk.log())[0].facts["name"] == "青灰釉盖碗"
    told = await _told_owner(desk)
    assert told == {"taken_down", "put_back"}


async def _told_owner(desk: Desk) -> set[str]:
    async with desk.world.house.database.connection() as conn:
        rows = await conn.fetch("select about from messages")
    return {row["about"] for row in rows} & {"taken_down", "put_back"}


async def test_a_report_is_dismissed_or_settled_once_and_needs_a_reason(desk: Desk) -> None:
    shop_id, letter = desk.town.shop_id, f"/i/{ids.token(desk.town.shop_id)}"
    stranger = desk.world.browser()
    bad = await report(stranger, "/@xiaoman", kind="other")
    assert bad.status_code == 422 and says(bad, "en", "report_empty")
    await report(stranger, "/@xiaoman", kind="misleading")
    await report(stranger, letter, kind="rude")
    page = (await desk.get("/reports")).text
    assert letter not in page  # a token is nobody's to read
    short = await desk.does(f"/reports/{shop_id}/shop/dismissal", thing="", reason=" ")
    assert "reason" in short.lower() or "why" in short.lower()
    await desk.does(f"/reports/{shop_id}/shop/dismissal", thing="", reason="看过，没有问题")
    again = await desk.does(f"/reports/{shop_id}/shop/dismissal", thing="", reason="再看一次")
    assert again == i18n.t("en", "errors.report_decided")
    [thing] = re.findall(r'name="thing" value="([0-9a-f]{64})"', page)
    assert "off" not in await desk.does(f"/reports/{shop_id}/letter/settlement", thing=thing,
                                        reason="和卖家谈过")  # fmt: skip
    assert (await desk.post(f"/reports/{shop_id}/letter/takedown", thing=thing, reason="不行")
            ).status_code == 404  # fmt: skip
    assert "Nothing is reported" in shown(await desk.get("/reports"))
    async with desk.world.house.database.connection() as conn:
        kinds = [each.kind for each in await acts.latest(conn, 2)]
    assert kinds == ["report_settled", "report_dismissed"]


async def test_one_device_cannot_flood_the_desk(street: Street) -> None:
    things = [await street.sells(GAIWAN, picture=None) for _ in range(11)]
    stranger = street.stranger("en")
    answers = [await report(stranger, f"/@xiaoman/p/{each}") for each in things]
    assert [answer.status_code for answer in answers] == [303] * 10 + [422]


async def test_a_live_platform_lists_no_shop_to_anybody(dsn: str, home: Path) -> None:
    async with clients.opened(dsn, home, mode="live") as live:
        seller = live.browser()
        shop_id = await live.open_shop(seller)
        await live.add_product(seller, shop_id)
        page = await live.browser().get("/")
        assert page.status_code == 200 and "xiaoman" not in page.text
        found = await live.browser().get("/@xiaoman")
        assert found.status_code == 200  # who has the link is let in

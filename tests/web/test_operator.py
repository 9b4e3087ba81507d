"""The operator's desk: who may see it, and what is done there, once and with a reason."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from littleshop import audit, i18n
from littleshop.entry import choosing_payee
from littleshop.identity import phones
from littleshop.oversight import appointing
from littleshop.web import operator
from tests.settlement.paper_bank import verify
from tests.web.back_room import shown
from tests.web.client import World, says
from tests.web.night_shift import PHONE, Desk, at_work

PAGES = (
    "", "/disputes", "/refunds", "/escrow", "/holds", "/differences", "/rails", "/jobs",
    "/referrals", "/debts",
    "/look-up", "/runs", "/acts",
)  # fmt: skip


async def test_the_phone_alone_opens_nothing(world: World, client: httpx.AsyncClient) -> None:
    desk = await at_work(world, client)
    for path in PAGES:
        answer = await client.get(f"/operator{path}")
        assert answer.headers["location"].startswith("/operator/code?next=/operator")
    assert (await client.post("/operator/rails/alipay/switch")).status_code == 303
    assert await desk.log() == []
    answer = await desk.comes(next="/operator/disputes")
    assert answer.headers["location"] == "/operator/disputes"
    for path in PAGES:
        page = await desk.get(path)
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-robots-tag"] == "noindex, nofollow"
        assert page.headers["referrer-policy"] == "same-origin"


async def test_who_is_not_signed_in_signs_in_and_comes_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/operator/holds")
    assert answer.headers["location"] == "/sign-in?next=/operator/holds"


async def test_for_a_seller_there_is_no_such_page(world: World, client: httpx.AsyncClient) -> None:
    await world.open_shop(client)
    for route in operator.ROUTES:
        path = (
            route.path.replace("{shop_id}", "1001")  # type: ignore[attr-defined]
            .replace("{day}", "2026-11-20")
            .replace("{rail}", "alipay")
        )
        for name in (
            "case_id", "hold_id", "photo_id", "difference_id", "job_id", "person_id", "refund_id",
        ):  # fmt: skip
            path = path.replace(f"{{{name}}}", str(uuid4()))
        for method in route.methods:  # type: ignore[attr-defined]
            answer = await client.request(method, path, data={"code": "123456", "reason": "me"})
            assert answer.status_code == 404, (method, path, answer.status_code)
            assert "operator" not in answer.text


async def test_a_wrong_code_is_said_and_the_sixth_is_not_looked_at(
    world: World, client: httpx.AsyncClient
) -> None:
    desk = await at_work(world, client)
    wrong = "000000" if desk.code() != "000000" else "111111"
    empty = await client.post("/operator/code", data={"code": " "})
    assert says(
        empty, "en", "totp_empty"
    )  # no SMS was sent, and none is spoken of; no try is spent
    for _ in range(5):
        answer = await client.post("/operator/code", data={"code": wrong})
        assert answer.status_code == 422 and says(answer, "en", "totp_wrong")
    told = await _told(world)
    assert told == [("operator_codes", "waiting")]  # by SMS, once
    answer = await desk.comes()  # right, and too late
    assert answer.status_code == 422 and says(answer, "en", "too_many", wait=timedelta(minutes=15))
    world.later(minutes=15)
    assert (await desk.comes()).status_code == 303
    assert (await client.get("/operator")).status_code == 200


async def _told(world: World) -> list[tuple[str, str]]:
    async with world.house.database.connection() as conn:
        rows = await conn.fetch("select about, status from messages where about like 'operator%'")
        return [(row["about"], row["status"]) for row in rows]


async def test_the_tries_of_a_day_are_bounded(world: World, client: httpx.AsyncClient) -> None:
    desk = await at_work(world, client)
    wrong = "000000" if desk.code() != "000000" else "111111"
    for _ in range(4):
        for _ in range(5):
            await client.post("/operator/code", data={"code": wrong})
        world.later(minutes=15)
    assert len(await _told(world)) == 4
    answer = await client.post("/operator/code", data={"code": wrong})
    assert "That was often enough" in answer.text


async def test_what_is_no_code_costs_no_try(world: World, client: httpx.AsyncClient) -> None:
    desk = await at_work(world, client)
    for typed in ("", "12345", "abc") * 3:
        answer = await client.post("/operator/code", data={"code": typed})
        assert answer.status_code == 422
    assert (await desk.comes()).status_code == 303


async def test_a_code_that_was_used_lets_nobody_else_in(
    world: World, client: httpx.AsyncClient
) -> None:
    desk, thief = await at_work(world, client), world.browser()
    world.later(minutes=1)
    await world.sign_in(thief, PHONE)  # he reads the SMS, and looks over a shoulder
    assert (await desk.comes()).status_code == 303
    answer = await desk.comes(thief)
    assert answer.status_code == 422 and says(answer, "en", "totp_used")
    assert (await thief.get("/operator")).status_code == 303


async def test_a_double_press_of_the_code_is_one_coming(
    world: World, client: httpx.AsyncClient
) -> None:
    desk = await at_work(world, client)
    for _ in range(2):
        assert (await desk.comes()).headers["location"] == "/operator"


async def test_another_device_is_not_let_in_and_after_eight_hours_neither_is_this_one(
    desk: Desk, world: World
) -> None:
    other = world.browser()
    world.later(minutes=1)
    await world.sign_in(other, PHONE)
    assert (await other.get("/operator/acts")).headers["location"].startswith("/operator/code")
    await desk.get("/acts")
    world.later(hours=7, minutes=59)
    answer = await desk.client.get("/operator/acts")
    assert answer.headers["location"] == "/operator/code?next=/operator/acts"


async def test_a_form_that_was_open_too_long_does_nothing_and_leads_back(
    desk: Desk, world: World
) -> None:
    world.later(hours=8)
    answer = await desk.client.post(
        "/operator/rails/alipay/switch",
        data={"state": "off", "reason": "down"},
        headers={"referer": "http://shop.test/operator/rails"},
    )
    assert answer.headers["location"] == "/operator/code?next=/operator/rails"
    assert await desk.log() == []


async def test_a_removed_operators_session_dies_at_once(desk: Desk, world: World) -> None:
    house = world.house
    await house.database.transaction(
        lambda conn: appointing.dismiss(
            conn, house.keyring, phones.parse(PHONE), reason="has left", at=world.at
        )
    )
    for path in PAGES:
        assert (await desk.client.get(f"/operator{path}")).status_code == 404
    assert (await desk.post("/rails/alipay/switch", state="off", reason="me")).status_code == 404
    assert (await desk.comes()).status_code == 404


async def test_signing_out_and_leaving_end_it(desk: Desk, world: World) -> None:
    assert (await desk.post("/leaving")).status_code == 303
    assert (await desk.client.get("/operator")).status_code == 303
    world.later(seconds=30)
    await desk.comes()
    await desk.get()
    await desk.client.post("/sign-out")
    assert (await desk.client.get("/operator")).headers["location"].startswith("/sign-in")


async def test_a_post_from_another_site_is_refused(desk: Desk) -> None:
    answer = await desk.client.post(
        "/operator/rails/alipay/switch",
        data={"state": "off", "reason": "gotcha"},
        headers={"sec-fetch-site": "cross-site"},
    )
    assert answer.status_code == 403 and await desk.log() == []


@pytest.mark.parametrize(
    "asked", ["{number}", "#{number}", "xiaoman", "@xiaoman", "http://shop.test/@xiaoman"]
)
async def test_a_shop_is_found_by_what_people_read_out(desk: Desk, asked: str) -> None:
    asked = asked.replace("{number}", str(desk.town.shop_id))
    answer = await desk.client.get("/operator/look-up", params={"q": asked})
    assert "小满茶器" in answer.text and "nothing answers" not in answer.text.lower()


async def test_what_is_not_known_is_said(desk: Desk) -> None:
    for asked in ("0", "999999", "nobody", "139 0000 7777", "<script>", "'; drop"):
        answer = await desk.client.get("/operator/look-up", params={"q": asked})
        assert "Nothing answers" in answer.text and "<script>" not in answer.text.split("<main")[1]


async def test_the_sheet_of_a_shop_names_where_it_is_paid(desk: Desk) -> None:
    town = desk.town
    await verify(town)
    await town.database.transaction(
        lambda conn: choosing_payee.choose(
            conn, town.keyring, town.shop_id, "alipay", "13900001001", town.at
        )
    )
    await desk.does(f"/shops/{town.shop_id}/opening", reason="asks where the payout is")
    page = shown(await desk.get(f"/shops/{town.shop_id}"))
    assert i18n.t("en", "operator.shop.payee") in page and "Alipay **** 1001" in page


async def test_to_open_a_shop_is_an_act_and_lasts_an_hour(desk: Desk, world: World) -> None:
    path = f"/shops/{desk.town.shop_id}"
    page = shown(await desk.get(path))
    assert "Say why you look" in page and "139" not in page
    assert "few words" in await desk.does(f"{path}/opening", reason="")
    await desk.does(f"{path}/opening", reason="asks where the payout is")
    page = shown(await desk.get(path))
    assert "139 **** 1001" in page and "13900001001" not in page.replace(" ", "")
    [act] = await desk.log()
    assert (act.kind, act.of_shop_id) == ("shop_opened", desk.town.shop_id)
    world.later(hours=1)
    assert "Say why you look" in shown(await desk.get(path))
    for gone in ("/shops/0", "/shops/999999", f"/people/{uuid4()}"):
        assert (await desk.client.get(f"/operator{gone}")).status_code == 404
        assert (await desk.post(f"{gone}/opening", reason="who is it")).status_code == 404


async def test_what_one_operator_opened_is_not_open_to_another(desk: Desk, world: World) -> None:
    second = await at_work(world, world.browser(), "139 0000 9002")
    await second.comes()
    path = f"/shops/{desk.town.shop_id}"
    await desk.does(f"{path}/opening", reason="asks where the payout is")
    assert "Say why you look" in shown(await second.get(path))


async def test_a_person_is_found_by_the_whole_phone_and_opened(desk: Desk) -> None:
    found = await desk.client.get("/operator/look-up", params={"q": "139 0000 1001"})
    assert "139 **** 1001" in found.text and "139 0000 1001" in found.text  # as it was typed
    path = f"/people/{desk.town.person_id}"
    assert path in found.text
    await desk.does(f"{path}/opening", reason="cannot sign in")
    assert "139 **** 1001" in shown(await desk.get(path))
    assert [act.kind for act in await desk.log()] == ["person_opened"]


async def test_the_log_lists_every_act_and_proves_itself(desk: Desk, world: World) -> None:
    for n in range(30):
        await desk.does(
            "/rails/alipay/switch",
            state="off" if n % 2 == 0 else "on",
            reason=f"for the {n}th time",
        )
    first = await desk.get("/acts")
    assert "for the 29th time" in first.text and "139 **** 9001" in first.text
    async with world.house.database.connection() as conn:
        assert await audit.prove_log(conn) == []
    assert (await desk.client.get("/operator/acts?before=5")).text.count("act-row") == 4
    assert (await desk.client.get("/operator/acts?before=x")).status_code == 404


async def test_the_demo_shows_what_the_app_would_and_live_does_not(
    world: World, client: httpx.AsyncClient
) -> None:
    desk, other = await at_work(world, client), world.browser()
    world.later(minutes=1)
    await world.sign_in(other, PHONE)
    page = await client.get("/operator/code")
    assert desk.code() in page.text
    await desk.comes()
    page = await other.get("/operator/code")
    assert desk.code() not in page.text and desk.code(1) in page.text  # the next one: it is right

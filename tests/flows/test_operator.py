"""The operator's desk on a phone: in with two factors, a dispute decided, the money on its way."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from littleshop import db, installation, postgres, stand_in
from littleshop.clock import Clock
from littleshop.money import Money
from littleshop.sale import arbitrating, returning
from littleshop.sale.returning import Wish
from tests.flows.conftest import PHONE, Device, Faults
from tests.flows.people import Shopkeeper, Shopper
from tests.flows.running import Running, until
from tests.flows.test_looks import looks_right


def dispute(littleshop: Running, reference: str) -> str:
    """The buyer wants 68 yuan back, the seller says no, the buyer calls the platform; the case."""
    [row] = littleshop.rows(
        "select shop_id, order_id from payments where reference = $1", reference
    )

    async def quarrel() -> UUID:
        database = await db.open_database(postgres.Cluster(littleshop.home).dsn(), size=1)
        try:
            async with database.connection() as conn:
                at = Clock(await installation.clock_offset(conn)).now()
            return await database.transaction(lambda conn: speak(conn, at - timedelta(minutes=5)))
        finally:
            await database.close()

    async def speak(conn: db.Connection, at: datetime) -> UUID:
        wish = Wish("refund", "damaged", Money(6800, "CNY"), "盖子裂了，倒水会漏。")
        case = await returning.ask(conn, row["shop_id"], row["order_id"], wish, at)
        of = (conn, row["shop_id"], case.case_id)
        await returning.refuse(*of, words="发货前拍了照，是完好的。", at=at)
        await arbitrating.escalate(*of, words="裂缝在里面。", at=at)
        return case.case_id

    return str(littleshop.aside.submit(lambda: asyncio.run(quarrel())).result(30))


def sits_down(page: Page, littleshop: Running) -> None:
    """The phone, the SMS, then what the app shows; the demo plays the app."""
    page.goto(f"{littleshop.web}/operator")
    page.fill("input[name=phone]", stand_in.PHONE)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/sign-in/code"))
    page.fill("input[name=code]", littleshop.code_for(stand_in.PHONE))
    page.wait_for_url(re.compile("/operator/code"))
    page.fill("input[name=code]", page.locator(".note b").inner_text())
    page.wait_for_url(f"{littleshop.web}/operator")


@pytest.fixture(scope="module")
def desk(browser: Browser, littleshop: Running) -> list[dict[str, object]]:
    """The cookies of a phone that sits at the desk."""
    context = browser.new_context(locale="zh-CN", **PHONE)
    sits_down(context.new_page(), littleshop)
    cookies = [dict(each) for each in context.cookies()]
    context.close()
    return cookies


def test_a_dispute_is_decided_on_a_phone_and_the_money_goes_back(
    littleshop: Running,
    stall: Shopkeeper,
    product: str,
    device: Device,
    desk: list[dict[str, object]],
    faults: Faults,
) -> None:
    bought = Shopper(littleshop).buy("stall", product)
    case = dispute(littleshop, bought.reference)
    context = device()
    context.add_cookies(desk)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{littleshop.web}/operator")
    expect(page.locator("h2").first).to_contain_text("等你处理")
    page.click("a.todo[href$='/disputes']")
    page.click(f"main a.line-link[href$='{case}']")
    expect(page.locator(".tale-in")).to_contain_text("倒水会漏")
    expect(page.locator(".tale-in")).to_contain_text("是完好的")
    page.once("dialog", lambda asked: asked.accept())
    page.click("main button.go")  # nothing is chosen yet: it says what lacks
    expect(page.locator(".wrong").first).to_be_visible()
    faults.expect("422")
    page.check("input[value=part]")
    page.fill("input[name=back]", "30")
    page.fill("textarea[name=words]", "各担一半，退 30 元。")
    page.once("dialog", lambda asked: asked.accept())
    page.click("main button.go")
    page.wait_for_url(re.compile("/operator/disputes$"))
    expect(page.locator(".flash")).to_contain_text("退 ¥30.00")
    until(lambda: littleshop.payment(bought.reference)["returned_minor"] == 3000, 20)
    page.goto(f"{littleshop.web}/operator/acts")
    expect(page.locator(".act-row").first).to_contain_text("各担一半")
    assert littleshop.audit()["checked"]["acts"] >= 3


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_the_pages_of_the_desk_fit_and_can_be_pressed(
    littleshop: Running,
    stall: Shopkeeper,
    product: str,
    device: Device,
    desk: list[dict[str, object]],
    locale: str,
) -> None:
    dispute(littleshop, Shopper(littleshop).buy("stall", product).reference)
    context = device(PHONE, locale)
    context.add_cookies(desk)  # type: ignore[arg-type]
    page, wrong = context.new_page(), []
    page.goto(f"{littleshop.web}/operator/shops/{stall.shop_id}")
    if page.locator("form[action$=opening]").count():  # once for both languages: it lasts an hour
        wrong += looks_right(page)
        page.fill("input[name=reason]", "来电问打款")
        page.click("main button.go")
        page.wait_for_url(re.compile(f"/shops/{stall.shop_id}$"))
    expect(page.locator("main")).to_contain_text("139 **** 3003")
    wrong += looks_right(page)
    page.goto(f"{littleshop.web}/operator/disputes")
    page.click("main a.line-link")
    page.wait_for_url(lambda url: not url.endswith("/disputes"))
    wrong += looks_right(page)
    for path in (
        "", "/disputes", "/holds", "/differences", "/rails", "/jobs", "/look-up?q=@stall", "/runs",
        "/acts",
    ):  # fmt: skip
        page.goto(f"{littleshop.web}/operator{path}")
        wrong += looks_right(page)
    assert not wrong, "\n".join(wrong)

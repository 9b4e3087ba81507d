"""After paying, on screens: a photo is shown, a no is taken to the platform, money comes back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.flows.conftest import Device
from tests.flows.people import Ordered, Shopkeeper, Shopper, hidden, picture
from tests.flows.running import Running, until
from tests.flows.test_looks import looks_right


def shipped(littleshop: Running, stall: Shopkeeper, product: str, shopper: Shopper) -> Ordered:
    """Somebody bought, and it is on its way."""
    placed = shopper.buy("stall", product)
    number = littleshop.payment(placed.reference)["number"]
    where = f"{stall.root}/orders/{number}/parcels"
    stall.post(where, tracking_number=f"SF1408224{number:06d}", carrier="sf")
    return placed


def phone_of(shopper: Shopper, littleshop: Running, device: Device, **more: Any) -> Page:
    """The shopper's own phone: the cookies of the device that ordered."""
    page = device(**more).new_page()
    keep(page, shopper, littleshop)
    return page


def keep(page: Page, shopper: Shopper, littleshop: Running) -> None:
    for cookie in shopper.client.cookies.jar:
        known = {"name": cookie.name, "value": str(cookie.value), "url": littleshop.web}
        page.context.add_cookies([known])  # type: ignore[list-item]


def desk_of(stall: Shopkeeper, device: Device, **more: Any) -> Page:
    context = device(**more)
    context.add_cookies(stall.cookies)  # type: ignore[arg-type]
    return context.new_page()


def ask(page: Page, order: str, kind: str, reason: str) -> None:
    """From the order's page to the last step of asking."""
    page.goto(order)
    page.click("a[href$='/cases'] >> nth=0")
    page.click(f"a[href*='kind={kind}']")
    page.click(f"a[href*='reason={reason}']")


def test_a_request_with_a_photo_is_refused_and_goes_to_the_platform(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device, photo: Path
) -> None:
    shopper = Shopper(littleshop)
    placed = shipped(littleshop, stall, product, shopper)
    buyer = phone_of(shopper, littleshop, device)
    ask(buyer, f"{littleshop.web}/o/{placed.token}", "refund", "damaged")
    buyer.set_input_files("input[type=file]", str(photo))
    buyer.fill("textarea[name=words]", "盖子裂了")
    buyer.fill("input[name=amount]", "60")
    buyer.click("main button.go")
    buyer.wait_for_url(re.compile("/cases/1$"))
    expect(buyer.locator("main")).to_contain_text("不答复的话")
    expect(buyer.locator(".proofs img")).to_have_js_property("naturalWidth", 1200)
    seller = desk_of(stall, device)
    seller.goto(f"{littleshop.web}{stall.root}")
    seller.click(".todo[href*='/cases'], a.btn.go[href*='/cases']")
    seller.wait_for_url(re.compile("/cases"))
    if not re.search(r"/cases/\d+$", seller.url):
        seller.click("a.order-row >> nth=0")
    expect(seller.locator(".proofs img")).to_have_js_property("naturalWidth", 1200)
    seller.click("details:has(form[action$='/refusal']) > summary")
    seller.fill("#refuse-words", "发货时是好的")
    seller.click("form[action$='/refusal'] button")
    expect(seller.locator("main")).to_contain_text("没有同意")
    buyer.reload()
    expect(buyer.locator("main")).to_contain_text("发货时是好的")
    buyer.fill("form[action$='/escalation'] textarea", "照片在上面")
    buyer.click("form[action$='/escalation'] button")
    expect(buyer.locator("h1")).to_have_text("平台正在看")
    seller.reload()
    expect(seller.locator("main")).to_contain_text("照片在上面")
    [row] = littleshop.rows(
        "select c.status from cases c join payments p on p.shop_id = c.shop_id"
        " and p.order_id = c.order_id where p.reference = $1",
        placed.reference,
    )
    assert row["status"] == "disputed"


def test_without_scripts_goods_go_back_and_the_money_comes(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device, photo: Path
) -> None:
    shopper = Shopper(littleshop)
    placed = shipped(littleshop, stall, product, shopper)
    order = f"{littleshop.web}/o/{placed.token}"
    buyer = phone_of(shopper, littleshop, device, java_script_enabled=False)
    ask(buyer, order, "return", "not_as_described")
    buyer.set_input_files("input[type=file]", str(photo))
    buyer.click("main button.go")
    seller = desk_of(stall, device)
    number = littleshop.payment(placed.reference)["number"]
    seller.goto(f"{littleshop.web}{stall.root}/orders/{number}/cases/1")
    seller.fill("#where", "林小满 13900003003\n西湖边 3 号亭")
    seller.click("form[action$='/agreement'] button")
    expect(seller.locator("main")).to_contain_text("寄回来")
    buyer.reload()
    expect(buyer.locator("main")).to_contain_text("西湖边 3 号亭")
    buyer.fill("input[name=tracking_number]", "SF1408223100676")
    buyer.click("form[action$='/parcel'] button")
    expect(buyer.locator("h1")).to_contain_text("寄回")
    seller.reload()
    seller.check("input[name=to_shelf][value=yes]")
    seller.click("form[action$='/receipt'] button")
    until(lambda: littleshop.payment(placed.reference)["returned_minor"] == 168_00, 30)
    buyer.goto(f"{order}/cases/1")
    expect(buyer.locator("h1")).to_have_text("¥168.00 退给你了")
    trade = littleshop.trade(placed.reference)
    assert trade is not None
    assert [refund["amount_minor"] for refund in trade["refunds"]] == [168_00]
    seller.goto(f"{littleshop.web}{stall.root}/orders/{number}")
    expect(seller.locator("main")).to_contain_text("−¥168.00")


def asked(shopper: Shopper, placed: Ordered, kind: str, reason: str) -> str:
    """A request without a screen; its address."""
    order = f"/o/{placed.token}/cases"
    page = shopper.client.get(f"{order}?kind={kind}&reason={reason}")
    form = {"kind": kind, "reason": reason, "form_key": hidden(page, "form_key")}
    sent = shopper.client.post(
        order,
        data=form | {"amount": "60", "words": "一看就不对，" * 20},
        files=[("photos", ("a.jpg", picture(), "image/jpeg"))] * 3,
    )
    assert sent.status_code == 303, sent.text[-1500:]
    return str(sent.headers["location"])


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_every_page_of_a_request_fits_and_can_be_pressed(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device, locale: str
) -> None:
    shopper = Shopper(littleshop)
    buyer = phone_of(shopper, littleshop, device, locale=locale)
    seller = desk_of(stall, device, locale=locale)
    wrong: list[str] = []

    def look(page: Page, path: str) -> None:
        page.goto(littleshop.web + path)
        page.evaluate(
            "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
        )
        wrong.extend(looks_right(page))

    for kind, reason, answer in (
        ("return", "damaged", "agreement"),
        ("refund", "missing", "refusal"),
    ):
        placed = shipped(littleshop, stall, product, shopper)
        number = littleshop.payment(placed.reference)["number"]
        buyer.context.clear_cookies()
        keep(buyer, shopper, littleshop)
        for step in ("", "?kind=return", f"?kind={kind}&reason={reason}"):
            look(buyer, f"/o/{placed.token}/cases{step}")
        case, desk = asked(shopper, placed, kind, reason), f"{stall.root}/orders/{number}/cases/1"
        look(buyer, f"/o/{placed.token}")
        look(buyer, case)
        for path in (desk, f"{stall.root}/cases", f"{stall.root}/orders/{number}", stall.root):
            look(seller, path)
        stall.post(f"{desk}/{answer}", words="寄到杭州市西湖边 3 号亭")
        look(buyer, case)
        look(seller, desk)
    assert not wrong, "\n".join(wrong)

"""Every way to pay, as buyers walk it: on a phone, at a desk, inside WeChat, abroad."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.flows.conftest import DESK, PHONE, Device
from tests.flows.people import PHONE_AGENT, Shopkeeper
from tests.flows.running import Running
from tests.flows.steps import to_checkout

IN_WECHAT = PHONE | {"user_agent": f"{PHONE_AGENT} MicroMessenger/8.0.50 NetType/WIFI"}
CASHIER = {
    "wechat_pay": "/wechat/cashier/",
    "alipay": "/alipay/cashier/",
    "baidu_wallet": "/baidu/cashier/",
    "stripe": "/stripe/pay/",
}


def at_checkout(
    device: Device, littleshop: Running, kind: dict[str, Any], product: str, locale: str = "zh-CN"
) -> Page:
    """A browser of this kind with an address filled in."""
    page = device(kind, locale).new_page()
    to_checkout(page, f"{littleshop.web}/@stall", product)
    return page


def choose(page: Page, method: str) -> None:
    """Choose a way to pay and press the button."""
    page.locator(f"input[name=method][value={method}]").check(force=True)
    page.click("button.pay")


def pay_there(page: Page, method: str) -> None:
    """Press "pay" at the sandbox's cashier."""
    page.wait_for_url(re.compile(CASHIER[method]))
    page.click("button.go")


def is_packed(page: Page, littleshop: Running, says: str = "发货") -> None:
    """The order is paid, and its page came by itself."""
    page.wait_for_url(re.compile(re.escape(littleshop.web) + r"/o/[^/?]+$"))
    expect(page.locator("h1").first).to_contain_text(says)


def test_a_phone_pays_by_wechats_own_page(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device
) -> None:
    page = at_checkout(device, littleshop, PHONE, product)
    choose(page, "wechat_pay")
    pay_there(page, "wechat_pay")
    is_packed(page, littleshop)


def test_a_desk_shows_the_code_of_the_way_that_was_pressed_and_a_phone_pays_it(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device
) -> None:
    desk = at_checkout(device, littleshop, DESK, product)
    choose(desk, "alipay")
    expect(desk.locator("main")).to_contain_text("用手机上的支付宝扫一扫")
    desk.click("form:has([value=wechat_pay]) button")
    expect(desk.locator("main")).to_contain_text("用手机上的微信支付扫一扫")
    [row] = littleshop.rows(
        "select code_url from payments where gateway = 'wechat_pay' and method = 'qr'"
        " order by asked_at desc limit 1"
    )
    phone = device(IN_WECHAT).new_page()
    phone.goto(row["code_url"])
    pay_there(phone, "wechat_pay")
    is_packed(desk, littleshop)


def test_inside_wechat_the_page_calls_the_cashier_and_hears_how_it_ended(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device
) -> None:
    page = at_checkout(device, littleshop, IN_WECHAT, product)
    expect(page.locator("main")).to_contain_text("在浏览器打开")  # Alipay's way out
    page.click("button.pay")
    page.wait_for_url(re.compile(CASHIER["wechat_pay"]))
    page.locator("main form button").last.click()  # not now
    page.wait_for_url(re.compile(r"/payment\?way=wechat_pay$"))
    expect(page.locator("main")).to_contain_text("支付宝 微信里打不开")
    page.click("button.pay")
    pay_there(page, "wechat_pay")
    is_packed(page, littleshop)
    [row] = littleshop.rows(
        "select count(*) as attempts from payments where method = 'jsapi'"
        " and order_id = (select order_id from payments where method = 'jsapi'"
        "  order by asked_at desc limit 1)"
    )
    assert row["attempts"] == 1


def test_who_reads_english_pays_by_card(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device
) -> None:
    page = at_checkout(device, littleshop, PHONE, product, "en-GB")
    choose(page, "stripe")
    pay_there(page, "stripe")
    is_packed(page, littleshop, "to send it")


def test_a_desk_pays_on_baidus_own_page(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device
) -> None:
    page = at_checkout(device, littleshop, DESK, product)
    choose(page, "baidu_wallet")
    pay_there(page, "baidu_wallet")
    is_packed(page, littleshop)


def test_a_rail_switched_off_in_the_middle_is_said_and_another_one_pays(
    littleshop: Running, stall: Shopkeeper, product: str, device: Device
) -> None:
    page = at_checkout(device, littleshop, PHONE, product)
    switch = "insert into rail_switches (gateway, why, off_by, off_at)"
    littleshop.rows(f"{switch} values ('wechat_pay', 'down', 'ops', '2026-11-22T08:00Z')")
    try:
        choose(page, "wechat_pay")
        expect(page.locator("h1")).to_contain_text("微信支付这会儿没有答复")
        expect(page.locator("form:has([value=wechat_pay])")).to_have_count(0)
        page.click("form:has([value=alipay]) button")
        pay_there(page, "alipay")
        is_packed(page, littleshop)
    finally:
        littleshop.rows("delete from rail_switches")

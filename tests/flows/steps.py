"""What a person does on a screen, a step at a time."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.flows.running import Running

ADDRESS = "陈婉婷 13800002046 浙江省杭州市西湖区文三路 478 号 2 幢 301"
CARD = "6222020200112233446"


def enter_phone(page: Page, littleshop: Running, phone: str) -> None:
    """The phone and the code that comes to it."""
    page.fill("input[name=phone]", phone)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/code"))
    page.fill("input[name=code]", littleshop.code_for(phone))
    page.wait_for_url(lambda url: "/code" not in url)  # six digits are sent by themselves


def prove_identity(page: Page, card: str = CARD) -> None:
    """The name, the number, the card."""
    page.fill("input[name=legal_name]", "林小满")
    page.fill("input[name=id_number]", "11010519491231002X")
    page.check("input[name=consent]")
    page.keyboard.press("Enter")
    page.wait_for_selector("input[name=card_number]")
    page.fill("input[name=card_number]", card)
    page.keyboard.press("Enter")


def name_the_shop(page: Page, slug: str, name: str) -> None:
    """The shop's name and address."""
    page.wait_for_selector("input[name=name]")
    page.fill("input[name=name]", name)
    if not page.locator("input[name=slug]").is_visible():  # an address is proposed, and folded
        page.locator("details:has(input[name=slug]) > summary").click()
    page.fill("input[name=slug]", slug)
    page.click("main button.go")


def open_a_shop(page: Page, littleshop: Running, slug: str, phone: str, name: str) -> None:
    """Four steps from the front page: phone, identity, card, shop."""
    page.goto(littleshop.web)
    page.click("a.btn.go")
    enter_phone(page, littleshop, phone)
    prove_identity(page)
    name_the_shop(page, slug, name)
    page.wait_for_url(re.compile("/opened"))


def put_on_sale(page: Page, title: str, price: str, stock: str, photo: Path) -> None:
    """A product from one photo, on one screen; the page is somewhere in the back room."""
    page.goto(re.sub(r"(/console/\d+).*", r"\1/goods/new", page.url))
    page.set_input_files("input[type=file]", str(photo))
    page.fill("input[name=title]", title)
    page.fill("input[name=price]", price)
    page.fill("input[name=stock]", stock)
    page.click("main button.go")
    page.wait_for_url(re.compile(r"/goods(#|\?|$)"))


def to_checkout(page: Page, shop_url: str, product: str = "") -> None:
    """From the shop's page to a checkout of this product, or of its first one, with the address
    filled in."""
    page.goto(shop_url)
    page.click(f"main a[href*='/p/{product}']")
    page.click("button[value=checkout]")
    page.fill("[name=pasted]", ADDRESS)
    expect(page.locator("[name=street]")).not_to_have_value("")


def to_cashier(page: Page, shop_url: str, product: str = "") -> None:
    """From the shop's page to the rail's cashier."""
    to_checkout(page, shop_url, product)
    page.click("button.pay")
    page.wait_for_url(re.compile("/alipay/cashier"))


def buy(page: Page, littleshop: Running, slug: str) -> str:
    """From the shop's page to the sandbox's cashier and back; the order's token."""
    to_cashier(page, f"{littleshop.web}/@{slug}")
    page.click("button.go")
    page.wait_for_url(re.compile(re.escape(littleshop.web) + "/o/"))
    return token(page)


def token(page: Page) -> str:
    """The order's token in the page's address."""
    return page.url.split("/o/")[1].split("/")[0].split("?")[0]

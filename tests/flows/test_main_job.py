"""The main job: a stranger opens a shop on a phone, a friend buys, the seller is paid."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from tests.flows.conftest import Running

SELLER, BUYER = "13900001001", "13800002046"
ADDRESS = f"陈婉婷 {BUYER} 浙江省杭州市西湖区文三路 478 号 2 幢 301"
CARD = "6222020200112233446"


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bowl, as a phone would send it."""
    picture = Image.new("RGB", (1600, 1200), (120, 150, 140))
    ImageDraw.Draw(picture).ellipse((400, 200, 1200, 1000), fill=(240, 230, 210))
    written = io.BytesIO()
    picture.save(written, "JPEG")
    path = tmp_path_factory.mktemp("photos") / "bowl.jpg"
    path.write_bytes(written.getvalue())
    return path


def open_a_shop(page: Page, littleshop: Running, slug: str, phone: str, name: str) -> None:
    """Four steps from the front page: phone, identity, card, shop."""
    page.goto(littleshop.web)
    page.click("a.btn.go")
    page.fill("input[name=phone]", phone)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/code"))
    page.fill("input[name=code]", littleshop.code_for(f"+86{phone}"))
    page.keyboard.press("Enter")
    page.wait_for_selector("input[name=legal_name]")
    page.fill("input[name=legal_name]", "林小满")
    page.fill("input[name=id_number]", "11010519491231002X")
    page.check("input[name=consent]")
    page.keyboard.press("Enter")
    page.wait_for_selector("input[name=card_number]")
    page.fill("input[name=card_number]", CARD)
    page.keyboard.press("Enter")
    page.wait_for_selector("input[name=slug]")
    page.fill("input[name=name]", name)
    page.fill("input[name=slug]", slug)
    page.click("main button.go")
    page.wait_for_url(re.compile("/opened"))


def put_on_sale(page: Page, title: str, price: str, stock: str, photo: Path) -> None:
    """A product from one photo, on one screen."""
    page.goto(re.sub("/opened.*", "/goods/new", page.url))
    page.set_input_files("input[type=file]", str(photo))
    page.fill("input[name=title]", title)
    page.fill("input[name=price]", price)
    page.fill("input[name=stock]", stock)
    page.click("main button.go")
    page.wait_for_url(re.compile(r"/goods"))


def buy(page: Page, littleshop: Running, slug: str) -> str:
    """From the shop's page to the sandbox's cashier and back; the order's token."""
    page.goto(f"{littleshop.web}/@{slug}")
    page.click("main a[href*='/p/']")
    page.click("button[value=checkout]")
    page.fill("[name=pasted]", ADDRESS)
    expect(page.locator("[name=street]")).not_to_have_value("")
    page.click("button.pay")
    page.wait_for_url(re.compile("/alipay/cashier"))
    page.click("button")
    page.wait_for_url(re.compile(re.escape(littleshop.web) + "/o/"))
    return page.url.split("/o/")[1].split("/")[0].split("?")[0]


def test_a_shop_is_opened_stocked_bought_from_shipped_received_and_paid(
    littleshop: Running, seller: Page, buyer: Page, photo: Path
) -> None:
    open_a_shop(seller, littleshop, "xiaoman", SELLER, "小满茶器")
    console = re.sub("/opened.*", "", seller.url)
    put_on_sale(seller, "青灰釉盖碗", "168", "5", photo)

    token = buy(buyer, littleshop, "xiaoman")
    order = f"{littleshop.web}/o/{token}"
    expect(buyer.locator("h1").first).to_contain_text("打包", timeout=15_000)

    seller.goto(f"{console}/orders/1001")
    seller.fill("input[name=tracking_number]", "SF1408223100671")
    seller.locator("button.go").first.click()
    expect(seller.locator("main")).to_contain_text("SF14", timeout=10_000)

    buyer.goto(order)
    expect(buyer.locator("main")).to_contain_text("顺丰")
    buyer.locator("form[action$='/receipt'] button").click()
    expect(buyer.locator("h1").first).to_contain_text("小满茶器", timeout=10_000)
    assert littleshop.audit()["ok"]

    said = littleshop.command("clock", "--advance", "2d")
    assert said.returncode == 0, said.stderr
    settled = littleshop.command("settle", "--json")
    assert settled.returncode == 0, settled.stdout + settled.stderr
    assert "168" in settled.stdout or "16800" in settled.stdout
    audit = littleshop.audit()
    assert audit["ok"], audit


def test_a_friend_with_the_link_sees_and_cannot_act(
    littleshop: Running, seller: Page, buyer: Page
) -> None:
    token = buy(buyer, littleshop, "xiaoman")
    expect(buyer.locator("h1").first).to_contain_text("打包", timeout=15_000)
    friend = seller
    friend.goto(f"{littleshop.web}/o/{token}")
    expect(friend.locator("main")).not_to_contain_text("文三路")
    expect(friend.locator("main")).not_to_contain_text("2046")
    assert friend.locator("form[action$='/receipt'], form[action$='/reminder']").count() == 0
    answer = friend.request.post(
        f"{littleshop.web}/o/{token}/cancellation", headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status == 409


def test_everything_is_killed_in_the_middle_and_comes_back(
    littleshop: Running, buyer: Page
) -> None:
    page = buyer
    page.goto(f"{littleshop.web}/@xiaoman")
    page.click("main a[href*='/p/']")
    page.click("button[value=checkout]")
    page.fill("[name=pasted]", ADDRESS)
    expect(page.locator("[name=street]")).not_to_have_value("")
    page.click("button.pay")
    page.wait_for_url(re.compile("/alipay/cashier"))
    littleshop.kill("littleshop work")
    littleshop.kill("postgres")
    littleshop.kill("granian")
    cashier = page.url
    page.click("button", no_wait_after=True)
    littleshop.wait_ready()
    page.goto(cashier)  # the way back led to a shop that was not there: the cashier has it again
    page.click("a.go")
    expect(page.locator("h1").first).to_contain_text(re.compile("打包|已付"), timeout=30_000)
    assert littleshop.audit()["ok"]

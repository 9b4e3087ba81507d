"""People without a screen, quick: they press the same buttons over plain HTTP."""

from __future__ import annotations

import io
import re
import secrets
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from PIL import Image

from tests.flows.running import Running, until

PHONE_AGENT = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/131.0.0.0 Mobile Safari/537.36"
)
DESK_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
DELIVERY = {
    "recipient": "陈婉婷",
    "phone": "138 0000 2046",
    "province": "浙江省",
    "city": "杭州市",
    "district": "西湖区",
    "street": "文三路 478 号 2 幢 301",
    "delivery": "courier",
    "method": "alipay",
    "then": "place",
}


def hidden(page: httpx.Response, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', page.text)
    assert found is not None, f"no field {name} in {page.url}: {page.status_code}"
    return unescape(found[1])


def picture(width: int = 320, height: int = 240, green: int = 150) -> bytes:
    """A small photo."""
    kept = io.BytesIO()
    Image.new("RGB", (width, height), (120, green, 140)).save(kept, "JPEG")
    return kept.getvalue()


def browser(littleshop: Running, locale: str = "zh-CN", agent: str = PHONE_AGENT) -> httpx.Client:
    """What a browser sends, with cookies of its own; it follows nothing."""
    made = httpx.Client(
        base_url=littleshop.web,
        headers={
            "sec-fetch-site": "same-origin",
            "accept-language": locale,
            "user-agent": agent,
        },
        timeout=30,
        trust_env=False,
    )
    littleshop.browsers.append(made)
    return made


@dataclass
class Shopkeeper:
    """Somebody with a shop."""

    littleshop: Running
    phone: str
    slug: str
    client: httpx.Client
    shop_id: int

    @property
    def root(self) -> str:
        return f"/console/{self.shop_id}"

    @property
    def cookies(self) -> list[dict[str, Any]]:
        """The session, for a real browser to go on with."""
        return [
            {"name": cookie.name, "value": cookie.value, "url": self.littleshop.web}
            for cookie in self.client.cookies.jar
        ]

    def post(self, path: str, **data: str) -> httpx.Response:
        """Send a form and be led on; a refusal fails the flow."""
        answer = self.client.post(path, data=data)
        assert answer.status_code == 303, f"{path}: {answer.status_code} {answer.text[-1500:]}"
        return answer

    def put_on_sale(self, title: str, price: str = "168.00", stock: int = 50) -> str:
        """A product from one photo; its id."""
        page = self.client.get(f"{self.root}/goods/new")
        answer = self.client.post(
            f"{self.root}/goods/new",
            data={
                "form_key": hidden(page, "form_key"),
                "title": title,
                "price": price,
                "stock": str(stock),
                "then": "sale",
            },
            files={"photos": ("photo.jpg", picture(), "image/jpeg")},
        )
        assert answer.status_code == 303, answer.text[-1500:]
        shelf = self.client.get(f"{self.root}/goods").text
        rows = re.split(r'id="p-(?=[0-9a-f-]{36}")', shelf)[1:]
        return next(row[:36] for row in rows if title in row)

    def register(
        self, card: str, name: str = "林小满", id_number: str = "11010519491231002X"
    ) -> None:
        """Identity and card, the steps that the quick way in leaves for later."""
        shop = str(self.shop_id)
        self.post(
            "/open/identity",
            shop=shop,
            legal_name=name,
            document="resident",
            id_number=id_number,
            consent="yes",
        )
        self.post(
            "/open/card",
            shop=shop,
            card_number=card,
            reserved_phone=self.phone,
            confirm_number="yes",
        )


def open_shop(littleshop: Running, slug: str, phone: str, name: str) -> Shopkeeper:
    """Open a shop on the path that asks least."""
    client = browser(littleshop)
    client.get("/open")
    client.post("/open/phone", data={"phone": phone})
    code = littleshop.code_for(phone)
    answer = client.post("/open/phone/code", data={"code": code})
    assert answer.status_code == 303, answer.text[-1500:]
    answer = client.post("/open/shop", data={"name": name, "slug": slug})
    assert answer.status_code == 303, answer.text[-1500:]
    shop_id = int(answer.headers["location"].split("/")[2])
    return Shopkeeper(littleshop, phone, slug, client, shop_id)


@dataclass
class Ordered:
    """An order that waits for its money; `gateway` is where the rail would take it."""

    token: str
    reference: str
    gateway: str


@dataclass
class Shopper:
    """Somebody who buys."""

    littleshop: Running
    agent: str = PHONE_AGENT
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = browser(self.littleshop, agent=self.agent)

    def to_checkout(self, slug: str, product: str, pieces: int = 1) -> dict[str, str]:
        """Put it in the basket; the checkout's form, filled in."""
        answer = self.client.post(
            f"/@{slug}/basket/items",
            data={"product": product, "quantity": str(pieces), "then": "checkout"},
        )
        assert answer.status_code == 303, answer.text[-1500:]
        page = self.client.get(answer.headers["location"])
        names = ("key", "items", "cart", "total", "said")
        return {name: hidden(page, name) for name in names} | DELIVERY

    def press(self, slug: str, form: dict[str, str]) -> httpx.Response:
        """Press "pay"."""
        return self.client.post(f"/@{slug}/checkout", data=form)

    def order(self, slug: str, product: str, pieces: int = 1, **changes: str) -> Ordered:
        """Place an order and stand before the rail."""
        form = self.to_checkout(slug, product, pieces) | changes
        form["phone"] = changes.get("phone", f"139{secrets.randbelow(10**8):08}")
        sent = self.press(slug, form)
        assert sent.status_code == 303, f"{sent.status_code} {sent.text[-1500:]}"
        return ordered(sent.headers["location"])

    def open_cashier(self, placed: Ordered) -> str:
        """Follow the rail's address; the cashier's own."""
        answer = httpx.get(placed.gateway, follow_redirects=True, trust_env=False)
        assert "/alipay/cashier/" in str(answer.url), answer.text[-1500:]
        return str(answer.url)

    def pay(self, placed: Ordered) -> httpx.Response:
        """Press "pay" at the cashier."""
        return httpx.post(f"{self.open_cashier(placed)}/pay", trust_env=False)

    def come_back(self, placed: Ordered) -> httpx.Response:
        """Come back from the rail, as its page sends us: we ask the rail then."""
        return self.client.get(f"/o/{placed.token}/payment?returned=1")

    def buy(self, slug: str, product: str, pieces: int = 1, **changes: str) -> Ordered:
        """Order and pay; returns when the shop knows of the money."""
        placed = self.order(slug, product, pieces, **changes)
        self.pay(placed)
        littleshop = self.littleshop
        until(lambda: littleshop.payment(placed.reference)["status"] == "paid", 20)
        return placed


def ordered(location: str) -> Ordered:
    """The order in the rail's signed address."""
    asked = parse_qs(urlsplit(location).query)
    assert "biz_content" in asked, location
    reference = re.search(r'"out_trade_no":\s*"([0-9A-Z]{20})"', asked["biz_content"][0])
    token = re.search(r"/o/([^/?]+)", asked["return_url"][0])
    assert reference is not None and token is not None
    return Ordered(token[1], reference[1], location)

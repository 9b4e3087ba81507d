"""The storefront's pages: both languages, no script needed, nothing the content policy forbids."""

from __future__ import annotations

import gzip
import json
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from littleshop.i18n import t
from littleshop.web import assets, pages
from littleshop.web.drawing import People
from tests.cast import CNY
from tests.web import storefront_samples as kept

PAGES = [sample for sample in kept.samples() if sample[1] != "mine"]
both = pytest.mark.parametrize("locale", ["en", "zh-CN"])
every = pytest.mark.parametrize(
    ("name", "template", "context"), PAGES, ids=[each[0] for each in PAGES]
)


def drawn(template: str, context: dict[str, Any], locale: str = "en", **wish: Any) -> str:
    """A storefront page as text."""
    return pages.render(locale, f"storefront/{template}.html", **wish, **context)


@both
@every
def test_a_page_is_drawn_without_anything_the_content_policy_forbids(
    name: str, template: str, context: dict[str, Any], locale: str
) -> None:
    html = drawn(template, context, locale)
    assert " style=" not in html and "<style" not in html and " onclick" not in html
    for script in re.findall(r"<script\b[^>]*>", html):
        assert " src=" in script or "json" in script
    assert html.count("<h1") == 1
    assert f'<html lang="{locale}">' in html
    for image in re.findall(r"<img\b[^>]*>", html):
        assert " alt=" in image


@both
@every
def test_no_key_of_a_text_shows_on_a_page(
    name: str, template: str, context: dict[str, Any], locale: str
) -> None:
    assert not re.search(
        r"\b(storefront|words)\.[a-z]", re.sub(r"/static/\S+", "", drawn(template, context, locale))
    )


def test_a_product_page_weighs_little() -> None:
    html = gzip.compress(drawn("product", kept.product()).encode(), 6)
    files = ("storefront.css", "js/storefront.js", "icons/lucide.svg")
    weights = [len(assets.load(name).gzipped or b"") for name in files]
    assert weights[0] <= 10 * 1024
    assert len(html) + sum(weights) <= 40 * 1024


def test_a_shared_page_holds_no_stock_number() -> None:
    assert "还有" not in drawn("product", kept.product(), "zh-CN")
    assert " left<" not in drawn("shop", kept.shop())


def test_a_product_name_with_marks_stays_a_name() -> None:
    evil = kept.thing(**(vars(kept.GAIWAN) | {"title": "</script><img src=x onerror=alert(1)>🍵"}))
    html = drawn("product", kept.product(product=evil))
    assert "<img src=x" not in html
    facts = json.loads(html.split('ld+json">')[1].split("</script>")[0])
    assert facts["name"] == evil.title
    assert facts["offers"]["price"] == "168.00"


def test_variants_can_be_chosen_without_a_script() -> None:
    html = drawn("product", kept.product())
    assert re.search(r'<input[^>]*type="radio" name="option_0" value="青灰" checked', html)
    assert re.search(r'<input[^>]*name="option_0" value="茶末" disabled', html)
    assert html.count('form="buy" name="then"') == 2


def test_direct_settlement_is_said_before_paying() -> None:
    direct = kept.thing(**(vars(kept.ADA) | {"direct": True}))
    assert "goes to Ada at once" in drawn("product", kept.product(shop=direct))
    assert "goes to Ada at once" in drawn("checkout", kept.checkout(shop=direct))


def test_a_way_to_pay_that_this_app_cannot_go_stands_in_the_way_out_alone() -> None:
    here = kept.checkout()["methods"][0]
    outside = kept.thing(**(vars(here) | {"way": "outside", "chosen": False}))
    wechat = kept.thing(**(vars(here) | {"name": "微信支付", "code": "wechat_pay"}))
    html = drawn("checkout", kept.checkout(methods=[wechat, outside]), "zh-CN")
    rows = re.findall(r'<span class="ti">([^<]*)</span>', html)
    assert "微信支付" in rows and "支付宝" not in rows
    assert re.search(r"<summary[^>]*><span[^>]*>想用支付宝：到浏览器里付", html)


def test_what_a_way_to_send_costs_comes_with_the_sums_of_the_place() -> None:
    for facts, told in (
        ({"asks": True}, "by region"),
        ({"fee": CNY("8.00")}, "¥8.00"),
        ({"fee": CNY("0.00")}, "Free postage"),
    ):
        courier, by_hand = kept.checkout()["deliveries"]
        ways = [kept.thing(**(vars(courier) | facts)), by_hand]
        piece = drawn("checkout", kept.checkout(deliveries=ways), fragment="sums")
        assert f'data-fee value="courier">{told}</data>' in piece


def test_a_wrong_field_is_tied_to_its_sentence() -> None:
    html = drawn("checkout", kept.checkout())
    assert re.search(r'<input id="phone"[^>]*aria-describedby="phone-problem"', html)
    assert 'id="phone-problem" role="alert">少一位' in html
    assert re.findall(r'<input id="(\w+)"[^>]* autofocus', html) == ["phone"]  # opens there


def test_the_sums_of_a_checkout_can_be_had_alone() -> None:
    piece = drawn("checkout", kept.checkout(), fragment="sums")
    assert "<html" not in piece and 'name="total" value="25080"' in piece


def test_the_status_of_an_order_can_be_had_alone() -> None:
    piece = drawn("order", kept.order("to_ship", "ship", ("remind",)), fragment="status")
    assert "<html" not in piece and "Waiting for Ada to send it" in piece


def test_a_friend_with_the_link_sees_the_order_but_no_button_and_no_address() -> None:
    html = drawn("order", kept.order("delivered", "confirm", address=None, verify=True))
    assert "<form" not in html and "Wensan Road" not in html
    assert "send a code to my phone" in html


@both
@pytest.mark.parametrize("state", ["placed", "to_ship", "shipped", "delivered", "received"])
@pytest.mark.parametrize("handover", ["courier", "by_hand"])
def test_every_state_of_an_order_has_its_words(state: str, handover: str, locale: str) -> None:
    for may in ((), ("pay", "confirm", "show_code")):
        drawn("order", kept.order(state, None, may, handover=handover), locale)


def test_the_stepper_says_by_when_the_next_step_is_due() -> None:
    html = drawn("order", kept.order("delivered", "confirm", ("confirm",)))
    assert "by tomorrow<br>16:05" in html


def test_an_asset_is_found_only_under_the_static_folder() -> None:
    for name in ("../config.py", "css/../../config.py", "nothing.css", "css"):
        with pytest.raises(assets.NoSuchAsset):
            assets.load(name)


def test_the_address_of_an_asset_changes_with_its_content() -> None:
    assert re.fullmatch(r"/static/storefront\.css\?v=[0-9a-f]{10}", assets.static("storefront.css"))


@both
def test_a_shop_on_a_break_has_nothing_to_buy_with(locale: str) -> None:
    context = kept.product()
    context["shop"] = type(context["shop"])(**(vars(context["shop"]) | {"paused": "On a break."}))
    html = drawn("product", context, locale)
    assert 'form="buy"' not in html and "On a break." in html
    assert "OutOfStock" in html


def test_an_order_whose_payout_arrived_says_so_with_a_tick_and_no_promise() -> None:
    context = kept.order("received")
    context["order"].arrived_on = (context["now"] - timedelta(days=1)).date()
    html = drawn("order", context, fragment="status")
    assert "Ada has been paid" in html and "being paid" not in html
    row = html[html.rindex('<li class="done"') :]
    assert "Ada was paid" in row and "yesterday" in row and "by yesterday" not in html


@both
def test_the_step_paid_says_where_the_money_is_by_now(locale: str) -> None:
    """Held, the seller's, with him, on its way back or back; never two at once."""
    told = {name: t(locale, f"storefront.step.paid.{name}_note", seller="Ada")
            for name in ("owed", "paid_out", "going_back", "back", "shops")}  # fmt: skip
    held = t(locale, "storefront.step.paid.done_note", seller="Ada", holds="").strip()

    def shown(state: str, **facts: object) -> set[str]:
        context = kept.order(state)
        vars(context["order"]).update(facts, paid_at=context["now"], ended_at=context["now"])
        html = unescape(drawn("order", context, locale, fragment="status"))
        found = {name for name, said in told.items() if f">{said}<" in html}
        return found | ({"held"} if held in html else set())

    arrived = (kept.order("received")["now"] - timedelta(days=1)).date()
    assert shown("to_ship") == shown("shipped") == {"held"}
    assert shown("received") == {"owed"}
    assert shown("received", arrived_on=arrived) == {"paid_out"}
    assert shown("received", people=People(shipper="Kiln")) == {"shops"}
    assert shown("refunded", is_back=False) == {"going_back"}
    assert shown("refunded") == {"back"}


def test_a_payout_whose_hour_has_passed_unheard_is_not_promised_for_a_day_that_is_over() -> None:
    html = drawn("order", kept.order("received", "on_way"), fragment="status")
    assert "bank is taking in" in html and "by yesterday" not in html

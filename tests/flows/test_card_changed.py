"""The owner changes the card on her phone; whoever gets the word stops the payouts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from littleshop import i18n
from tests.flows.conftest import PHONE, Device, Faults
from tests.flows.people import Shopkeeper, open_shop
from tests.flows.running import Running, until
from tests.flows.steps import CARD
from tests.flows.test_looks import looks_right

ID, NEW_CARD, NEW_PHONE = "11010519491231002X", "6222021502003456781", "13900009009"


def status(keeper: Shopkeeper) -> str:
    """What became of the change."""
    rows = keeper.littleshop.rows(
        "select status from card_changes where shop_id = $1", keeper.shop_id
    )
    return str(rows[0]["status"]) if rows else ""


def type_the_code(page: Page, keeper: Shopkeeper) -> None:
    """Have a code sent and type it."""
    before = len(keeper.littleshop.inbox(keeper.phone))
    page.click("main button.go")
    page.wait_for_url(re.compile("/card/code"))
    until(lambda: len(keeper.littleshop.inbox(keeper.phone)) > before)
    page.fill("input[name=code]", keeper.littleshop.code_for(keeper.phone))
    page.wait_for_url(re.compile("/card/new"))


@pytest.mark.parametrize(("locale", "phone"), [("zh-CN", "13900009001"), ("en-GB", "13900009002")])
def test_a_change_of_card_is_told_waits_and_can_be_stopped_by_whoever_gets_the_word(
    littleshop: Running, device: Device, faults: Faults, locale: str, phone: str
) -> None:
    spoken = locale[:2].replace("zh", "zh-CN")
    keeper = open_shop(littleshop, f"cards-{phone[-1]}", phone, "换卡小店")
    keeper.register(CARD)
    verified = "select from cards where shop_id = $1 and verdict = 'matched'"
    until(lambda: littleshop.rows(verified, keeper.shop_id))
    context = device(PHONE, locale)
    context.add_cookies(keeper.cookies)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{littleshop.web}{keeper.root}/settings")
    page.click(f"a[href='{keeper.root}/card']")
    page.wait_for_url(re.compile("/card$"))
    wrong = looks_right(page)
    type_the_code(page, keeper)
    wrong += looks_right(page)
    page.fill("input[name=id_number]", "360203199205031218")
    page.fill("input[name=card_number]", NEW_CARD)
    page.fill("input[name=reserved_phone]", NEW_PHONE)
    page.keyboard.press("Enter")
    expect(page.locator("#e-id_number")).to_be_visible()
    faults.expect("422")
    page.fill("input[name=id_number]", ID)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/card$"))
    until(lambda: status(keeper) == "done")
    page.reload()
    expect(page.locator(".step .said")).to_contain_text("6781")
    wrong += looks_right(page)
    page.goto(f"{littleshop.web}{keeper.root}/money")
    expect(page.locator("main")).to_contain_text(i18n.t(spoken, "entry.hold.look"))
    until(lambda: littleshop.inbox(NEW_PHONE))
    [link] = re.findall(r"http\S+/not-me/\S+", littleshop.inbox(NEW_PHONE)[0]["text"])
    stranger = device(PHONE, locale).new_page()  # a phone on which nobody is signed in
    stranger.goto(link)
    wrong += looks_right(stranger)
    stranger.click("main button.go")
    expect(stranger.locator("main")).to_contain_text(i18n.t(spoken, "card.not_me.stopped"))
    page.reload()
    expect(page.locator("main")).to_contain_text(i18n.t(spoken, "entry.hold.not_me"))
    wrong += looks_right(page)
    assert not wrong, "\n".join(wrong)

"""The rails as buyers meet them, and each rail's own books in one form."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from tests.flows.people import DELIVERY, DESK_AGENT, PHONE_AGENT, Shopper, hidden
from tests.simulation.town import Gone, Town

RAILS = ("alipay", "wechat_pay", "stripe", "baidu_wallet")
TWICE = ("alipay", "wechat_pay")  # as many buyers have these as the others together
WITH_CODES = ("alipay", "wechat_pay")  # at a desk they show a code
BAD_CARD = "pm_card_chargeDeclined"
Sums = dict[str, int]  # minor units by our reference


class Deck:
    """Cards in a shuffled order in which each has its share, however few are drawn."""

    def __init__(self, chance: random.Random, cards: Sequence[str]) -> None:
        self.chance = chance
        self.cards = cards
        self.left: list[str] = []

    def draw(self) -> str:
        if not self.left:
            self.left = self.chance.sample(self.cards, len(self.cards))
        return self.left.pop()


def shares(rails: Sequence[str]) -> list[str]:
    """A deck of rails."""
    return [rail for rail in rails for _ in range(2 if rail in TWICE else 1)]


@dataclass(frozen=True)
class Cashier:
    """A buyer before a rail's page; `page` is None where the rail gave none."""

    rail: str
    shopper: Shopper
    token: str
    reference: str
    page: str | None


class Browsers:
    """Whoever buys: on a phone, abroad, at a desk; and the browser they go to the rail with."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.phone = Shopper(town.littleshop, PHONE_AGENT)
        self.desk = Shopper(town.littleshop, DESK_AGENT)
        self.abroad = Shopper(town.littleshop, PHONE_AGENT)
        self.abroad.client.headers["accept-language"] = "en"
        self.outside = httpx.Client(
            headers={"referer": town.littleshop.web, "user-agent": PHONE_AGENT},
            trust_env=False,
            follow_redirects=True,
            timeout=30,
        )
        town.littleshop.browsers.append(self.outside)

    def of(self, rail: str, *, desk: bool = False) -> Shopper:
        """Who pays over this rail."""
        if rail == "stripe":
            return self.abroad
        return self.desk if desk and rail in WITH_CODES else self.phone

    def order(
        self,
        rail: str,
        slug: str,
        product: str,
        pieces: int,
        *,
        phone: str,
        desk: bool,
        gift: bool = False,
        coupon: str = "",
        came_by: str = "",
    ) -> Cashier:
        """Place an order, perhaps as a gift or with a coupon, or come by a share's link, and go as
        far as the rail lets one. Raises Gone when it is sold out."""
        shopper = self.stranger(rail) if came_by else self.of(rail, desk=desk)
        if came_by:
            assert shopper.client.get(f"/s/{came_by}").status_code < 400
        said = {"method": rail, "phone": phone}
        for name, text in (("as", "gift" if gift else ""), ("coupon", coupon)):
            said |= {name: text} if text else {}
        return self._before(rail, shopper, self._place(shopper, slug, product, pieces, said))

    def _place(
        self, shopper: Shopper, slug: str, product: str, pieces: int, said: Mapping[str, str]
    ) -> str:
        """Fill in a checkout, look at its sum and press: where that leads. Raises Gone."""
        basket = {"product": product, "quantity": str(pieces), "then": "checkout"}
        if shopper.client.post(f"/@{slug}/basket/items", data=basket).status_code == 409:
            raise Gone("sold out")
        form = shopper.to_checkout(slug, product, pieces) | dict(said)
        if "coupon" in said:
            form["total"] = hidden(shopper.press(slug, form | {"then": "quote"}), "total")
        return _placed(shopper.press(slug, form))

    def stranger(self, rail: str) -> Shopper:
        """Somebody who was never here, with a device of his own."""
        made = Shopper(self.town.littleshop, PHONE_AGENT)
        if rail == "stripe":
            made.client.headers["accept-language"] = "en"
        return made

    def sit(self, rail: str, slug: str, only: str, team: str, *, phone: str) -> Cashier:
        """Order a seat of a team (`new`: of one's own), whose link one has read. Raises Gone."""
        shopper = self.stranger(rail)
        if team != "new":
            assert shopper.client.get(f"/t/{team}").status_code == 200
        asked = {"only": only, "team": team}
        form = _filled(shopper.client.get(f"/@{slug}/checkout", params=asked))
        form |= {"team": team, "method": rail, "phone": phone}
        return self._before(rail, shopper, _placed(shopper.press(slug, form)))

    def order_resold(self, rail: str, slug: str, only: str, *, phone: str) -> Cashier:
        """Order what a shop sells and another one ships. Raises Gone."""
        shopper, where = self.stranger(rail), f"/@{slug}/checkout/resold"
        form = _filled(shopper.client.get(where, params={"only": only}))
        sent = shopper.client.post(where, data=form | {"method": rail, "phone": phone})
        location = _placed(sent)
        if urlsplit(location).path == f"/@{slug}/basket":
            raise Gone("not sold any more")
        return self._before(rail, shopper, location)

    def take_up(self, rail: str, letter: str, *, phone: str) -> Cashier:
        """Read a seller's letter and take it up. Raises Gone."""
        shopper = self.stranger(rail)
        said = {"method": rail, "phone": phone}
        return self._before(rail, shopper, self._answer(shopper, letter, said))

    def pass_on(self, letter: str, *, phone: str) -> str:
        """Read a seller's letter and ask another to pay: the token of his link. Raises Gone."""
        shopper = self.stranger("")
        words = {"then": "pay_for_me", "from_name": "阿婷", "words": "帮我付一下。", "phone": phone}
        return self._asked(shopper, self._answer(shopper, letter, words))

    def _answer(self, shopper: Shopper, letter: str, said: Mapping[str, str]) -> str:
        where = f"/i/{letter}"
        assert shopper.client.get(where).status_code == 200
        form = _filled(shopper.client.get(f"{where}/checkout"))
        return _placed(shopper.client.post(f"{where}/checkout", data=form | dict(said)))

    def _asked(self, shopper: Shopper, order: str) -> str:
        """The token of the link for who pays, on the page of who asked."""
        found = re.search(r'data-link="[^"]+/o/([^"]+)"', shopper.client.get(order).text)
        assert found is not None, order
        return found[1]

    def ask(self, slug: str, product: str, pieces: int, *, phone: str, kind: str) -> str:
        """Ask others to pay a cart (kind pay_for_me or chip_in): the token of the link that they
        are sent. Raises Gone."""
        words = {"then": kind, "from_name": "阿婷", "words": "你说挑个暖和的。", "phone": phone}
        return self._asked(self.phone, self._place(self.phone, slug, product, pieces, words))

    def give(self, rail: str, token: str, amount: str) -> Cashier:
        """Somebody who has the link goes to pay: all of it, or `amount` of what friends share
        (minor units, or rest). Raises Gone when it is paid or over."""
        payer = Shopper(self.town.littleshop, PHONE_AGENT)
        told = {"method": rail, "amount": amount, "key": f"{rail} {amount}"}
        asked = payer.client.post(f"/o/{token}/payment", data=told)
        if asked.status_code == 409:
            raise Gone("somebody was quicker")
        assert asked.status_code == 303, f"{asked.status_code} {asked.text[-800:]}"
        if urlsplit(asked.headers["location"]).path == f"/o/{token}":
            raise Gone("not to be paid any more")
        return self._before(rail, payer, asked.headers["location"], token)

    def begin(self, rail: str, cashier: Cashier) -> Cashier:
        """Go to pay the order of another rail's cashier over this rail."""
        where = f"/o/{cashier.token}/payment"
        asked = cashier.shopper.client.post(where, data={"method": rail})
        assert asked.status_code == 303, f"{asked.status_code} {asked.text[-800:]}"
        return self._before(rail, cashier.shopper, asked.headers["location"], cashier.token)

    def _before(self, rail: str, shopper: Shopper, location: str, token: str = "") -> Cashier:
        """Where a redirect leads: to the rail, to our page with a code, or back to the order."""
        rows = self.town.read(
            "select /* all shops: a buyer's newest */ reference, code_url from payments"
            " where gateway = $1 order by asked_at desc limit 1",
            rail,
        )
        reference = str(rows[0]["reference"]) if rows else ""
        own = urlsplit(location).netloc in ("", urlsplit(self.town.littleshop.web).netloc)
        page: str | None = None if own else location
        if own and "failed" not in location and "/payment" in location and rows:
            page = rows[0]["code_url"]
        token = token or self._token(rail, location, reference)
        return Cashier(rail, shopper, token, reference, page)

    def _token(self, rail: str, location: str, reference: str) -> str:
        told = unquote(unquote(location))
        if rail == "stripe" and "/o/" not in told:
            answer = self.outside.get(self._control(rail, reference))
            told = answer.text if answer.status_code == 200 else ""
        found = re.search(r"/o/([^/?&\"]+)", told)
        assert found is not None, location
        return found[1]

    def _control(self, rail: str, reference: str, act: str = "") -> str:
        kind = "payments" if rail == "stripe" else "trades"
        return f"{self.town.littleshop.sandbox}/control/{rail}/{kind}/{reference}{act}"

    def pay(self, cashier: Cashier, card: str = "pm_card_visa") -> str:
        """Open the rail's page and press "pay"; where it leads back to, "" when nowhere."""
        assert cashier.page is not None
        shown = self.outside.get(cashier.page)
        if shown.status_code >= 400 or "/pay" not in shown.text:
            return ""  # the time to pay is over there
        here = f"{shown.url.copy_with(query=None, fragment=None)}/pay"
        answer = self.outside.post(here, data={"card": card}, follow_redirects=False)
        if answer.status_code not in (302, 303):
            return ""
        back = urljoin(here, answer.headers["location"])
        return back if back.startswith(self.town.littleshop.web) else ""

    def come_back(self, cashier: Cashier) -> None:
        """Back in the shop, whose page has the rail asked."""
        cashier.shopper.client.get(f"/o/{cashier.token}/payment?returned=1")

    def tell(self, rail: str, reference: str, act: str, **told: object) -> bool:
        """What a bank or the rail's own desk does; whether it could."""
        answer = self.outside.post(self._control(rail, reference, act), json=told)
        return answer.status_code == 200

    def unstick(self, refund_reference: str) -> bool:
        """WeChat's desk pays out a refund that got stuck."""
        where = f"/control/wechat_pay/refunds/{refund_reference}/unstick"
        return self.outside.post(self.town.littleshop.sandbox + where).status_code == 200


def _filled(page: httpx.Response) -> dict[str, str]:
    """The form of a checkout, filled in. Raises Gone when there is none any more."""
    if page.status_code in (303, 404, 409):
        raise Gone("nothing to buy")
    names = ("key", "items", "cart", "total", "said")
    return {name: hidden(page, name) for name in names} | DELIVERY


def _placed(sent: httpx.Response) -> str:
    """Where a checkout that was sent leads. Raises Gone when it says no."""
    if sent.status_code == 409:
        raise Gone("no longer as it was seen")
    assert sent.status_code == 303, f"{sent.status_code} {sent.text[-800:]}"
    return str(sent.headers["location"])


# --- what each rail's own books say


def _alipay(books: Mapping[str, Any]) -> tuple[Sums, Sums]:
    taken = {one["out_trade_no"]: one["total_minor"] for one in books["trades"] if one["paid_at"]}
    return taken, {one["out_request_no"]: one["amount_minor"] for one in books["refunds"]}


def _wechat_pay(books: Mapping[str, Any]) -> tuple[Sums, Sums]:
    taken = {one["out_trade_no"]: one["total_minor"] for one in books["trades"] if one["paid_at"]}
    done = [one for one in books["refunds"] if one["status"] == "SUCCESS"]
    return taken, {one["out_refund_no"]: one["amount_minor"] for one in done}


def _stripe(books: Mapping[str, Any]) -> tuple[Sums, Sums]:
    intents = {one["id"]: one for one in books["intents"] if one["status"] == "succeeded"}
    taken = {
        one["reference"]: intents[one["intent"]]["amount_minor"]
        for one in books["sessions"]
        if one["intent"] in intents
    }
    done = [one for one in books["refunds"] if one["status"] == "succeeded"]
    numbers = [json.loads(one["metadata"])["refund_reference"] for one in done]
    sums = [one["amount_minor"] for one in done]
    return taken, dict(zip(numbers, sums, strict=True))


def _baidu_wallet(books: Mapping[str, Any]) -> tuple[Sums, Sums]:
    taken = {one["order_no"]: one["total_minor"] for one in books["trades"] if one["paid_at"]}
    return taken, {one["sp_refund_no"]: one["amount_minor"] for one in books["refunds"]}


_BOOKS: dict[str, Callable[[Mapping[str, Any]], tuple[Sums, Sums]]] = {
    "alipay": _alipay,
    "wechat_pay": _wechat_pay,
    "stripe": _stripe,
    "baidu_wallet": _baidu_wallet,
}


def moved(books: Mapping[str, Any], rail: str) -> tuple[Sums, Sums]:
    """What a rail took and what it gave back, by our references."""
    return _BOOKS[rail](books[rail])


def disputes(books: Mapping[str, Any]) -> dict[str, tuple[int, str]]:
    """Sum and state of each chargeback at Stripe, by our reference of the payment."""
    named = {one["intent"]: one["reference"] for one in books["stripe"]["sessions"]}
    return {
        named[one["intent"]]: (one["amount_minor"], one["status"])
        for one in books["stripe"]["disputes"]
    }

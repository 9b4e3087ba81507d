"""Institutions that hold the buyers' money (psp_escrow): sellers whom they admit, what goes wrong
there, and at the end their pockets against our accounts."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from littleshop import db
from littleshop.entry import admitting
from littleshop.settlement import reconciling
from littleshop.shop import admissions
from tests.flows.people import Shopkeeper, picture
from tests.pay.gateways import pockets
from tests.simulation.town import Town

INSTITUTIONS = ("alipay", "wechat_pay")
PATIENCE = 60.0  # seconds of ours; it is asked about 20 seconds after it was asked for
REFUSING = {name: {"admission": {"refuse": 1}} for name in INSTITUTIONS}
# What a run in which money is held brings at least, on average for a day.
LEAST = {"releases": 0.3, "withdrawals": 0.1, "paid_by_itself": 0.1, "returned_shares": 0.03}
_Sums = dict[str, object]


def faults(chance: random.Random) -> dict[str, dict[str, Any]]:
    """What an institution does wrong on a day, beside what a rail does: shares that it closes, or
    of which it says for long that they are pending; payouts that fail or come back; sellers whom
    it takes its time with."""
    late = {"after_seconds": chance.choice((0, 0, 40, 7200))}
    return {
        "alipay": {
            "split": {"fail": chance.choice((0, 0, 1)), **late},
            "admission": {"confirm": chance.choice((0, 1)), "after_seconds": 600},
        },
        "wechat_pay": {
            "split": {"fail": chance.choice((0, 0, 1)), **late},
            "admission": {"refuse": chance.choice((0, 0, 1)), "after_seconds": 600},
            "withdraw": {
                "fail": chance.choice((0, 0, 1)),
                "refund": chance.choice((0, 0, 1)),
                "after_seconds": chance.choice((5, 5, 7200)),
            },
        },
    }


@dataclass
class Sellers:
    """What the sellers do to be admitted."""

    town: Town

    def act(self, share: float = 1.0) -> None:
        """Each shows his card, agrees, or asks again where he was refused; or leaves it lying."""
        for shop in self.town.shops:
            if self.town.chance.random() < share:
                self.town.over_http(lambda shop=shop: self._show(shop))  # type: ignore[misc]
                self._agree(shop.shop_id)
                self._ask_again(shop.shop_id)

    def are_admitted(self) -> None:
        """All there are, by both institutions, before the first day begins."""
        end = time.monotonic() + PATIENCE
        while self.town.read(
            "select /* all shops */ 1 from admissions where status <> 'admitted'"
        ) or (not open_shops(self.town)):
            assert time.monotonic() < end, self.town.read(
                "select /* all shops */ status, said from admissions"
            )
            self.act()
            time.sleep(1.0)

    def _show(self, shop: Shopkeeper) -> None:
        lacks = self.town.read(
            "select 1 from admissions where shop_id = $1 and lacks_id_card", shop.shop_id
        )
        if lacks:
            sides = {
                name: (f"{name}.jpg", picture(856, 540, green), "image/jpeg")
                for name, green in (("face", 100), ("emblem", 180))
            }
            answer = shop.client.post(f"{shop.root}/admission/photos", files=sides)
            assert answer.status_code == 303, answer.text[-800:]
            self.town.happened["id_cards_shown"] += 1

    def _agree(self, shop_id: int) -> None:
        for row in self.town.read(
            "select gateway, reference from admissions where shop_id = $1"
            " and status in ('asked', 'signing') and not lacks_id_card",
            shop_id,
        ):
            kind = "applyments" if row["gateway"] == "wechat_pay" else "sellers"
            where = f"control/{row['gateway']}/{kind}/{row['reference']}/sign"
            if self.town.tell(where):
                self.town.happened[f"signed {row['gateway']}"] += 1

    def _ask_again(self, shop_id: int) -> None:
        async def again(conn: db.Connection, at: datetime) -> int:
            latest = [await admissions.latest(conn, shop_id, name) for name in INSTITUTIONS]
            refused = [one.gateway for one in latest if one is not None and one.status == "refused"]
            return len(await admitting.again(conn, shop_id, refused, at))

        self.town.happened["asked_again"] += self.town.act(again)


def open_shops(town: Town) -> set[int]:
    """The shops that some institution has admitted."""
    rows = town.read(
        "select /* all shops: the whole town */ distinct shop_id from admissions"
        " where status = 'admitted'"
    )
    return {row["shop_id"] for row in rows}


# --- at the end


def counted(town: Town, books: Mapping[str, Any]) -> dict[str, int]:
    """What happened at the institutions, by their books and ours."""
    found: Counter[str] = Counter()
    for row in town.read(
        "select /* all shops: the whole town */ 'admission_' || status as what, count(*) as many"
        " from admissions group by status"
        " union all select 'releases', count(*) from releases where status = 'done'"
        " union all select 'shares', count(*) from releases where share_minor > 0"
        " union all select 'returned_shares', count(*) from refunds where returned_at is not null"
        " union all select 'advanced', count(*) from refunds where advanced_at is not null"
        " union all select 'paid_by_itself', count(*) from payouts where rail = 'alipay_settle'"
        " union all select 'refunds_paid_by_seller', count(*) from journals"
        "  where kind = 'paid_by_seller'"
        " union all select 'orders_invited', count(distinct order_id) from order_events"
        "  where kind = 'invited'"
        " union all select 'refunded_' || split_part(t.credit, ':', 1), count(*) from transfers t"
        "  join journals j on j.shop_id = t.shop_id and j.journal_id = t.journal_id"
        "  where j.kind = 'refunded' group by split_part(t.credit, ':', 1)"
    ):
        found[row["what"]] += row["many"]
    for one in books["wechat_pay"]["withdrawals"]:
        found["withdrawals"] += 1
        found[f"withdrawals_{one['status'].lower()}"] += 1
    return dict(sorted(found.items()))


def too_few(found: Mapping[str, int], days: int) -> list[str]:
    """Of what happened less than the least."""
    return [
        f"{name}: {found.get(name, 0)} of {least * days:.0f}"
        for name, least in LEAST.items()
        if found.get(name, 0) < int(least * days)
    ]


def ours(town: Town) -> _Sums:
    """What our books say lies at each institution for each seller."""
    paid_out = {
        row["shop_id"]: row["minor"]
        for row in town.read(
            "select /* all shops: the whole town */ shop_id, sum(minor)::bigint as minor from ("
            " select shop_id, amount_minor as minor from payouts"
            "  where rail = 'alipay_settle' and status = 'done'"
            " union all select t.shop_id, -t.amount_minor from transfers t join journals j"
            "  on j.shop_id = t.shop_id and j.journal_id = t.journal_id"
            "  where j.kind = 'paid_by_seller') as his_own group by shop_id"
        )
    }
    found: Counter[str] = Counter()
    for shop_id, gateway, merchant_id in merchants(town):
        for account in ("held_at", "withdrawable"):
            rows = town.read(
                "select coalesce(sum(debits_minor - credits_minor), 0)::bigint as minor"
                " from accounts where shop_id = $1 and account = $2 and currency = 'CNY'",
                shop_id,
                f"{account}:{gateway}",
            )
            found[f"{account} {gateway} {merchant_id}"] += rows[0]["minor"]
        if gateway == "alipay":  # it is his own account there: he has got it, by our books
            found[f"withdrawable {gateway} {merchant_id}"] += paid_out.get(shop_id, 0)
    return dict(found)


def theirs(town: Town, books: Mapping[str, Any]) -> _Sums:
    """The same by their own books. What they keep of frozen money is in `held_at` still."""
    found: _Sums = {}
    for _, gateway, merchant_id in merchants(town):
        frozen, free = pockets.frozen_and_free(books, gateway, merchant_id)
        frozen += _kept(books, gateway, merchant_id)
        found[f"held_at {gateway} {merchant_id}"] = frozen
        found[f"withdrawable {gateway} {merchant_id}"] = free
    return found


def own(town: Town) -> _Sums:
    """What our books say lies at the institutions for ourselves: in the clearings of all shops,
    less what their lumps brought to our bank and what they took for a loan."""
    [row] = town.read(
        "select /* all shops: their pockets know none */ coalesce(sum(debits_minor - credits_minor)"
        " filter (where account like 'gateway_clearing:%' or shop_id = 0 and account = 'suspense'),"
        " 0)::bigint as minor from accounts where currency = 'CNY'"
    )
    [before] = town.read(
        "select coalesce(sum(t.amount_minor), 0)::bigint as minor from transfers t join journals j"
        " on j.shop_id = t.shop_id and j.journal_id = t.journal_id"
        " where t.shop_id = 0 and j.kind = $1",
        reconciling.OPENING,
    )
    return {"both": row["minor"] + before["minor"]}


def own_there(town: Town, books: Mapping[str, Any]) -> _Sums:
    """The same by their own books. Alipay's shares stay in their pocket when they are sent on."""
    rails = json.loads((town.littleshop.home / "rails.json").read_text())
    basic = pockets.of_owner(books, "wechat_pay", rails["wechat_pay"]["mchid"])
    royalty = pockets.of_owner(books, "alipay", rails["alipay"]["seller_id"])
    sent = sum(one["amount_minor"] for one in books["bank"]["entries"] if one["kind"] == "alipay")
    return {"both": basic.get("basic", 0) + royalty.get("royalty", 0) - sent}


def merchants(town: Town) -> list[tuple[int, str, str]]:
    """Shop, institution and number of every seller who is or was admitted."""
    rows = town.read(
        "select /* all shops: the whole town */ distinct shop_id, gateway, merchant_id"
        " from admissions where merchant_id is not null order by shop_id, gateway"
    )
    return [(row["shop_id"], row["gateway"], row["merchant_id"]) for row in rows]


def _kept(books: Mapping[str, Any], gateway: str, merchant_id: str) -> int:
    if gateway == "wechat_pay":
        return sum(
            one["fee_minor"] - one["fee_back_minor"]
            for one in books["wechat_pay"]["trades"]
            if one["sub_mchid"] == merchant_id and one["paid_at"] and not one["finished_at"]
        )
    frozen = {
        one["trade_no"]
        for one in books["alipay"]["held"]
        if one["smid"] == merchant_id and one["frozen_until"]
    }
    return sum(one["fee_minor"] for one in books["alipay"]["trades"] if one["trade_no"] in frozen)


def withdrawn(town: Town) -> _Sums:
    """What we say was withdrawn to sellers' cards, and what came back of it."""
    rows = town.read(
        "select /* all shops: the whole town */ reference, amount_minor, status from payouts"
        " where rail = 'wechat_pay_withdraw' and status in ('done', 'returned')"
    )
    return {row["reference"]: (row["amount_minor"], row["status"]) for row in rows}


def withdrawn_there(books: Mapping[str, Any]) -> _Sums:
    """The same by WeChat's own books."""
    became = {"SUCCESS": "done", "REFUND": "returned"}
    return {
        one["out_request_no"]: (one["amount_minor"], became[one["status"]])
        for one in books["wechat_pay"]["withdrawals"]
        if one["status"] in became
    }


def advanced(town: Town) -> _Sums:
    """The refunds that our books say the platform has paid for a seller, at the rail."""
    rows = town.read(
        "select /* all shops: the whole town */ reference from refunds"
        " where done_at is not null and advanced_at is not null and done_by = 'rail'"
    )
    return {row["reference"]: True for row in rows}


def advanced_there(books: Mapping[str, Any]) -> _Sums:
    """The same by the institutions' books."""
    return {
        move["reference"]: True
        for name in INSTITUTIONS
        for move in books[name]["moves"]
        if move["kind"] == "advance"
    }


def returned(town: Town) -> _Sums:
    """What we say of our commission went back before a refund, by its number."""
    rows = town.read(
        "select /* all shops: the whole town */ return_reference, return_minor from refunds"
        " where returned_at is not null"
    )
    return {row["return_reference"]: row["return_minor"] for row in rows}


def returned_there(books: Mapping[str, Any]) -> _Sums:
    """The same by the institutions' books."""
    made = {one["out_return_no"]: one["amount_minor"] for one in books["wechat_pay"]["returns"]}
    return made | {
        one["out_request_no"]: one["amount_minor"]
        for one in books["alipay"]["splits"]
        if one["kind"] == "transfer_refund" and one["state"] == "SUCCESS"
    }

"""A demo's past: trades written in one go, and wires asked as of a moment that is over."""

import hashlib
import hmac
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from tests.sandbox.conftest import Program
from tests.sandbox.merchant import BEIJING, Merchant

NOON = datetime.combine(date.today() - timedelta(days=9), datetime.min.time(), BEIJING)
PAID_AT = NOON + timedelta(hours=12)


def stamp(at: datetime) -> str:
    """A moment as the sandbox writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.fixture
def merchant(sandbox: Program) -> Merchant:
    """A merchant of his own for each test: lumps are sums."""
    return Merchant(sandbox, f"past {sandbox.get('/control/clock')['now']}", "key")


def trade(number: str, refund: dict[str, Any] | None = None) -> dict[str, Any]:
    """A trade of nine days ago at noon."""
    return {
        "trade_no": f"2026{number}",
        "out_trade_no": number,
        "method": "alipay.trade.wap.pay",
        "subject": "小满茶器",
        "total_minor": 8800,
        "created_at": stamp(PAID_AT - timedelta(minutes=1)),
        "paid_at": stamp(PAID_AT),
        "refunds": [refund] if refund else [],
    }


def tell(merchant: Merchant, *trades: dict[str, Any]) -> Any:
    told = {"app_id": merchant.app["app_id"], "trades": list(trades)}
    return merchant.program.post("/control/alipay/history", told)


def statement(merchant: Merchant, day: date, at: datetime) -> Any:
    """The camt.053 of a day, asked at a moment; None when there is none."""
    text = f"date={day.isoformat()}"
    signature = hmac.new(merchant.account["key"].encode(), text.encode(), hashlib.sha256)
    headers = {
        "X-Bank-Account": merchant.account["account"],
        "X-Bank-Signature": signature.hexdigest(),
    }
    address = f"/at/{stamp(at)}/bank/camt.053?{text}"
    answer = merchant.program.client.get(address, headers=headers)
    return etree.fromstring(answer.content) if answer.status_code == 200 else None


def test_a_trade_of_the_past_is_there_and_can_be_refunded(merchant: Merchant) -> None:
    number = f"P{merchant.app['app_id']}"
    assert tell(merchant, trade(number))["written"] == 1
    known = merchant.call("alipay.trade.query", {"out_trade_no": number})
    assert (known["trade_status"], known["total_amount"]) == ("TRADE_SUCCESS", "88.00")
    assert merchant.refund(number, "88.00", "R1")["fund_change"] == "Y"
    told = merchant.program.get(f"/control/alipay/trades/{number}")
    assert told["status"] == "TRADE_CLOSED"


def test_telling_it_twice_changes_nothing(merchant: Merchant) -> None:
    number = f"P{merchant.app['app_id']}"
    back = {
        "out_request_no": "R1",
        "amount_minor": 8800,
        "reason": "not_shipped",
        "refunded_at": stamp(PAID_AT + timedelta(hours=1)),
    }
    assert tell(merchant, trade(number, back))["written"] == 2
    assert tell(merchant, trade(number, back))["written"] == 0
    told = merchant.program.get(f"/control/alipay/trades/{number}")
    assert (told["status"], told["refunded_minor"]) == ("TRADE_CLOSED", 8800)


def test_the_bank_booked_it_the_next_morning(merchant: Merchant) -> None:
    tell(merchant, trade(f"P{merchant.app['app_id']}"))
    morning = PAID_AT.date() + timedelta(days=1)
    seven = datetime.combine(morning, datetime.min.time(), BEIJING) + timedelta(hours=7)
    assert statement(merchant, morning, seven) is None  # that day is not over
    entries = list(statement(merchant, morning, seven + timedelta(days=1)).iter("{*}Ntry"))
    assert [entry.findtext("{*}Amt") for entry in entries] == ["88.00"]


@pytest.mark.parametrize(
    "change",
    [
        {"paid_at": stamp(datetime.now(UTC) + timedelta(days=1))},
        {"total_minor": 0},
        {"total_minor": "88.00"},
        {"out_trade_no": ""},
        {"created_at": "yesterday"},
    ],
)
def test_nonsense_writes_nothing(merchant: Merchant, change: dict[str, Any]) -> None:
    good, bad = trade(f"G{merchant.app['app_id']}"), trade(f"B{merchant.app['app_id']}")
    told = {"app_id": merchant.app["app_id"], "trades": [good, bad | change]}
    answer = merchant.program.client.post("/control/alipay/history", json=told)
    assert answer.status_code == 400
    found = merchant.program.client.get(f"/control/alipay/trades/G{merchant.app['app_id']}")
    assert found.status_code == 404


def test_no_moment_lies_ahead_of_now_and_none_is_guessed(sandbox: Program) -> None:
    ahead = stamp(datetime.now(UTC) + timedelta(days=300))
    assert sandbox.get(f"/at/{ahead}/control/clock")["now"] < ahead
    assert sandbox.client.get("/at/tomorrow/healthz").status_code == 404
    past = stamp(PAID_AT)
    assert sandbox.get(f"/at/{past}/control/clock")["now"] == past
    assert sandbox.get("/control/clock")["now"] > past


def test_another_site_may_not_write_a_past(sandbox: Program) -> None:
    for address in ("/control/alipay/history", f"/at/{stamp(PAID_AT)}/control/clock"):
        answer = sandbox.client.post(
            address, json={"offset_seconds": 60}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert answer.status_code == 403

"""However the rail tells us, money ends as "accepted with stock" or "refunded in full"."""

from __future__ import annotations

import pytest

from tests.flows.people import DESK_AGENT, Ordered, Shopkeeper, Shopper, ordered
from tests.flows.running import Running, until


@pytest.fixture
def shopper(littleshop: Running) -> Shopper:
    """Somebody who buys, without a screen."""
    return Shopper(littleshop)


def ends_accepted(littleshop: Running, placed: Ordered) -> None:
    """Both books agree: the shop has the money for good and owes the goods."""
    until(lambda: littleshop.payment(placed.reference)["outcome"] == "accepted", 20)
    ours, theirs = littleshop.payment(placed.reference), littleshop.trade(placed.reference)
    assert (ours["order_status"], ours["returned_minor"]) == ("to_ship", 0)
    assert theirs is not None
    assert (theirs["status"], theirs["total_minor"]) == ("TRADE_SUCCESS", ours["paid_minor"])
    assert theirs["refunded_minor"] == 0


def ends_returned(littleshop: Running, placed: Ordered) -> None:
    """Both books agree: the buyer has it all back."""

    def is_back() -> bool:
        ours = littleshop.payment(placed.reference)
        return bool(ours["outcome"] == "returned" and ours["returned_minor"] == ours["paid_minor"])

    until(is_back, 20)
    ours, theirs = littleshop.payment(placed.reference), littleshop.trade(placed.reference)
    assert theirs is not None and theirs["paid_at"]
    assert theirs["refunded_minor"] == theirs["total_minor"] == ours["paid_minor"]
    assert ours["order_status"] != "to_ship"


def attempts(littleshop: Running, reference: str) -> list[tuple[str, str | None]]:
    """Every send of this payment's notices: the twist and what we answered."""
    told = littleshop.control(f"alipay/trades/{reference}/notices")
    return [(each["twist"], each["answer"]) for one in told for each in one["attempts"]]


def heard(littleshop: Running, reference: str) -> set[str]:
    """The kinds of this payment's notices that we took in."""
    told = littleshop.control(f"alipay/trades/{reference}/notices")
    return {
        one["kind"] for one in told if any(each["answer"] == "success" for each in one["attempts"])
    }


def sent(littleshop: Running, reference: str) -> dict[str, list[str]]:
    """When the attempts began, by the kinds of notice that were sent at all."""
    told = littleshop.control(f"alipay/trades/{reference}/notices")
    return {
        one["kind"]: [each["at"] for each in one["attempts"]] for one in told if one["attempts"]
    }


def test_a_delayed_notice_is_waited_for_and_pays_the_order(
    littleshop: Running, stall: Shopkeeper, product: str, shopper: Shopper
) -> None:
    littleshop.control("faults", {"alipay": {"notify": {"delay_seconds": 600}}})
    placed = shopper.order("stall", product)
    shopper.pay(placed)
    assert littleshop.payment(placed.reference)["status"] == "asked"
    littleshop.advance("11m")
    ends_accepted(littleshop, placed)


def test_a_notice_that_comes_five_times_pays_once(
    littleshop: Running, stall: Shopkeeper, product: str, shopper: Shopper
) -> None:
    littleshop.control("faults", {"alipay": {"notify": {"copies": 5}}})
    placed = shopper.order("stall", product)
    shopper.pay(placed)
    ends_accepted(littleshop, placed)
    littleshop.control(f"alipay/trades/{placed.reference}/resend")
    until(lambda: attempts(littleshop, placed.reference) == [("", "success")] * 10)
    ends_accepted(littleshop, placed)


def test_a_lost_notice_is_made_up_for_when_the_buyer_comes_back(
    littleshop: Running, stall: Shopkeeper, product: str, shopper: Shopper
) -> None:
    littleshop.control("faults", {"alipay": {"notify": {"drop": True}}})
    placed = shopper.order("stall", product)
    shopper.pay(placed)
    assert littleshop.payment(placed.reference)["status"] == "asked"
    shopper.come_back(placed)
    ends_accepted(littleshop, placed)
    assert ("", "success") not in attempts(littleshop, placed.reference)


def test_lost_for_good_and_nobody_back_the_closing_finds_the_money_and_the_goods(
    littleshop: Running, stall: Shopkeeper, product: str, shopper: Shopper
) -> None:
    littleshop.control("faults", {"alipay": {"notify": {"drop": True}}})
    placed = shopper.order("stall", product)
    shopper.pay(placed)
    littleshop.advance("31m")
    ends_accepted(littleshop, placed)


def test_found_at_the_closing_with_the_goods_gone_all_of_it_goes_back(
    littleshop: Running, stall: Shopkeeper, shopper: Shopper
) -> None:
    last = stall.put_on_sale("孤品茶则", "66.00", 1)
    littleshop.control("faults", {"alipay": {"notify": {"delay_seconds": 2400}}})
    littleshop.control("faults", {"alipay": {"gateway": {"fail": True}}})
    placed = shopper.order("stall", last)
    shopper.pay(placed)
    littleshop.advance("31m")  # closed here; the rail answers nothing and has told nothing
    until(lambda: littleshop.payment(placed.reference)["order_status"] == "cancelled")
    other = Shopper(littleshop)
    littleshop.control("faults", {"alipay": {"notify": {"delay_seconds": 0}}})
    quicker = other.order("stall", last)
    other.pay(quicker)
    ends_accepted(littleshop, quicker)
    littleshop.control("faults/clear")
    littleshop.advance("15m")
    ends_returned(littleshop, placed)
    until(lambda: heard(littleshop, placed.reference) == {"pay", "refund"})


def test_a_forged_notice_moves_nothing_and_the_true_one_is_believed(
    littleshop: Running, stall: Shopkeeper, product: str, shopper: Shopper
) -> None:
    littleshop.control("faults", {"alipay": {"notify": {"forge": 1}}})
    placed = shopper.order("stall", product)
    shopper.pay(placed)
    until(lambda: attempts(littleshop, placed.reference) == [("forged", "fail")])
    assert littleshop.payment(placed.reference)["status"] == "asked"
    littleshop.advance("5m")  # the rail tells it again
    ends_accepted(littleshop, placed)


def test_a_notice_of_a_wrong_amount_is_asked_about_before_it_is_believed(
    littleshop: Running, stall: Shopkeeper, product: str, shopper: Shopper
) -> None:
    littleshop.control("faults", {"alipay": {"notify": {"amount": "0.01"}}})
    placed = shopper.order("stall", product)
    shopper.pay(placed)
    ends_accepted(littleshop, placed)


def test_a_refund_told_before_its_payment_confuses_nobody(
    littleshop: Running, stall: Shopkeeper, shopper: Shopper
) -> None:
    last = stall.put_on_sale("最后一只杯", "58.00", 1)
    littleshop.control("faults", {"alipay": {"notify": {"reorder": True}}})
    placed = shopper.order("stall", last)
    shopper.pay(placed)  # the payment's notice is held back until the refund's was sent
    littleshop.control("faults", {"alipay": {"gateway": {"fail": True}}})
    littleshop.advance("31m")
    until(lambda: littleshop.payment(placed.reference)["order_status"] == "cancelled")
    other = Shopper(littleshop)
    other.order("stall", last)  # the piece is somebody else's now
    littleshop.control("faults", {"alipay": {"gateway": {"fail": 0}}})
    littleshop.advance("5m")
    ends_returned(littleshop, placed)
    # A rail that got no answer yet tells it again when its time comes, and time was moved: how
    # often is its own affair. Both were heard, the refund first, and both once more change nothing.
    until(lambda: len(sent(littleshop, placed.reference)) == 2, 30)
    littleshop.control(f"alipay/trades/{placed.reference}/resend")
    until(lambda: heard(littleshop, placed.reference) == {"refund", "pay"}, 30)
    first = {kind: min(times) for kind, times in sent(littleshop, placed.reference).items()}
    assert first["refund"] < first["pay"]
    assert {answer for _, answer in attempts(littleshop, placed.reference)} <= {"success", None}
    ends_returned(littleshop, placed)


def test_whoever_pays_after_the_closing_is_refused_by_the_rail(
    littleshop: Running, stall: Shopkeeper, product: str, shopper: Shopper
) -> None:
    placed = shopper.order("stall", product)
    cashier = shopper.open_cashier(placed)
    littleshop.advance("31m")
    until(lambda: littleshop.payment(placed.reference)["status"] == "closed", 20)
    shopper.client.post(f"{cashier}/pay")
    theirs = littleshop.trade(placed.reference)
    assert theirs is not None and theirs["paid_at"] is None
    assert littleshop.payment(placed.reference)["order_status"] == "cancelled"
    page = shopper.client.get(f"/o/{placed.token}").text
    assert f'action="/o/{placed.token}/payment"' not in page


def test_paying_twice_at_the_desk_and_by_phone_keeps_one_and_returns_the_other(
    littleshop: Running, stall: Shopkeeper, product: str
) -> None:
    desk = Shopper(littleshop, agent=DESK_AGENT)
    sent = desk.press("stall", desk.to_checkout("stall", product))
    paying = sent.headers["location"].partition("?")[0]
    sent = desk.client.post(paying, data={"method": "alipay", "how": "page"})
    first = ordered(sent.headers["location"])
    [code] = littleshop.rows(
        "select q.reference from payments q join payments p using (shop_id, order_id)"
        " where p.reference = $1 and q.method = 'qr'",
        first.reference,
    )
    second = Ordered(first.token, code["reference"], "")
    desk.pay(first)
    ends_accepted(littleshop, first)
    littleshop.control(f"alipay/trades/{second.reference}/pay")
    until(lambda: littleshop.payment(second.reference)["outcome"] == "returned")
    until(lambda: littleshop.payment(second.reference)["returned_minor"] == 16800)
    theirs = littleshop.trade(second.reference)
    assert theirs is not None and theirs["refunded_minor"] == 16800
    ends_accepted(littleshop, first)

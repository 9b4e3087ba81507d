"""Postage: pure arithmetic by rate and region, one parcel, never below nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from littleshop.catalog import provinces, shipping_rates
from littleshop.catalog.shipping_rates import Rate, Rule
from littleshop.errors import Refused
from littleshop.pricing import postage
from littleshop.pricing.quotes import Agreed, Item, Quote, quote
from littleshop.trade import regions
from tests.cast import CNY
from tests.pricing.test_quotes import fact

ZHEJIANG, XINJIANG, SICHUAN = "33", "65", "51"
BY_PIECE = Rate(UUID(int=1), "杯子", "piece", (
    Rule(("31", "32", "33"), first_minor=0),
    Rule((XINJIANG, "54"), delivered=False),
    Rule(("15",), first_units=1, first_minor=2000, more_units=1, more_minor=1000),
    Rule(first_units=2, first_minor=800, more_units=1, more_minor=200, free_over_minor=99_00),
))  # fmt: skip
BY_WEIGHT = Rate(UUID(int=2), "茶饼", "weight", (
    Rule(first_units=1000, first_minor=1000, more_units=500, more_minor=300, free_pieces=10),
))  # fmt: skip


def sent(rate: Rate, price: int = 1000, **more: Any) -> Any:
    raw = {name: value for name, value in msgspec.to_builtins(rate).items() if name != "products"}
    return fact(price, rate=raw, **more)


def priced(*lines: tuple[Any, int], to: str, **more: Any) -> Quote:
    facts = {known.variant_id: known for known, _ in lines}
    return quote(facts, [Item(known.variant_id, many) for known, many in lines], "courier",
                 to=to, **more)  # fmt: skip


FEES = [
    (BY_PIECE, 1, ZHEJIANG, "0.00", "always_free"),
    (BY_PIECE, 2, SICHUAN, "8.00", "by_region"),
    (BY_PIECE, 4, SICHUAN, "12.00", "by_region"),
    (BY_PIECE, 10, SICHUAN, "0.00", "free_over"),
    (BY_PIECE, 3, "15", "40.00", "by_region"),
    (BY_PIECE, 3, provinces.ELSEWHERE, "10.00", "by_region"),
    (BY_PIECE, 1, provinces.UNKNOWN, "0.00", "from"),
    (BY_WEIGHT, 1, SICHUAN, "10.00", "by_region"),
    (BY_WEIGHT, 3, XINJIANG, "19.00", "by_region"),  # 2,100 g: 1,000 and three times 500 begun
    (BY_WEIGHT, 10, provinces.UNKNOWN, "0.00", "free_over"),
]


@pytest.mark.parametrize(("rate", "many", "to", "fee", "reason"), FEES)
def test_a_rate_counts_by_region(rate: Rate, many: int, to: str, fee: str, reason: str) -> None:
    made = priced((sent(rate, weight_grams=700), many), to=to)
    assert (made.shipping, made.lines[-1].reason) == (CNY(fee), reason)
    assert made.depends == (reason == "from")


def test_where_a_rate_sends_nothing_a_thing_is_refused_by_its_name() -> None:
    with pytest.raises(Refused) as no:
        priced((sent(BY_PIECE, title="杯"), 1), to=XINJIANG)
    assert (no.value.code, no.value.details) == ("not_delivered", {"title": "杯"})


def test_things_that_go_to_no_place_together_are_refused_before_any_is_named() -> None:
    here = Rate(UUID(int=3), "a", "order", (Rule(("33",)), Rule(delivered=False)))
    there = Rate(UUID(int=4), "b", "order", (Rule(("44",)), Rule(delivered=False)))
    for to in (provinces.UNKNOWN, provinces.ELSEWHERE):
        with pytest.raises(Refused) as no:
            priced((sent(here), 1), (sent(there), 1), to=to)
        assert no.value.code == "not_delivered_together"
    only = priced((sent(here), 1), to=provinces.ELSEWHERE)  # a gift: nobody knows where yet
    assert only.shipping == CNY("0.00")


def test_of_several_rates_the_dearest_first_fee_is_paid_once() -> None:
    made = priced((sent(BY_PIECE), 3), (sent(BY_WEIGHT, weight_grams=700), 1), to=SICHUAN)
    # the cake alone 10.00; three cups as further pieces 6.00
    assert made.shipping == CNY("16.00")


def test_a_privilege_frees_the_postage_and_a_price_between_two_holds_anywhere() -> None:
    given_ = {"id": str(uuid4()), "kind": "postage", "label": "老客人"}
    known = sent(BY_PIECE, offers={"privileges": [given_], "coupons": []})
    for to in (SICHUAN, provinces.UNKNOWN):
        made = priced((known, 2), to=to)
        assert (made.shipping, made.lines[-1].reason, made.depends) == (
            CNY("0.00"), "privilege", False)  # fmt: skip
    agreed = Agreed("invited", {known.variant_id: 900}, shipping=500)
    assert priced((known, 1), to=XINJIANG, agreed=agreed).shipping == CNY("5.00")


_MINOR = st.integers(0, 5000)
_UNITS = st.integers(1, 5)
_FREE = st.one_of(st.just((None, None)), st.tuples(st.integers(1, 20_000), st.none()),
                  st.tuples(st.none(), st.integers(1, 12)))  # fmt: skip


@st.composite
def rates(draw: st.DrawFn) -> Rate:
    codes = draw(st.lists(st.sampled_from(sorted(provinces.NAMES)), unique=True, max_size=6))
    cut = draw(st.integers(0, len(codes)))
    named = [part for part in (codes[:cut], codes[cut:]) if part]
    rules = []
    for regions_ in [*named, []]:
        over, pieces = draw(_FREE)
        rules.append(Rule(tuple(regions_), draw(st.booleans()) or not regions_, draw(_UNITS),
                          draw(_MINOR), draw(_UNITS), draw(_MINOR), over, pieces))  # fmt: skip
    rate = shipping_rates.check("x", draw(st.sampled_from(shipping_rates.MEASURES)), rules)
    return msgspec.structs.replace(rate, rate_id=draw(st.uuids()))


@given(
    st.lists(st.tuples(rates(), st.integers(1, 9), st.integers(1, 9000), st.integers(0, 9)),
             min_size=1, max_size=4),
    st.sampled_from([*sorted(provinces.NAMES), provinces.ELSEWHERE, provinces.UNKNOWN]),
)  # fmt: skip
def test_every_quote_adds_up_and_no_parcel_costs_less_than_nothing(
    wanted: list[tuple[Rate, int, int, int]], to: str
) -> None:
    lines = [(sent(rate, price, weight_grams=grams), many) for rate, many, price, grams in wanted]
    try:
        made = priced(*lines, to=to)
    except Refused as no:
        assert no.code == "not_delivered"
        return
    assert made.shipping.minor >= 0
    if to in provinces.NAMES:  # of nowhere in particular each may mean another place
        assert made.shipping.minor <= sum(priced(line, to=to).shipping.minor for line in lines)
    assert sum(line.amount.minor for line in made.lines) == made.total.minor
    assert made.goods.minor + made.shipping.minor == made.total.minor
    if to == provinces.UNKNOWN:  # what stood there at first is the least that anybody pays
        paid = []
        for code in provinces.NAMES:
            try:
                paid.append(priced(*lines, to=code).shipping.minor)
            except Refused:
                continue
        assert made.shipping.minor <= min(paid)
        assert made.depends or set(paid) == {made.shipping.minor}


def before(flat: int, over: int | None, goods: int) -> tuple[int, str]:
    """What a shop with one fee charged before there were templates."""
    if flat == 0:
        return 0, "always_free"
    if over is not None and goods >= over:
        return 0, "free_over"
    return flat, "flat"


@given(
    st.integers(0, 3000), st.one_of(st.none(), st.integers(1, 30_000)),
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9000)), min_size=1, max_size=4),
    st.sampled_from([*sorted(provinces.NAMES), provinces.ELSEWHERE, provinces.UNKNOWN]),
)  # fmt: skip
def test_a_shop_with_one_fee_charges_what_it_always_did(
    flat: int, over: int | None, wanted: list[tuple[int, int]], to: str
) -> None:
    lines = [(fact(price, flat=flat, free_over=over), many) for many, price in wanted]
    made = priced(*lines, to=to)
    line = made.lines[-1]
    expected = before(flat, over, made.goods.minor)
    assert (line.amount.minor, line.reason, made.depends) == (*expected, False)
    same = shipping_rates.flat(flat, over)  # and so does the same fee unfolded to a template
    own = msgspec.structs.replace(same, rate_id=uuid4())
    unfolded = [(sent(own, price), many) for many, price in wanted]
    assert priced(*unfolded, to=to).shipping == made.shipping


WRONG = [
    ("rate_name_empty", " ", "order", [Rule()]),
    ("rate_measure", "a", "ell", [Rule()]),
    ("rate_rules", "a", "order", []),
    ("rate_nowhere", "a", "order", [Rule(delivered=False)]),
    ("rate_regions", "a", "order", [Rule(("33",))]),
    ("rate_regions", "a", "order", [Rule(), Rule()]),
    ("rate_regions", "a", "order", [Rule(("99",)), Rule()]),
    ("rate_twice", "a", "order", [Rule(("33",)), Rule(("33",)), Rule()]),
    ("rate_fee", "a", "order", [Rule(first_minor=-1)]),
    ("rate_units", "a", "piece", [Rule(more_units=0)]),
    ("rate_free", "a", "order", [Rule(free_over_minor=1, free_pieces=1)]),
]


@pytest.mark.parametrize(("code", "name", "measure", "rules"), WRONG)
def test_a_template_that_makes_no_sense_is_refused(
    code: str, name: str, measure: str, rules: list[Rule]
) -> None:
    with pytest.raises(Refused) as no:
        shipping_rates.check(name, measure, rules)
    assert no.value.code == code


def test_the_provinces_are_those_of_the_pickers_table() -> None:
    table = Path(regions.__file__).parent.parent / "static" / "regions.json"
    assert {row[0]: row[1] for row in json.loads(table.read_text())} == provinces.NAMES
    assert postage.rate_of(fact(flat=5)).rules[-1].first_minor == 5

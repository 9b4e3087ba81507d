"""People behind one address of a carrier are let in, one device that goes on all day is not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import pytest

from littleshop import db
from littleshop.risk.limits import Meters

AT = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
NAT = "100.64.0.1"


OWN = [("wish", 20), ("report", 10), ("poster", 60), ("passcode", 30)]


@pytest.mark.parametrize("rule, own", OWN)
def test_a_device_is_stopped_where_its_neighbours_are_not(rule: str, own: int) -> None:
    meters = Meters(cast(db.Database, None))
    mine = [meters.spend(rule, (b"one device", NAT), AT) for _ in range(own + 1)]
    assert mine[:own] == [None] * own
    assert (stopped := mine[own]) is not None and stopped.of == "device"
    others = [meters.spend(rule, (b"%d" % each, NAT), AT) for each in range(400)]
    assert others == [None] * 400


@pytest.mark.parametrize("rule", ["wish", "report", "poster", "passcode"])
def test_who_throws_his_cookies_away_ends_at_what_his_address_has_for_new_devices(
    rule: str,
) -> None:
    meters = Meters(cast(db.Database, None))
    tries = [meters.spend(rule, (b"%d" % each, NAT), AT, fresh=NAT) for each in range(600)]
    let_in = sum(each is None for each in tries)
    assert 50 <= let_in <= 500  # a street of people who come for the first time; no flood
    assert meters.spend(rule, (b"known here", NAT), AT) is None

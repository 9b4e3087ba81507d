"""What a rail signs and the books cannot keep is refused, not answered with a fault for ever."""

from __future__ import annotations

import json
import time

import pytest

from littleshop import audit, db
from littleshop.clock import Clock
from littleshop.pay.gateways.stripe import open_rail
from tests.pay.gateways.test_stripe_calls import RAIL
from tests.pay.gateways.test_stripe_notices import SESSION, event, signed
from tests.web.client import World


@pytest.mark.parametrize("field", ["client_reference_id", "payment_intent"])
@pytest.mark.parametrize("sign", ["\0", "\ud800"])
async def test_a_signed_notice_that_cannot_be_kept_is_malformed(
    world: World, owner: db.Connection, field: str, sign: str
) -> None:
    world.house.rails = {"stripe": open_rail(RAIL, Clock())}
    body = event("checkout.session.completed", {**SESSION, field: f"R1{sign}"})
    assert json.loads(body)
    answer = await world.browser().post(
        "/callbacks/stripe", content=body, headers=signed(body, at=int(time.time()))
    )
    world.house.rails = {}
    assert answer.status_code == 400
    assert await owner.fetchval("select count(*) from notices") == 0
    assert await audit.prove(owner) == []

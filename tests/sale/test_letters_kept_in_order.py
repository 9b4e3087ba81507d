"""Letters that ask to be paid: reminders, and what the audit makes of them."""

from __future__ import annotations

import pytest

from littleshop import audit, db
from littleshop.errors import Refused
from littleshop.sale import inviting
from littleshop.sale.inviting import Own
from littleshop.trade import claims
from tests.cast import CNY, WANTING, Town
from tests.sale.test_inviting import acts, named, writes


async def test_reminders_are_two_and_need_a_phone(town: Town) -> None:
    phone = town.keyring.seal(WANTING.phone)
    sent = await writes(town, Own("定金", 5000), way="none", shipping_minor=0, phone_sealed=phone)
    for _ in range(2):
        await acts(town, inviting.remind, sent, locale="zh-CN")
    with pytest.raises(Refused, match="invitation_reminded"):
        await acts(town, inviting.remind, sent, locale="zh-CN")
    silent = await writes(town, Own("定金", 5000), way="none", shipping_minor=0)
    with pytest.raises(Refused, match="invitation_no_phone"):
        await acts(town, inviting.remind, silent, locale="zh-CN")


async def test_the_audit_sees_a_piece_that_is_kept_for_nobody(
    town: Town, owner: db.Connection
) -> None:
    bowl = await town.stock(pieces=2)
    await writes(town, await named(town, bowl, CNY("150.00")), keeps=True)
    await town.books_balance()
    await owner.execute("update invitations set holding = false")
    async with town.database.connection() as conn:
        (finding,) = await audit.prove(conn)
    assert (finding.rule, finding.subject) == ("held_is_open_orders", str(bowl.variant_id))


async def test_a_claim_is_the_letters_own(town: Town) -> None:
    sent = await writes(town, Own("定金", 5000), uses=2, way="none", shipping_minor=0)
    async with town.database.connection() as conn:
        assert (await claims.get(conn, town.shop_id, sent)).most == 2

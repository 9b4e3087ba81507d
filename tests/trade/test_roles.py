"""Who may see and do what with an order: role by kind by own device, and a stranger's link."""

from __future__ import annotations

from itertools import product

from littleshop.trade import roles

KINDS = ("checkout", "invitation", "pay_for_me", "gift", "chip_in", "team")
ROLES = ("chooser", "payer", "recipient")
EVERYTHING = {
    value for name, value in vars(roles).items() if name.isupper() and isinstance(value, str)
}


def test_a_forwarded_link_never_shows_an_address_or_a_parcel_and_acts_on_nothing_but_money() -> (
    None
):
    for kind, role in product(KINDS, ROLES):
        stranger = roles.rights(kind, role, own=False)
        assert stranger <= {roles.SEE_PRICE, roles.PAY, roles.CLAIM}, (kind, role)
        assert stranger <= roles.rights(kind, role, own=True), (kind, role)


def test_a_payer_pays_and_sees_the_sum_and_nothing_else() -> None:
    for kind in KINDS:
        assert roles.rights(kind, "payer", own=True) == {roles.SEE_PRICE, roles.PAY}


def test_a_giver_never_learns_where_it_goes_and_its_recipient_never_what_it_cost() -> None:
    giver = roles.rights("gift", "chooser", own=True)
    recipient = roles.rights("gift", "recipient", own=True)
    assert giver == {roles.SEE_PRICE, roles.PAY, roles.CALL_OFF, roles.TALK}
    assert recipient == (EVERYTHING - giver) | {roles.TALK}  # each in a conversation of his own
    assert roles.rights("gift", "recipient", own=False) == {roles.CLAIM}


def test_outside_a_gift_nobody_claims_and_the_chooser_may_do_all_the_rest() -> None:
    for kind in set(KINDS) - {"gift"}:
        assert roles.rights(kind, "chooser", own=True) == EVERYTHING - {roles.CLAIM}
        assert roles.rights(kind, "recipient", own=True) == frozenset()

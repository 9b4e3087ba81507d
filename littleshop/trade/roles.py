"""Roles: what each person of an order may see and do with his link (PRODUCT 1).

A link shows; the device that ordered, paid or claimed acts. Whoever has a link without being such
a device is a stranger: of what the role may, he keeps what a link alone gives.
"""

from __future__ import annotations

SEE_PRICE = "see_price"
SEE_ADDRESS = "see_address"
SEE_PARCEL = "see_parcel"
PAY = "pay"
CLAIM = "claim"  # say where a gift goes
CALL_OFF = "call_off"
REMIND = "remind"
RECEIVE = "receive"  # confirm the receipt, take more time for it
OPEN = "open"  # see the text, file or codes that were bought
FETCH = "fetch"  # show the code with which it is handed over
ASK_BACK = "ask_back"  # after-sales
TALK = "talk"  # with the seller, each in a conversation of his own; a payer has none of the order

_GOODS = frozenset({SEE_ADDRESS, SEE_PARCEL, REMIND, RECEIVE, OPEN, FETCH, ASK_BACK, TALK})
_BUYER = _GOODS | {SEE_PRICE, PAY, CALL_OFF}
_PAYER = frozenset({SEE_PRICE, PAY})

_OF_ROLE = {"chooser": _BUYER, "payer": _PAYER, "recipient": frozenset[str]()}
_OF_GIFT = {  # the giver never learns where it goes, the recipient never what it cost
    "chooser": frozenset({SEE_PRICE, PAY, CALL_OFF, TALK}),
    "payer": _PAYER,
    "recipient": _GOODS | {CLAIM},
}
_BY_LINK = {  # what a forwarded link is enough for
    "chooser": frozenset({SEE_PRICE}),
    "payer": _PAYER,
    "recipient": frozenset({CLAIM}),
}


def rights(kind: str, role: str, *, own: bool) -> frozenset[str]:
    """What somebody with the link of this role may see and do with an order of this kind; `own`:
    his is the device that ordered, paid or claimed."""
    known = (_OF_GIFT if kind == "gift" else _OF_ROLE)[role]
    return known if own else known & _BY_LINK[role]

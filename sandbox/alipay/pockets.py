"""Where money lies at Alipay.

A merchant has `funds`, from which he pays transfers; it is no part of his takings, which go to
his bank each night. A platform's shares are `royalty` and go there with them. Of a sub-merchant
`unsettled`, `frozen`, `batch` and `account` are kept per trade (holding.py); `card` is what was
paid out to his card.
"""

from sandbox.pockets import OPENING_MINOR, Pockets

_POCKETS = Pockets("alipay_moves", {"funds": OPENING_MINOR})

move = _POCKETS.move
balance = _POCKETS.balance
left_of = _POCKETS.left_of
came = _POCKETS.came

"""What every gateway refuses before a call is made: it is not what the rail does."""

from collections.abc import Collection

from littleshop.pay.gateways.contract import Declined, How, PayRequest, Reason


def refuse_what_it_cannot(
    name: str, hows: Collection[How], currencies: Collection[str], request: PayRequest
) -> None:
    """Raise Declined(BAD_REQUEST) unless the rail takes this way, this currency and a sum."""
    if request.how not in hows:
        raise Declined(f"{name} has no {request.how.value}", Reason.BAD_REQUEST)
    if request.amount.currency not in currencies:
        raise Declined(f"{name} takes no {request.amount.currency}", Reason.BAD_REQUEST)
    if request.amount.minor <= 0:
        raise Declined(f"{name} takes no sum of {request.amount.minor}", Reason.BAD_REQUEST)

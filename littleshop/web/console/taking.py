"""Taking a payout inside WeChat: its owner agrees there, then the money is on his balance.

What WeChat's page says back decides nothing: the payout rail is asked how it ended.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from littleshop import http
from littleshop.errors import NotFound
from littleshop.settlement import payouts
from littleshop.web import wechat_bridge
from littleshop.web.console import frame


async def page(request: Request) -> Response:
    """GET root/money/payouts/ID/taking"""
    work, house = await frame.owner(request), http.house(request)
    payout_id = http.uuid(request.path_params["payout_id"])
    async with house.database.connection() as conn:
        payout = await payouts.get(conn, work.shop.shop_id, payout_id)
    if payout is None:
        raise NotFound
    sealed, inside = payout.confirm_sealed, wechat_bridge.is_inside(request)
    open_now = sealed is not None and payout.under_way
    return await frame.page(
        request, work, "taking.html", "money",
        amount=payout.amount, open=open_now, inside=inside,
        invoke=house.keyring.open(sealed) if sealed and open_now and inside else "",
        bridge=wechat_bridge.address(request), scripts=wechat_bridge.script_origins(request),
    )  # fmt: skip

"""The control API of Alipay, beyond payments."""

from starlette.requests import Request

from sandbox.alipay import settling, transfers
from sandbox.control.api import NotFound
from sandbox.store import Row
from sandbox.world import World


def _transfer(world: World, request: Request) -> Row:
    settling.settle_due(world)
    row = world.store.one(
        "select * from alipay_transfers where out_biz_no = ? order by rowid desc limit 1",
        request.path_params["out_biz_no"],
    )
    if row is None:
        raise NotFound("no such transfer")
    return row


def send_back(world: World, request: Request, _told: dict[str, object]) -> object:
    """POST /control/alipay/transfers/{out_biz_no}/return: as the payee's bank, days later."""
    row = _transfer(world, request)
    if not transfers.send_back(world, row):
        raise ValueError(f"it is {row['status']}: only an arrived one comes back")
    return {"status": _transfer(world, request)["status"]}

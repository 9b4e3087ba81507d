"""The control API of Alipay, beyond payments."""

from starlette.requests import Request

from sandbox.alipay import sellers, settling, transfers
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


def decide(world: World, request: Request, told: dict[str, object]) -> object:
    """POST /control/alipay/sellers/{external_id}/{act}: admit (confirmed too), ask_to_sign,
    refuse {"why"}, or sign, as the seller who confirms."""
    settling.settle_due(world)
    row = _seller(world, request)
    act = request.path_params["act"]
    if act == "refuse":
        sellers.refuse(world, row, str(told.get("why") or "资料不符合要求"))
    elif act in ("admit", "ask_to_sign", "sign"):
        if act == "ask_to_sign":
            sellers.ask_to_sign(world, row)
        if row["audit"] == "CREATE":
            sellers.check(world, _seller(world, request))
        if act != "ask_to_sign":
            sellers.sign(world, _seller(world, request))
    else:
        raise NotFound("admit, ask_to_sign, sign or refuse")
    row = _seller(world, request)
    return {name: row[name] for name in ("status", "sub_confirm", "smid", "refusal")}


def _seller(world: World, request: Request) -> Row:
    row = world.store.one(
        "select * from alipay_sellers where external_id = ? order by rowid desc limit 1",
        request.path_params["external_id"],
    )
    if row is None:
        raise NotFound("no such application")
    return row

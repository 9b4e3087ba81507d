"""What a test or a person may do to couriers: open accounts, scan parcels, see what was pushed."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.clock import beijing, unstamp
from sandbox.control.api import NotFound
from sandbox.courier import kdniao, kuaidi100, pushes, ways
from sandbox.world import World, world_of


def key(world: World, _request: Request, _told: dict[str, object]) -> object:
    """POST /control/courier/keys: a customer of Kuaidi100."""
    return kuaidi100.new_key(world)


def bird(world: World, _request: Request, told: dict[str, object]) -> object:
    """POST /control/courier/kdniao {"push_url"}: an account at KDNiao."""
    url = told.get("push_url")
    if not isinstance(url, str) or not url.startswith("http"):
        raise ValueError("push_url is an address")
    return kdniao.new_account(world, url)


def past(world: World, _request: Request, told: dict[str, object]) -> object:
    """POST /control/courier/history {"parcels": [{"number", "began_at"}]}: parcels that left
    before; what is known is left alone. Raises ValueError."""
    parcels = told.get("parcels")
    if not isinstance(parcels, list):
        raise ValueError("parcels is a list")
    for each in parcels:
        if not isinstance(each, dict) or not ways.is_known(str(each.get("number"))):
            raise ValueError("a parcel has a number")
        ways.begin(world, str(each["number"]), unstamp(str(each.get("began_at"))))
    return {"parcels": len(parcels)}


def _told(world: World, number: str) -> dict[str, object]:
    if ways.began_at(world, number) is None:
        raise NotFound("no such parcel")
    attempts = world.store.all(
        "select a.at, a.twist, a.status, a.answer, n.service, n.state, n.upto"
        " from courier_attempts a join courier_notices n on n.id = a.notice_id"
        " where n.number = ? order by a.id",
        number,
    )
    return {
        "number": number,
        "scans": [dict(row) for row in ways.so_far(world, number)],
        "pushes": [dict(row) for row in attempts],
    }


def parcel(world: World, request: Request, _told_: dict[str, object]) -> object:
    """GET /control/courier/parcels/{number}: its scans, and what was pushed and answered."""
    return _told(world, request.path_params["number"])


def scan(world: World, request: Request, told: dict[str, object]) -> object:
    """POST .../scan {"state", "words"?}: a courier scans it now. Raises ValueError."""
    state, words = str(told.get("state")), str(told.get("words") or "")
    number = request.path_params["number"]
    if state not in ways.STATES or not ways.is_known(number):
        raise ValueError(f"state is one of {', '.join(ways.STATES)}")
    ways.scan(world, number, state, words[:200])
    return _told(world, number)


def resend(world: World, request: Request, _told_: dict[str, object]) -> object:
    """POST .../resend: everything that was pushed once more, now."""
    return {"pushes": pushes.again(world, request.path_params["number"])}


async def press(request: Request) -> Response:
    """POST /control/page/courier/{number}/{state}: the person at the page scans it."""
    world = world_of(request)
    number, state = request.path_params["number"], request.path_params["state"]
    if state in ways.STATES and ways.began_at(world, number) is not None:
        with world.store.transaction():
            ways.scan(world, number, state, "")
    return RedirectResponse("/control#parcels", 303)


def shown(world: World) -> list[dict[str, object]]:
    """The parcels for the control page, the newest first: where each is, and who was told."""
    rows = world.store.all(
        "select w.number, w.began_at, (select count(*) from courier_notices n"
        "   where n.number = w.number and n.state = 'delivered') as told"
        " from courier_ways w order by w.began_at desc limit 20"
    )
    listed = []
    for row in rows:
        scans = ways.so_far(world, row["number"])
        last = scans[0] if scans else None
        listed.append(
            {
                "number": row["number"],
                "state": last["state"] if last else "",
                "words": last["words"] if last else "",
                "at": beijing(last["at"] if last else row["began_at"]),
                "told": row["told"],
                "over": last is not None and last["state"] in ways.OVER,
            }
        )
    return listed

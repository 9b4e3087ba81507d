"""An authority that says whether name, number, card and phone belong together."""

import hashlib
import hmac
import json
import re
import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.world import World, world_of

STRANGERS = ("不符", "mismatch")
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
NUMBER = re.compile(r"\d{17}[\dX]", re.ASCII)
CARD = re.compile(r"\d{12,19}", re.ASCII)


def new_key(world: World) -> dict[str, str]:
    """A fresh key for signing questions."""
    key = secrets.token_hex(32)
    world.store.run("insert into identity_keys (key) values (?)", key)
    return {"key": key}


async def verify(request: Request) -> Response:
    """POST /identity/verify: {"match": bool, "reason": null or why}."""
    world, body = world_of(request), await request.body()
    given = request.headers.get("x-identity-signature", "").lower()
    if not any(
        hmac.compare_digest(
            hmac.new(row["key"].encode(), body, hashlib.sha256).hexdigest().encode(),
            given.encode(),
        )
        for row in world.store.all("select key from identity_keys")
    ):
        return JSONResponse({"error": "signature"}, 401)
    if world.faults.strikes("identity.fail"):
        return JSONResponse({"error": "try again"}, 503)
    try:
        asked = json.loads(body)
        name, number = str(asked["name"]).strip(), str(asked["id_number"]).strip().upper()
    except (ValueError, KeyError, TypeError):
        return JSONResponse({"error": "name and id_number are needed"}, 400)
    reason = _why_not(world, name, number, asked)
    return JSONResponse({"match": reason is None, "reason": reason})


def _why_not(world: World, name: str, number: str, asked: dict[str, object]) -> str | None:
    card = asked.get("card_number")
    if not NUMBER.fullmatch(number) or not _checks(number):
        return "no_such_number"
    if not name or any(word in name.lower() for word in STRANGERS):
        return "name"
    if world.faults.strikes("identity.mismatch"):
        return "name"
    if card and (not CARD.fullmatch(str(card)) or str(card).endswith("0005")):
        return "card"
    if str(asked.get("phone") or "").endswith("0005"):
        return "phone"
    return None


def _checks(number: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(number, WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == number[17]

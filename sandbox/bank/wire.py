"""The bank's four addresses, each signed with the account's key (README)."""

import hashlib
from datetime import date

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from sandbox.bank import booking, custody, instructions, reports, statements
from sandbox.bank.accounts import NotYours, proven
from sandbox.clock import stamp
from sandbox.store import Row
from sandbox.world import Silence, World, world_of


def _no(status: int, code: str, why: str) -> Response:
    return JSONResponse({"code": code, "message": why}, status)


async def take_pain001(request: Request) -> Response | ASGIApp:
    """POST /bank/pain.001: 202 when taken (again), 409 DUPL when the id holds another file."""
    world, content = world_of(request), await request.body()
    if world.faults.strikes("bank.fail"):
        return _no(503, "FAIL", "try again")
    try:
        account = proven(world, request, content)
        message = instructions.read(content, account["account"])
    except NotYours as no:
        return _no(401, "AUTH", str(no))
    except instructions.Unfit as no:
        return _no(400, no.code, str(no))
    with world.store.transaction():
        answer = _accept(world, account, message, content)
    if answer is None:
        return _no(409, "DUPL", "this MsgId holds another file")
    if world.faults.strikes("bank.timeout"):
        return Silence(world.faults.number("bank.timeout_seconds"))
    return Response(answer, 202, media_type="application/json")


def _accept(
    world: World, account: Row, message: instructions.Message, content: bytes
) -> str | None:
    """The receipt of a message, the same one every time; None when another file bears its id."""
    digest = hashlib.sha256(content).hexdigest()
    known = world.store.one(
        "select * from bank_messages where account = ? and message_id = ?",
        account["account"],
        message.message_id,
    )
    if known is not None:
        return str(known["answer"]) if known["digest"] == digest else None
    at = stamp(world.clock.now())
    receipt = JSONResponse(
        {
            "message_id": message.message_id,
            "accepted_at": at,
            "items": len(message.transfers),
            "sum_minor": message.sum_minor,
        }
    )
    answer = bytes(receipt.body).decode()
    world.store.run(
        "insert into bank_messages (account, message_id, digest, answer, received_at, items,"
        " sum_minor) values (?, ?, ?, ?, ?, ?, ?)",
        account["account"],
        message.message_id,
        digest,
        answer,
        at,
        len(message.transfers),
        message.sum_minor,
    )
    booking.accept(world, account, message)
    return answer


async def take_sub_ledger(request: Request) -> Response:
    """POST /bank/sub-ledger: whose the money on a custody account is, by the end of a day."""
    world, content = world_of(request), await request.body()
    if world.faults.strikes("bank.fail"):
        return _no(503, "FAIL", "try again")
    try:
        account = proven(world, request, content)
        booking.settle_due(world)
        with world.store.transaction():
            told = custody.take(world, account, content)
    except NotYours as no:
        return _no(401, "AUTH", str(no))
    except custody.Unfit as no:
        return _no(no.status, no.code, str(no))
    return JSONResponse(told, 202)


async def give_pain002(request: Request) -> Response:
    """GET /bank/pain.002?message_id= : how the transfers of a message stand; 404 unknown."""
    world = world_of(request)
    try:
        account = proven(world, request, request.scope["query_string"])
    except NotYours as no:
        return _no(401, "AUTH", str(no))
    booking.settle_due(world)
    message = world.store.one(
        "select * from bank_messages where account = ? and message_id = ?",
        account["account"],
        request.query_params.get("message_id", ""),
    )
    if message is None:
        return _no(404, "NOTF", "no such message")
    transfers = world.store.all(
        "select * from bank_transfers where account = ? and message_id = ? order by id",
        account["account"],
        message["message_id"],
    )
    content = reports.pain002(message, transfers, world.clock.now())
    return Response(content, media_type="application/xml")


async def give_camt053(request: Request) -> Response:
    """GET /bank/camt.053?date= : the statement of a day that is over; 404 before."""
    world = world_of(request)
    try:
        account = proven(world, request, request.scope["query_string"])
        day = date.fromisoformat(request.query_params.get("date", ""))
    except NotYours as no:
        return _no(401, "AUTH", str(no))
    except ValueError:
        return _no(400, "DT01", "date is YYYY-MM-DD")
    booking.settle_due(world)
    if day >= booking.today(world) or day.isoformat() < booking.begins(world, account):
        return _no(404, "NOTF", "no statement of that day (yet)")
    content = statements.camt053(world, account, day)
    return Response(content, media_type="application/xml")

"""/stripe/v1/...: who asks, what was asked before under this key, act once, answer JSON."""

import base64
import binascii
import json
import re
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from sandbox.store import Row
from sandbox.stripe import (
    accounts,
    asked,
    balance,
    intents,
    keeping,
    products,
    refunds,
    sessions,
)
from sandbox.stripe.asked import Form, Problem
from sandbox.stripe.views import View
from sandbox.world import Silence, World, world_of

Act = Callable[..., View]
NUMBER = r"([A-Za-z0-9_-]{1,200})"
ACTS: list[tuple[str, str, Act]] = [
    ("POST", r"products", products.create),
    ("GET", rf"products/{NUMBER}", products.read),
    ("POST", rf"products/{NUMBER}", products.change),
    ("POST", r"checkout/sessions", sessions.create),
    ("GET", rf"checkout/sessions/{NUMBER}", sessions.read),
    ("POST", rf"checkout/sessions/{NUMBER}/expire", sessions.expire),
    ("POST", r"payment_intents", intents.create),
    ("GET", rf"payment_intents/{NUMBER}", intents.read),
    ("POST", rf"payment_intents/{NUMBER}/confirm", intents.confirm),
    ("POST", rf"payment_intents/{NUMBER}/cancel", intents.cancel),
    ("POST", r"refunds", refunds.create),
    ("GET", r"refunds", refunds.list_),
    ("GET", rf"refunds/{NUMBER}", refunds.read),
    ("GET", r"balance_transactions", balance.list_),
]
LONGEST_KEY = 255


async def door(request: Request) -> Response | ASGIApp:
    """The one door of the API."""
    world, path = world_of(request), request.path_params["rest"]
    call, replayed = f"{request.method} {path}", False
    try:
        account = accounts.of_key(world, _key(request))
        if _here(world, call) and world.faults.strikes("stripe.api.fail"):
            raise Problem(500, "api_error", "Something went wrong on Stripe's end.")
        if _here(world, call) and world.faults.strikes("stripe.api.busy"):
            raise Problem(429, "invalid_request_error", "Too many requests.", "rate_limit")
        text = (
            (await request.body()).decode("utf-8", "replace")
            if request.method == "POST"
            else request.url.query
        )
        status, body, replayed = _answer(world, account, request, path, asked.form(text))
    except Problem as no:
        status, body = no.status, no.body
    return _perhaps_broken(world, call, _answered(status, body, replayed))


def _key(request: Request) -> str:
    """The secret key: as bearer, or as the user of basic authentication."""
    kind, _, told = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return told
    try:
        return base64.b64decode(told, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _here(world: World, call: str) -> bool:
    """Whether the API's faults are meant for this call, such as `POST refunds`."""
    part = world.faults.word("stripe.api.call")
    return part is None or part in call


def _answer(
    world: World, account: Row, request: Request, path: str, told: Form
) -> tuple[int, str, bool]:
    """Status, body, and whether it was given before under the same key."""
    key = request.headers.get("idempotency-key", "") if request.method == "POST" else ""
    if len(key) > LONGEST_KEY:
        raise asked.invalid("Idempotency keys are at most 255 characters")
    digest = keeping.digest(path, told)
    if key and (kept := keeping.kept(world, account["id"], key, digest)):
        return *kept, True
    act, numbers = _act(request.method, path)
    with world.store.transaction():
        view = act(world, account, told, *numbers)
        status, body = 200, json.dumps(view, indent=2, ensure_ascii=False)
        call = f"{request.method} {path}"
        if _here(world, call) and world.faults.strikes("stripe.api.system_error"):
            no = Problem(500, "api_error", "An unknown error occurred.")
            status, body = no.status, no.body
        if key:
            keeping.keep(world, account["id"], key, digest, status, body)
    return status, body, False


def _act(method: str, path: str) -> tuple[Act, tuple[str, ...]]:
    for wanted, pattern, act in ACTS:
        match = re.fullmatch(pattern, path)
        if wanted == method and match:
            return act, match.groups()
    raise asked.invalid(f"Unrecognized request URL ({method}: /v1/{path}).", status=404)


def _answered(status: int, body: str, replayed: bool) -> Response:
    headers = {"Request-Id": asked.number("req")}
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(body, status, headers, media_type="application/json")


def _perhaps_broken(world: World, call: str, answer: Response) -> Response | ASGIApp:
    """The honest answer, unless a fault strikes; by now the money has moved."""
    if not _here(world, call):
        return answer
    if world.faults.strikes("stripe.api.timeout"):
        return Silence(world.faults.number("stripe.api.timeout_seconds"))
    if world.faults.strikes("stripe.api.malformed"):
        body = bytes(answer.body)
        return Response(body[: len(body) // 2], answer.status_code, media_type="text/html")
    return answer

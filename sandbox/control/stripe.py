"""The control API of Stripe."""

from starlette.requests import Request

from sandbox.control.api import NotFound
from sandbox.store import Row
from sandbox.stripe import accounts, balance, books, disputes, intents, refunds, sessions, webhooks
from sandbox.world import World

Told = dict[str, object]


def _text(told: Told, name: str, default: str = "") -> str:
    value = told.get(name, default)
    if not isinstance(value, str) or not 0 < len(value) <= 2000:
        raise ValueError(f"{name} is missing")
    return value


def account(world: World, _request: Request, told: Told) -> object:
    """POST /control/stripe/accounts {"name", "webhook_url"?}"""
    url = _text(told, "webhook_url") if told.get("webhook_url") else None
    return accounts.register(world, _text(told, "name", "shop"), url)


def _account(world: World, told: Told) -> Row:
    row = accounts.find(world, _text(told, "account"))
    if row is None:
        raise NotFound("no such account")
    return row


def webhook(world: World, _request: Request, told: Told) -> object:
    """POST /control/stripe/webhooks {"account", "url"}: where webhooks go from now on."""
    row = _account(world, told)
    accounts.lead_to(world, row["id"], _text(told, "url"))
    return {"webhook_secret": row["webhook_secret"]}


def roll(world: World, _request: Request, told: Told) -> object:
    """POST /control/stripe/webhooks/roll {"account"}: a new secret; both sign for a day."""
    return {"webhook_secret": accounts.roll(world, _account(world, told)["id"])}


def pay_out(world: World, _request: Request, told: Told) -> object:
    """POST /control/stripe/payouts {"account"}: the balance leaves for the merchant's bank."""
    return {"payouts": balance.pay_out(world, _account(world, told)["id"])}


def _session(world: World, request: Request) -> Row:
    row = world.store.one(
        "select * from stripe_sessions where reference = ? and ? in ('', account)"
        " order by created_at desc, rowid desc limit 1",
        request.path_params["reference"],
        request.query_params.get("account", ""),
    )
    if row is None:
        raise NotFound("no such payment")
    return row


def payment(world: World, request: Request, _told: Told) -> object:
    """GET /control/stripe/payments/{reference}"""
    return books.payment(world, _session(world, request))


def pay(world: World, request: Request, told: Told) -> object:
    """POST .../pay {"card"?}: as the person pressing; how the payment stands now."""
    card = _text(told, "card", "pm_card_visa")
    if card not in sessions.CARDS:
        raise ValueError("no such card")
    row = _session(world, request)
    return {"moved": sessions.press(world, row["id"], card), **books.payment(world, row)}


def settle(world: World, request: Request, told: Told) -> object:
    """POST .../settle {"good": bool}: what a slow way of paying says at last."""
    row = _session(world, request)
    moved = sessions.settle(world, row["id"], told.get("good") is not False)
    return {"moved": moved, **books.payment(world, row)}


def resend(world: World, request: Request, _told: Told) -> object:
    """POST .../resend: every event of the payment once more, now."""
    row = _session(world, request)
    return {"notices": webhooks.SENDER.resend(world, row["account"], row["reference"])}


def told_of(world: World, request: Request, _told: Told) -> object:
    """GET or POST .../notices: what was sent and what was answered."""
    row = _session(world, request)
    events = world.store.all(
        "select id, type, state, sends, next_at, made_at from stripe_events"
        " where account = ? and reference = ? order by number",
        row["account"],
        row["reference"],
    )
    return [{**dict(event), "attempts": _attempts(world, event["id"])} for event in events]


def _attempts(world: World, event: str) -> list[dict[str, object]]:
    rows = world.store.all(
        "select at, signature, body, twist, status, answer from stripe_attempts"
        " where event = ? order by id",
        event,
    )
    return [dict(row) for row in rows]


def dispute(world: World, request: Request, told: Told) -> object:
    """POST .../dispute {"amount_minor"?}: the buyer's bank takes it back."""
    intent = _intent(world, request)
    minor = told.get("amount_minor", intent["amount_minor"])
    if not isinstance(minor, int) or isinstance(minor, bool):
        raise ValueError("amount_minor is whole minor units")
    return dict(disputes.open_(world, intent, minor))


def decide(world: World, request: Request, told: Told) -> object:
    """POST .../dispute/close {"won": bool}: the bank has decided."""
    if not isinstance(told.get("won"), bool):
        raise ValueError("won is true or false")
    return dict(disputes.close(world, _intent(world, request), told["won"] is True))


def fail_refund(world: World, request: Request, _told: Told) -> object:
    """POST /control/stripe/refunds/{refund}/fail: a done refund comes back, as cards die."""
    row = world.store.one(
        "select * from stripe_refunds where id = ? and status <> 'failed'",
        request.path_params["refund"],
    )
    if row is None:
        raise NotFound("no such refund")
    refunds.fail(world, row)
    return {"failed": row["id"]}


def _intent(world: World, request: Request) -> Row:
    row = _session(world, request)
    if row["intent"] is None:
        raise ValueError("nobody has pressed yet")
    return intents.row_of(world, row["intent"])

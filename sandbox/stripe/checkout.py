"""The page at Stripe that a person presses: pay, try a card that is refused, or leave."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.pages import problem, render
from sandbox.store import Row
from sandbox.stripe import accounts, products, sessions, views
from sandbox.world import World, world_of, yuan

NOT_THERE = ("resource_missing", "No such checkout.session")
WITHOUT_DECIMALS = {"jpy", "krw", "vnd"}
SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "cny": "¥", "hkd": "HK$"}


def money(minor: int, currency: str) -> str:
    """A sum as people write it: `$88.88`, `¥8,888` for yen."""
    sign = SIGNS.get(currency, f"{currency.upper()} ")
    return f"{sign}{minor:,}" if currency in WITHOUT_DECIMALS else f"{sign}{yuan(minor)}"


async def show(request: Request) -> Response:
    """GET /stripe/pay/{session}: amount, payee, what for, and the buttons. As at Stripe no
    time is named: the page stays open longer than a shop may keep the things."""
    world, row = world_of(request), _session(request)
    if row is None:
        return problem(request, *NOT_THERE, 404)
    account = accounts.find(world, row["account"])
    assert account is not None
    product = products.find(world, account, row["product"])
    intent = views.intent_of(world, row)
    back = intent["refunded_minor"] if intent else 0
    return render(
        request,
        "stripe_checkout.html",
        forms_to=_origins(row),
        session=row,
        payee=account["name"],
        subject=product["name"] if product else "",
        amount=money(row["amount_minor"], row["currency"]),
        refunded=money(back, row["currency"]) if back else None,
        declined=bool(intent and intent["error_code"]),
        state=intent["status"] if intent else "",
    )


async def pay(request: Request) -> Response:
    """POST .../pay: the money moves once; then back to the shop."""
    row = _session(request)
    if row is None:
        return problem(request, *NOT_THERE, 404)
    async with request.form() as form:
        card = str(form.get("card", "pm_card_visa"))
    if card not in sessions.CARDS:
        return problem(request, "resource_missing", "No such PaymentMethod")
    went = sessions.press(world_of(request), row["id"], card)
    return RedirectResponse(row["success_url"] if went else f"/stripe/pay/{row['id']}", 303)


async def leave(request: Request) -> Response:
    """POST .../leave: back to where the shop wants those who did not pay."""
    row = _session(request)
    if row is None:
        return problem(request, *NOT_THERE, 404)
    if row["cancel_url"]:
        return RedirectResponse(row["cancel_url"], 303)
    return render(request, "left.html", again=f"/stripe/pay/{row['id']}", back=None)


def _session(request: Request) -> Row | None:
    world: World = world_of(request)
    with world.store.transaction():
        return sessions.current(world, request.path_params["session"])


def _origins(row: Row) -> str:
    """Where the page's forms may end: a browser holds redirects to form-action too."""
    parts = [urlsplit(url) for url in (row["success_url"], row["cancel_url"]) if url]
    return " ".join(sorted({f"{part.scheme}://{part.netloc}" for part in parts}))

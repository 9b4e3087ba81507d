"""Handing a shop over to somebody else, for its owner: to whom, the code, and taking it back."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import http
from littleshop.crypto import mask_phone
from littleshop.entry import handing_over, proving_phone
from littleshop.entry.handing_over import Details, Wish
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.identity.codes import Asker, Code
from littleshop.ledger import accounts, chart
from littleshop.money import Money
from littleshop.shop import handovers
from littleshop.trade import order_exports
from littleshop.web import browsers, forms, pages
from littleshop.web.console import frame

WISH = "handover"  # a cookie: what was filled in, until its code is typed
HERE = "/settings/handover"
FIELDS = {"phone": "phone", "id": "id_number", "handover_self": "phone", "code": "code"}


async def page(request: Request) -> Response:
    """GET root/settings/handover"""
    return await _page(request, await http.at_work(request), {}, None)


async def _page(
    request: Request, work: AtWork, form: dict[str, str], refused: Refused | None
) -> Response:
    shop, now, house = work.shop, http.now(request), http.house(request)
    async with house.database.connection() as conn:
        offered = await handovers.open_one(conn, shop.shop_id, now)
        running = await order_exports.running(conn, shop.shop_id)
        owed = await accounts.balance(conn, shop.shop_id, chart.PAYABLE, shop.currency)
        number = await handing_over.needs_number(conn, shop.shop_id)
    return await frame.page(
        request, work, "handover.html", "today", status=422 if refused else 200,
        form=form, form_key=browsers.new_key(), errors=_errors(request, refused),
        needs_number=number, running=running, owed=owed,
        held=Money(running.held_minor, shop.currency),
        offered=offered and {
            "phone": mask_phone(house.keyring.open(offered.phone_sealed)),
            "until": offered.expires_at, "staff_stays": offered.staff_stays,
            "url": f"{frame.root(shop)}{HERE}/{offered.handover_id}/removal",
        },
    )  # fmt: skip


def _errors(request: Request, refused: Refused | None) -> dict[str, str]:
    """What is wrong by the field it is about, "form" for what is about all of it."""
    if refused is None:
        return {}
    code = refused.code
    field = FIELDS.get(code) or FIELDS.get(code.partition("_")[0], "form")
    return {field: forms.said(request, refused)}


async def begin(request: Request) -> Response:
    """POST root/settings/handover: phone, id_number, staff=stays|goes, form_key; a code goes out"""
    work, form = await http.at_work(request), await forms.read(request)
    try:
        return await _begin(request, work, form)
    except NotFound:
        raise
    except Refused as refused:
        return await _page(request, work, form.typed("phone", "id_number", "staff"), refused)


async def _begin(request: Request, work: AtWork, form: forms.Form) -> Response:
    """Raises Refused."""
    house, shop_id, at = http.house(request), work.shop.shop_id, http.now(request)
    await http.check_exactly(request, "change_card", str(shop_id))
    details = Details(
        form.text("phone", 64), form.text("id_number", 200), form.text("staff") != "goes"
    )
    wish = await handing_over.check(
        house.database, house.keyring, work.person, shop_id, details, at
    )
    token, browser = browsers.named(request, form.text("form_key", 64))
    await http.check_code(request, browser, work.person.country)
    await proving_phone.send_code(
        house.database, house.keyring, work.person, Asker(browser, http.address(request)),
        purpose=handing_over.PURPOSE, locale=pages.locale_of(request), at=at,
    )  # fmt: skip
    answer = frame.go(request, f"{frame.root(work.shop)}{HERE}/code")
    sealed = forms.seal(house.keyring, wish)
    seconds = int(handing_over.TYPING.total_seconds())
    http.set_cookie(request, answer, WISH, sealed, max_age=seconds)
    if token is not None:
        http.set_cookie(request, answer, http.DEVICE, token)
    return answer


def _wish(request: Request, work: AtWork) -> Wish | None:
    """What this browser filled in, while it is good for this person and shop."""
    found = forms.unseal(http.house(request).keyring, request.cookies.get(WISH), Wish)
    person_id, shop_id = work.person.person_id, work.shop.shop_id
    return found if found and found.holds(person_id, shop_id, http.now(request)) else None


async def code_page(request: Request) -> Response:
    """GET root/settings/handover/code"""
    return await _code(request, await http.at_work(request), None)


async def _code(request: Request, work: AtWork, refused: Refused | None) -> Response:
    """The field for the code; without one on its way back to the beginning."""
    wish, code = _wish(request, work), await _on_its_way(request, work)
    if wish is None or (code is None and refused is None):
        return frame.go(request, f"{frame.root(work.shop)}{HERE}")
    return await frame.page(
        request, work, "handover_code.html", "today", status=422 if refused else 200,
        errors=_errors(request, refused), to=mask_phone(wish.phone),
        phone_masked=work.person.masked_phone(http.house(request).keyring),
        staff_stays=wish.staff_stays,
    )  # fmt: skip


async def _on_its_way(request: Request, work: AtWork) -> Code | None:
    house, (_, browser) = http.house(request), http.make_device(request)
    async with house.database.connection() as conn:
        return await proving_phone.code_on_its_way(
            conn,
            house.keyring,
            work.person,
            browser,
            purpose=handing_over.PURPOSE,
            at=http.now(request),
        )


async def confirm(request: Request) -> Response:
    """POST root/settings/handover/code: code; the shop is offered"""
    work, form = await http.at_work(request), await forms.read(request)
    wish = _wish(request, work)
    if wish is None:
        return frame.go(request, f"{frame.root(work.shop)}{HERE}")
    try:
        await _offer(request, work, wish, form.text("code", 32))
    except NotFound:
        raise
    except Refused as refused:
        return await _code(request, work, refused)
    answer = frame.go(request, f"{frame.root(work.shop)}{HERE}", "handover_offered")
    answer.delete_cookie(WISH, path="/")
    return answer


async def _offer(request: Request, work: AtWork, wish: Wish, digits: str) -> None:
    """Raises Refused."""
    house, (_, browser) = http.house(request), http.make_device(request)
    http.check_limits(request, "try_code", browser, http.address(request))
    await handing_over.ask(
        house.database, house.keyring, work.person, wish, digits,
        browser=browser, locale=pages.locale_of(request), at=http.now(request),
    )  # fmt: skip


async def take_back(request: Request) -> Response:
    """POST root/settings/handover/ID/removal"""
    work = await http.at_work(request)
    which = http.uuid(request.path_params["handover_id"])
    await handing_over.take_back(
        http.house(request).database, work.person, work.shop.shop_id, which, http.now(request)
    )
    return frame.go(request, f"{frame.root(work.shop)}{HERE}", "handover_taken_back")


_ROOT = f"/console/{{shop_id}}{HERE}"
ROUTES = [
    Route(_ROOT, page),
    Route(_ROOT, begin, methods=["POST"]),
    Route(f"{_ROOT}/code", code_page),
    Route(f"{_ROOT}/code", confirm, methods=["POST"]),
    Route(f"{_ROOT}/{{handover_id}}/removal", take_back, methods=["POST"]),
]

"""How an opening begins: the phone, its code, and the shop number that goes with the person."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import http
from littleshop.entry import opening
from littleshop.entry.opening import Progress
from littleshop.errors import Refused
from littleshop.identity.people import Person
from littleshop.web import addresses, forms, pages
from littleshop.web.entry import signing_in, standing
from littleshop.web.entry.signing_in import to
from littleshop.web.entry.standing import BROUGHT, page

OPEN = addresses.OPENING
PHONE, CODE, AGAIN = f"{OPEN}/phone", f"{OPEN}/phone/code", f"{OPEN}/phone/code/again"


async def begin(request: Request, person: Person) -> Progress:
    """Begin an opening, remembering what brought the person. Raises Refused too_many."""
    house = http.house(request)
    _, device = http.make_device(request)
    http.check_limits(request, "open_shop", device, http.address(request))
    async with house.database.connection() as conn:
        by = await standing.brought_by(conn, request)
    return await opening.begin(
        house.database,
        person,
        path="viral" if by.shop_id else "front",
        locale=pages.locale_of(request),
        at=http.now(request),
        brought_by=by,
        own_goods=house.settings.own_goods,
    )


async def ask(request: Request) -> Response:
    """POST /open/phone: phone, form_key"""
    form = await forms.read(request)
    try:
        return await signing_in.send_code(request, form, OPEN, CODE)
    except Refused as refused:
        return await page(
            request,
            "phone",
            person=None,
            known=None,
            status=422,
            form=form.typed("phone"),
            errors={"phone": forms.said(request, refused)},
        )


async def code_page(request: Request) -> Response:
    """GET /open/phone/code"""
    waits = signing_in.waiting(request)
    if waits is None or await http.somebody(request) is not None:
        return to(OPEN)
    return await _code(request, waits, {}, {})


async def _code(
    request: Request,
    waits: signing_in.Asked,
    form: dict[str, str],
    errors: dict[str, str],
    status: int = 200,
) -> Response:
    context = signing_in.code_context(request, waits, code=CODE, again=AGAIN, change=OPEN)
    return await page(
        request, "code",
        person=None, known=None, status=status, form=form, errors=errors, **context,
    )  # fmt: skip


async def confirm(request: Request) -> Response:
    """POST /open/phone/code: sign in and begin the opening"""
    waits = signing_in.waiting(request)
    if waits is None:
        return to(OPEN)
    form = await forms.read(request)
    try:
        entered = await signing_in.try_code(request, waits, form)
    except Refused as refused:
        errors = {"code": forms.said(request, refused)}
        return await _code(request, waits, form.typed("code"), errors, status=422)
    answer = to(OPEN)
    signing_in.welcome(request, answer, entered)
    if await _began(request, entered.person):
        answer.delete_cookie(BROUGHT, path="/")
    return answer


async def _began(request: Request, person: Person) -> bool:
    """Begin at once; after too many openings here today a step asks again."""
    try:
        await begin(request, person)
    except Refused:
        return False
    return True


async def again(request: Request) -> Response:
    """POST /open/phone/code/again"""
    waits = signing_in.waiting(request)
    if waits is None:
        return to(OPEN)
    try:
        return await signing_in.send_again(request, waits, CODE)
    except Refused as refused:
        return await _code(request, waits, {}, {"code": forms.said(request, refused)}, 429)


async def shown_again(request: Request) -> Response:
    """GET of an address that only takes a form: a reload or a kept link."""
    return to(OPEN)


ROUTES = [
    Route(PHONE, shown_again),
    Route(PHONE, ask, methods=["POST"]),
    Route(CODE, code_page),
    Route(CODE, confirm, methods=["POST"]),
    Route(AGAIN, shown_again),
    Route(AGAIN, again, methods=["POST"]),
]

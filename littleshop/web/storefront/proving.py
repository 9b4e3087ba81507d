"""Showing to be the one who ordered: a code to the order's phone lets another device act."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import crypto, db, http
from littleshop.customers import customers
from littleshop.entry import signing_in
from littleshop.errors import NotFound, Refused
from littleshop.identity import codes, phones
from littleshop.identity.codes import Asker
from littleshop.identity.phones import Phone
from littleshop.trade import gifts
from littleshop.trade.order_links import trust_device
from littleshop.web import addresses, browsers, forms, pages
from littleshop.web.storefront import bought_at, orders
from littleshop.web.storefront.checkouts import read_form
from littleshop.web.storefront.orders import OrderLink
from littleshop.web.storefront.visitors import remember

PURPOSE = "order"


async def begin(request: Request) -> Response:
    """A code can be asked for here."""
    return await _page(request, await orders.behind(request))


async def prove(request: Request) -> Response:
    """With digits: let this device act when they are the code's. Without: send a code."""
    link, form = await orders.behind(request), await read_form(request)
    digits = form.get("digits")
    try:
        if digits is not None:
            return await _trust(request, link, digits)
        return await _send_code(request, link, form.get("form_key", ""))
    except Refused as no:
        return await _page(request, link, no=no, typed=digits is not None)


async def _phone(request: Request, link: OrderLink) -> Phone:
    """The phone of the role that the link is for: of a gift its giver's or its recipient's, each by
    his own link. Raises NotFound where nobody is to be proved: a payer, a gift not claimed yet."""
    order, keyring = link.order, http.house(request).keyring
    if order.kind != "gift":
        return phones.parse(order.delivery(keyring).phone)
    async with http.house(request).database.connection() as conn:
        sealed = await _sealed(conn, link)
    if sealed is None:
        raise NotFound("order")
    return phones.parse(keyring.open(sealed))


async def _sealed(conn: db.Connection, link: OrderLink) -> bytes | None:
    order = link.order
    if link.seen.role == gifts.ROLE:
        claimed = await gifts.of_order(conn, order.shop_id, order.order_id)
        return claimed.phone_sealed if claimed is not None else None
    customer = await customers.get(conn, order.shop_id, order.phone_index)
    return customer.phone_sealed if customer is not None else None


async def _trust(request: Request, link: OrderLink, digits: str) -> Response:
    """Raises Refused: too_many, code_empty, code_wrong(left), code_expired, code_spent."""
    house, order = http.house(request), link.order
    token, device = http.make_device(request)
    http.check_limits(request, "try_code", device, http.address(request))
    phone, at = await _phone(request, link), http.now(request)
    await signing_in.check_code(
        house.database, house.keyring, phone, digits, browser=device, purpose=PURPOSE, at=at
    )
    await house.database.transaction(
        lambda conn: trust_device(conn, order.shop_id, order.order_id, link.seen.role, device)
    )
    return remember(request, RedirectResponse(addresses.order(link.token), 303), token)


async def _send_code(request: Request, link: OrderLink, form_key: str) -> Response:
    """The code is good in the browser that asked only, which keeps its cookie from here on.

    Raises Refused: too_many, and as signing_in.ask_code.
    """
    house, phone = http.house(request), await _phone(request, link)
    token, device = browsers.named(request, form_key)
    await http.check_code(request, device, phone.country)
    await signing_in.ask_code(
        house.database,
        house.keyring,
        phone.e164,
        Asker(device, http.address(request)),
        locale=pages.locale_of(request),
        at=http.now(request),
        purpose=PURPOSE,
    )
    return remember(request, await _page(request, link, device=device), token)


async def _page(
    request: Request,
    link: OrderLink,
    *,
    device: bytes | None = None,
    no: Refused | None = None,
    typed: bool = False,
) -> Response:
    """The field for the digits once a code is on its way or some were typed, else the button that
    has one sent; with `no`, why nothing came of what was asked."""
    house, phone = http.house(request), await _phone(request, link)
    async with house.database.connection() as conn:
        code = await codes.live(
            conn, house.keyring, phone, device or http.make_device(request)[1], purpose=PURPOSE
        )
    return pages.page(
        request,
        "storefront/verify.html",
        status=409 if no else 200,
        private=True,
        shop=bought_at.face(link.sold_by, link.shop),
        order=link.short,
        phone=crypto.mask_phone(phone.e164),
        sent=typed or (code is not None and code.expires_at > http.now(request)),
        problem=forms.said(request, no) if no else None,
        form_key=browsers.new_key(),
    )


ROUTES = [
    Route("/o/{token}/code", begin, methods=["GET"]),
    Route("/o/{token}/code", prove, methods=["POST"]),
]

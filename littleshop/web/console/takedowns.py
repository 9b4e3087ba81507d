"""A product that an operator took off the shelf: why, and the seller's one appeal."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from littleshop import http
from littleshop.catalog import products, takedowns
from littleshop.errors import NotFound, Refused
from littleshop.web import forms
from littleshop.web.console import frame


async def page(request: Request) -> Response:
    """GET root/goods/ID/takedown; a product that is not down has its own page"""
    return await _page(request, "", "")


async def _page(request: Request, words: str, error: str) -> Response:
    work, product_id = await http.at_work(request), http.uuid(request.path_params["product_id"])
    async with http.house(request).database.connection() as conn:
        product = await products.get(conn, work.shop.shop_id, product_id)
        down = await takedowns.of_product(conn, work.shop.shop_id, product_id)
    here = f"{frame.root(work.shop)}/goods/{product_id}"
    if down is None:
        return RedirectResponse(here, status_code=303)
    return await frame.page(
        request, work, "takedown.html", "goods", status=422 if error else 200,
        title=product.title, here=here, down=down, words=words, error=error,
    )  # fmt: skip


async def appeal(request: Request) -> Response:
    """POST root/goods/ID/takedown: words"""
    work, product_id = await http.at_work(request), http.uuid(request.path_params["product_id"])
    words = (await forms.read(request)).text("words", 4 * takedowns.APPEAL_LENGTH)
    shop_id, at = work.shop.shop_id, http.now(request)
    async with http.house(request).database.connection() as conn:
        down = await takedowns.of_product(conn, shop_id, product_id)
    if down is None:
        raise NotFound("takedown")
    try:
        await http.house(request).database.transaction(
            lambda conn: takedowns.appeal(conn, shop_id, down.takedown_id, words, at)
        )
    except Refused as no:
        return await _page(request, words, frame.sentence(request, no))
    here = f"{frame.root(work.shop)}/goods/{product_id}/takedown"
    return frame.go(request, here, "appealed")

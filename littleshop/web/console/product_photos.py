"""The photos of a product: added, taken away, put first; what was typed beside them is kept."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from littleshop import db, http
from littleshop.catalog import photos, products
from littleshop.web.console import frame, product


async def add_photos(request: Request) -> Response:
    """POST root/goods/ID/photos: photos, and what was typed; bad photos are named"""
    work = await http.at_work(request)
    found, _, _ = await product.read(request, work)
    wrong = await product.take_photos(request, work, found.product_id)
    again = await product.keep(request, work, wrong)
    return again or frame.go(request, product.here(work, found.product_id))


async def remove_photo(request: Request) -> Response:
    """POST root/goods/ID/photos/PID/removal; a photo that is gone already is no fault"""
    return await _arrange(request, first=False)


async def make_first(request: Request) -> Response:
    """POST root/goods/ID/photos/PID/first"""
    return await _arrange(request, first=True)


async def _arrange(request: Request, *, first: bool) -> Response:
    work = await http.at_work(request)
    product_id = http.uuid(request.path_params["product_id"])
    photo_id = http.uuid(request.path_params["photo_id"])
    shop_id = work.shop.shop_id

    async def write(conn: db.Connection) -> None:
        await products.get(conn, shop_id, product_id)
        known = [each.photo_id for each in await photos.of_product(conn, shop_id, product_id)]
        others = [each for each in known if each != photo_id]
        if photo_id in known:
            order = [photo_id, *others] if first else others
            await photos.arrange(conn, shop_id, product_id, order)

    await http.house(request).database.transaction(write)
    again = await product.keep(request, work)
    return again or frame.go(request, product.here(work, product_id))

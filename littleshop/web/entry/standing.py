"""How far an opening stands, as its page shows it: what brought the person, steps, the open one."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from littleshop import crypto, db, http, ids
from littleshop.catalog import photos, products
from littleshop.clock import SHANGHAI
from littleshop.entry import opening
from littleshop.entry.opening import Progress, State, Step
from littleshop.errors import NotFound
from littleshop.http import House
from littleshop.identity.people import Person
from littleshop.shop import cards, shops, staff
from littleshop.shop.openings import Path
from littleshop.shop.shops import BroughtBy
from littleshop.social import entrances, shares
from littleshop.web import addresses, browsers, forms, pages, touches
from littleshop.web.entry.signing_in import show

BROUGHT = "brought"  # a cookie: what was on screen when "I also want a shop" was pressed
BROUGHT_SECONDS = 7 * 86_400
SETTLED = frozenset({"done", "checking"})
_SHOWN: dict[State, str] = {
    "done": "done",
    "checking": "checking",
    "refused": "refused",
    "later": "skipped",
    "todo": "next",
}


class Origin(msgspec.Struct, frozen=True):
    """The query of /open as it came: a shop's slug, a share's code, a product's id."""

    shop: str = ""
    share: str = ""
    product: str = ""


def origin(request: Request) -> Origin | None:
    """What brought this person: from the address, else from the cookie."""
    asked = request.query_params
    fresh = Origin(
        asked.get("from", "")[:40], asked.get("share", "")[:80], asked.get("product", "")[:40]
    )
    if fresh != Origin():
        return fresh
    return forms.unseal(http.house(request).keyring, request.cookies.get(BROUGHT), Origin)


def remember(request: Request, answer: Response) -> Response:
    """Keep what brought the person over the whole opening."""
    known = origin(request)
    if known is not None and "from" in request.query_params:
        sealed = forms.seal(http.house(request).keyring, known)
        http.set_cookie(request, answer, BROUGHT, sealed, max_age=BROUGHT_SECONDS)
    return answer


async def brought_by(conn: db.Connection, request: Request) -> BroughtBy:
    """The shop, share and product that brought this person, as far as they exist and belong
    together. Who looked on in the shop after he came by a share is still brought by it."""
    known = origin(request)
    if known is None:
        return BroughtBy()
    shop = await shops.by_slug(conn, known.shop) if known.shop else None
    if shop is None and known.share:
        try:
            shop = await shops.find(conn, ids.shop_of(known.share))
        except ValueError:
            shop = None
    if shop is None or shop.status == "opening" or shop.shop_id == shops.PLATFORM:
        return BroughtBy()
    code = await _code(conn, request, shop.shop_id, known.share)
    return BroughtBy(shop.shop_id, code, await _product(conn, shop.shop_id, known))


async def _code(conn: db.Connection, request: Request, shop_id: int, code: str) -> str | None:
    """The share or entrance by which he came; nobody is brought by what he shared himself."""
    cookies = request.headers.get("cookie", "")
    touched = [each.code for each in touches.remembered(cookies, shop_id)]
    for each in (code, *touched):
        if each and entrances.is_code(each):
            if await entrances.find(conn, shop_id, each) is not None:
                return each
        elif each and (share := await shares.find(conn, shop_id, each)) is not None:
            own = share.device is not None and share.device == http.device(request)
            return None if own else each
    return None


async def _product(conn: db.Connection, shop_id: int, known: Origin) -> UUID | None:
    try:
        return (await products.get(conn, shop_id, UUID(known.product))).product_id
    except (ValueError, NotFound):
        return None


async def _brought(house: House, by: BroughtBy) -> dict[str, str] | None:
    """The line that says where the person came from."""
    if by.shop_id is None:
        return None
    async with house.database.connection() as conn:
        shop = await shops.find(conn, by.shop_id)
        if shop is None:
            return None
        picture = addresses.photo(shop.picture, 360) if shop.picture else ""
        line = {"shop_name": shop.name, "product_title": "", "picture_url": picture}
        return line | await _seen(conn, by.shop_id, by.product_id)


async def _seen(conn: db.Connection, shop_id: int, product_id: UUID | None) -> dict[str, str]:
    """The product that was on screen, unless it is gone."""
    if product_id is None:
        return {}
    try:
        product = await products.get(conn, shop_id, product_id)
    except NotFound:
        return {}
    line = {"product_title": product.title}
    for photo in (await photos.of_product(conn, shop_id, product_id))[:1]:
        line["picture_url"] = addresses.photo(photo.file, min(360, photo.width))
    return line


def states(known: Progress | None, path: Path, *, signed_in: bool) -> dict[Step, State]:
    """Each step's state in the order of the path; before the beginning all are to do."""
    if known is not None:
        return dict(known.steps)
    return {
        step: "done" if step == "phone" and signed_in else "todo" for step in opening.ORDER[path]
    }


async def page(
    request: Request,
    step: str,
    *,
    person: Person | None,
    known: Progress | None,
    status: int = 200,
    form: dict[str, Any] | None = None,
    errors: dict[str, str] | None = None,
    **more: Any,
) -> Response:
    """The page of an opening with `step` (or code, which belongs to phone) open."""
    answer = show(
        request,
        "entry/opening.html",
        here=_here(step, known),
        status=status,
        step=step,
        form=form or {},
        errors=errors or {},
        **await _around(request, step, person, known),
        **({"refused": ""} | more),
    )
    return remember(request, answer)


async def _around(
    request: Request, step: str, person: Person | None, known: Progress | None
) -> dict[str, Any]:
    """What stands around the open step: the pole with its flags, what brought the person, ways
    out."""
    by = await _by(request, known)
    path: Path = known.opening.path if known else ("viral" if by.shop_id else "front")
    return _pole(request, step, person, known, path) | {
        "viral": path == "viral",
        "another": await _keeps_one(request, person),
        "brought": await _brought(http.house(request), by),
        "form_key": browsers.new_key(),
        "shop_id": known.shop.shop_id if known else "",
        "leave_url": f"{addresses.OPENING}/saved",
        "terms_url": addresses.LEGAL_TERMS,
        "privacy_url": addresses.LEGAL_PAPERS,
    }


async def _keeps_one(request: Request, person: Person | None) -> bool:
    """Whether the person has a shop that is open: what he opens now is another one."""
    if person is None:
        return False
    async with http.house(request).database.connection() as conn:
        known = await staff.shops_of(conn, person.person_id)
        found = [await shops.find(conn, each.shop_id) for each in known if each.role == "owner"]
    return any(shop is not None and shop.status != "opening" for shop in found)


async def _by(request: Request, known: Progress | None) -> BroughtBy:
    """What brought the person: as the opening remembers it, else as the address or cookie say."""
    if known is not None:
        return known.opening.brought_by
    async with http.house(request).database.connection() as conn:
        return await brought_by(conn, request)


def _pole(
    request: Request, step: str, person: Person | None, known: Progress | None, path: Path
) -> dict[str, Any]:
    """The steps, which of them is open, and what comes after it."""
    open_step: Step = "phone" if step == "code" else step  # type: ignore[assignment]
    steps = _steps(request, open_step, person, known, path)
    number = next(each["place"] for each in steps if each["name"] == open_step) + 1
    later = [each["name"] for each in steps[number:] if each["state"] != "done"]
    return {
        "steps": steps,
        "number": number,
        "minutes_left": max(1, (3 if path == "viral" else 5) - number),
        "next_name": later[0] if later else None,
        "may_skip": may_skip(known, open_step),
    }


def _here(step: str, known: Progress | None) -> str:
    """The address that shows this step again."""
    if step in ("phone", "code"):
        return addresses.OPENING + ("/phone/code" if step == "code" else "")
    return step_url(step, known)


def may_skip(known: Progress | None, step: Step) -> bool:
    """Identity and card may wait on the viral path, until they were put off once."""
    if known is None or known.opening.path != "viral" or step not in ("identity", "card"):
        return False
    return dict(known.steps)[step] in ("todo", "refused")


def _steps(
    request: Request, open_step: str, person: Person | None, known: Progress | None, path: Path
) -> list[dict[str, Any]]:
    rows = []
    found = states(known, path, signed_in=person is not None)
    for place, (name, state) in enumerate(found.items()):
        shown = "now" if name == open_step else _SHOWN[state]
        again = known is not None and state in ("refused", "later")
        rows.append(
            {
                "place": place,
                "name": name,
                "state": shown,
                "said": summary(request, name, person, known),
                "change_url": step_url(name, known) if again else None,
            }
        )
    return rows


def step_url(step: str, known: Progress | None) -> str:
    """The address of one step of an opening."""
    shop = f"?shop={known.shop.shop_id}" if known else ""
    return f"{addresses.OPENING}/{step}{shop}"


def summary(request: Request, step: str, person: Person | None, known: Progress | None) -> str:
    """What was said in a step, masked."""
    keyring = http.house(request).keyring
    if step == "phone":
        return person.masked_phone(keyring) if person else ""
    if known is None:
        return ""
    if step == "shop":
        return known.shop.name
    if step == "identity":
        sealed = known.merchant.name_sealed if known.merchant else None
        return crypto.mask_name(keyring.open(sealed)) if sealed else ""
    if known.card is None:
        return ""
    bank = cards.bank(known.card.bank_code)
    name = bank.name(pages.locale_of(request)) if bank else known.card.bank_code
    return f"{name} **** {known.card.tail}"


def today(request: Request) -> date:
    """The calendar day of this request in China."""
    return http.now(request).astimezone(SHANGHAI).date()

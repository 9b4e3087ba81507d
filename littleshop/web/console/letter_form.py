"""The form on which a seller writes a letter that asks to be paid: as typed, and what it makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec
from starlette.requests import Request

from littleshop import db, http
from littleshop.catalog import products, shipping_rates
from littleshop.catalog.drafts import tidy
from littleshop.catalog.products import Variant
from littleshop.errors import Refused
from littleshop.http import AtWork
from littleshop.i18n import SIGNS
from littleshop.identity import phones
from littleshop.money import Money
from littleshop.pricing import postage
from littleshop.sale.inviting import Own, Photo
from littleshop.trade import invitation_lists
from littleshop.trade.invitations import InvitationDraft, Named
from littleshop.web import addresses, forms, wish_views
from littleshop.web.forms import Form, Kept

OWN_LINES = 3
MOST_SHELF = 80
FIRST = 4  # that stand open; the others come on demand
HOURS = (24, 72, 168, 720)
SHIP_DAYS = (3, 5, 7, 10, 15)
PHOTOS = OWN_LINES
_TYPED = ("to_name", "phone", "words", "shipping", "uses", "hours", "ship_days", "keeps")


class Thing(msgspec.Struct, frozen=True):
    """A variant on the shelf that can be picked."""

    product_id: UUID
    variant: Variant
    title: str
    picture_url: str


class Written(msgspec.Struct):
    """A form as it was sent: what is typed, what is wrong with it, and what it makes."""

    form_key: UUID
    kind: str
    form: dict[str, Any]
    errors: dict[str, Any] = {}
    kept: dict[int, Kept] = {}
    letter: InvitationDraft | None = None
    picked: tuple[Named, ...] = ()
    own: tuple[Own, ...] = ()


async def shelf(conn: db.Connection, shop_id: int, about: UUID | None = None) -> list[Thing]:
    """What can be picked: every variant on sale, those that were asked `about` first, then those of
    the last letters, then in the shop's order."""
    found: list[Thing] = []
    for each in await products.listing(conn, shop_id, most=MOST_SHELF):
        picture = addresses.photo(each.photo, 360) if each.photo else ""
        for variant in await products.variants(conn, shop_id, each.product_id):
            if variant.supplied:
                continue  # another shop ships it: its order is not this shop's
            title = " · ".join((each.title, *variant.choice))
            found.append(Thing(each.product_id, variant, title, picture))
    asked = {
        each: place for place, each in enumerate(await invitation_lists.lately_named(conn, shop_id))
    }
    found.sort(
        key=lambda each: (
            each.product_id != about,
            asked.get(each.variant.variant_id, len(asked)),
        )
    )
    return found[:MOST_SHELF]


def blank(work: AtWork, kind: str, things: Sequence[Thing], asked: dict[str, str]) -> Written:
    """The form before anything is typed; `asked` may name a variant or the person."""
    form: dict[str, Any] = {"uses": "1", "hours": "24"}
    form["to_name"] = asked.get("name", "")
    for thing in things:
        name = str(thing.variant.variant_id)
        form[f"p-{name}"] = forms.shown(thing.variant.price_minor, work.shop.currency)
        if name == asked.get("variant"):
            form[f"q-{name}"] = "1"
    return Written(uuid4(), kind, form, errors={}, kept={})


async def read(
    request: Request, work: AtWork, form: Form, things: Sequence[Thing], wish_id: UUID | None
) -> Written:
    """The form as it was typed; without errors it has a letter and lines."""
    kind = "amount" if form.text("kind", 10) == "amount" else "goods"
    names = [f"{mark}-{each.variant.variant_id}" for each in things for mark in "qp"]
    names += [f"own-{place}-{part}" for place in range(OWN_LINES) for part in _OWN_PARTS]
    written = Written(
        forms.key(form.text("form_key", 40), uuid4()),
        kind,
        {name: form.text(name, 2000) for name in (*_TYPED, *names)},
        errors={},
        kept={},
    )
    if kind == "goods":
        written.picked = _picked(request, work, written, things)
        await _keep_photos(request, work, written, form)
    written.own = _own(request, work, written)
    written.letter = _letter(request, work, written, wish_id)
    return written


_OWN_PARTS = ("title", "price", "quantity")


def _number(request: Request, written: Written, name: str, least: int, most: int, at: str) -> int:
    try:
        found = forms.count(written.form.get(name) or str(least))
        if not least <= found <= most:
            raise Refused("quantity_wrong", most=most)
    except Refused as no:
        written.errors[at] = forms.said(request, no)
        return least
    return found


def _price(
    request: Request, work: AtWork, written: Written, name: str, *, free: bool = False
) -> int:
    try:
        amount = (forms.fee if free else forms.price)(written.form[name], work.shop.currency)
    except Refused as no:
        written.errors[name] = forms.said(request, no)
        return 0
    return amount


def _picked(
    request: Request, work: AtWork, written: Written, things: Sequence[Thing]
) -> tuple[Named, ...]:
    found = []
    for thing in things:
        name = str(thing.variant.variant_id)
        pieces = _number(request, written, f"q-{name}", 0, 999, f"p-{name}")
        if pieces:
            minor = _price(request, work, written, f"p-{name}", free=True)
            found.append(Named(thing.product_id, thing.variant.variant_id, pieces, minor))
    return tuple(found)


async def _keep_photos(request: Request, work: AtWork, written: Written, form: Form) -> None:
    """The photo of each line of his own, or the one a refused try had."""
    keyring, person = http.house(request).keyring, work.person.person_id.bytes
    for place in range(OWN_LINES):
        found = await forms.photos(request, form.files(f"own-{place}-photo")[:1], person)
        before = forms.unseal(keyring, form.text(f"own-{place}-kept"), Kept)
        kept = found.kept[0] if found.kept else before
        if kept is not None:
            written.kept[place] = kept
        if found.wrong:
            written.errors[f"own-{place}-photo"] = found.wrong[0]


def _own(request: Request, work: AtWork, written: Written) -> tuple[Own, ...]:
    """The lines that were typed; one without a name and a price is none."""
    found = []
    for place in range(OWN_LINES if written.kind == "goods" else 1):
        title, price = (tidy(written.form[f"own-{place}-{part}"]) for part in ("title", "price"))
        if not (title or price or place in written.kept):
            continue
        if not title:
            no = Refused("product_title_empty")
            written.errors[f"own-{place}-title"] = forms.said(request, no)
        minor = _price(request, work, written, f"own-{place}-price")
        name = f"own-{place}-quantity"
        pieces = _number(request, written, name, 1, 999, name)
        kept = written.kept.get(place)
        photo = Photo(kept.file, kept.width, kept.height, kept.colour) if kept else None
        found.append(Own(title[:120], minor, pieces, photo))
    return tuple(found)


def _letter(
    request: Request, work: AtWork, written: Written, wish_id: UUID | None
) -> InvitationDraft | None:
    form, goods = written.form, written.kind == "goods"
    keyring = http.house(request).keyring
    if not written.picked and not written.own:
        written.errors["form"] = forms.said(request, Refused("invitation_empty"))
    phone = _phone(request, work, written)
    shipping: int | None = 0
    if goods and by_region(work, form["shipping"]):
        shipping = None
    elif goods and not form["shipping"].strip():
        shipping = postage.usual(shipping_rates.of_shop(work.shop), _goods(written))
    elif goods:
        shipping = _price(request, work, written, "shipping", free=True)
    uses = _number(request, written, "uses", 1, 200, "uses")
    keeps = goods and form["keeps"] == "yes"
    if keeps and uses > 1:
        written.errors["keeps"] = forms.said(request, Refused("invitation_keeps_one"))
    days = _one_of(request, written, "ship_days") if form["ship_days"] else None
    hours = _one_of(request, written, "hours")
    if written.errors:
        return None
    return InvitationDraft(
        to_name=tidy(form["to_name"])[:40],
        phone_sealed=keyring.seal(phone) if phone else None,
        phone_index=keyring.index(phone) if phone else None,
        words=wish_views.words(form["words"]),
        way="goods" if goods else "none",
        currency=work.shop.currency,
        shipping_minor=shipping,
        uses=uses,
        keeps=keeps,
        ship_days=days,
        hours=hours,
        wish_id=wish_id,
    )


def _goods(written: Written) -> int:
    """What its goods come to, in minor units."""
    named = sum(each.unit_minor * each.quantity for each in written.picked)
    return named + sum(each.unit_minor * each.quantity for each in written.own)


def by_region(work: AtWork, typed: str) -> bool:
    """Whether a letter leaves its postage to the shop's standard rate: the field is empty."""
    return work.shop.rate_id is not None and not typed.strip()


def _phone(request: Request, work: AtWork, written: Written) -> str:
    if not written.form["phone"]:
        return ""
    try:
        return phones.parse(written.form["phone"]).e164
    except Refused as no:
        written.errors["phone"] = forms.said(request, no)
        return ""


def _one_of(request: Request, written: Written, name: str) -> int:
    try:
        return chosen(name, written.form[name])
    except Refused as no:
        written.errors[name] = forms.said(request, no)
        return 0


def chosen(name: str, text: str) -> int:
    """A number that a form offers: hours or ship_days. Raises Refused: letter_hours,
    letter_ship_days."""
    if text not in map(str, {"hours": HOURS, "ship_days": SHIP_DAYS}[name]):
        raise Refused(f"letter_{name}")
    return int(text)


def context(
    request: Request, work: AtWork, written: Written, things: Sequence[Thing]
) -> dict[str, Any]:
    """The form as its template wants it."""
    keyring = http.house(request).keyring
    return {
        "kind": written.kind,
        "form": written.form,
        "errors": written.errors,
        "form_key": str(written.form_key),
        "things": (shown := _opened([_shown(written, thing) for thing in things])),
        "first": max(FIRST, sum(bool(each["quantity"] or each["error"]) for each in shown)),
        "own": [
            {
                "place": place,
                "kept": forms.seal(keyring, kept) if (kept := written.kept.get(place)) else "",
                "url": addresses.photo(kept.file, kept.url_width(360)) if kept else "",
                "open": bool(written.form.get(f"own-{place}-title")),
            }
            for place in range(OWN_LINES)
        ],
        "by_region": work.shop.rate_id is not None,
        "usual": Money(work.shop.shipping_flat_minor, work.shop.currency),
        "free_over": None
        if work.shop.shipping_free_over_minor is None
        else Money(work.shop.shipping_free_over_minor, work.shop.currency),
        "hours": HOURS,
        "ship_days": SHIP_DAYS,
        "sign": SIGNS.get(work.shop.currency, work.shop.currency),
    }


def _opened(things: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was picked, or is wrong, stands first."""
    return sorted(things, key=lambda each: not (each["quantity"] or each["error"]))


def _shown(written: Written, thing: Thing) -> dict[str, Any]:
    name = str(thing.variant.variant_id)
    return {
        "id": name,
        "title": thing.title,
        "picture_url": thing.picture_url,
        "price": thing.variant.price,
        "spare": thing.variant.spare,
        "quantity": written.form.get(f"q-{name}") or "",
        "asks": written.form.get(f"p-{name}") or "",
        "error": written.errors.get(f"p-{name}", ""),
    }

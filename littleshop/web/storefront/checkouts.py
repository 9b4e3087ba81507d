"""What a checkout form says, read strictly, and the lines that a quote becomes for people."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request

from littleshop import http, i18n
from littleshop.catalog import exceptions, local_deliveries, provinces
from littleshop.catalog.drafts import tidy
from littleshop.catalog.local_deliveries import Local
from littleshop.errors import Refused
from littleshop.identity import phones
from littleshop.money import Money
from littleshop.pricing import bringing
from littleshop.pricing.facts import VariantFacts
from littleshop.pricing.quotes import Item, Quote
from littleshop.sale.placing import Said
from littleshop.shop.shops import Shop
from littleshop.trade import regions
from littleshop.trade.orders import Delivery
from littleshop.web import forms
from littleshop.web.storefront import askers

MOST_BYTES = 64 * 1024
MOST_FIELDS = 200
_ESCAPES = re.compile(rb"(?:%[0-9a-fA-F]{2})+")
_QUANTITY = re.compile(r"[0-9]{1,3}")
FIELDS = ("recipient", "phone", "province", "city", "district", "street", "note", "pasted",
          "pasted_before", "place", "spot")  # fmt: skip
LONGEST = {"recipient": 40, "province": 40, "city": 40, "district": 40, "street": 120, "note": 200}
WAYS = {
    "courier": "courier",
    "by_hand": "pickup",
    "none": "none",
    "local": "local",
}  # the page's word and ours
COURIER_DAYS = 3
GIFT = "gift"  # the form's `as`: its recipient says where to


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a posted form, the last value of each. Raises Refused("form_too_large")."""
    return fields_of(await forms.body(request, MOST_BYTES))


def fields_of(body: bytes) -> dict[str, str]:
    """What urllib's parse_qsl reads, the last value of each name, in a third of its time.

    Raises Refused("form_too_large") for more than 200 fields.
    """
    pairs = body.replace(b"+", b" ").split(b"&")
    if len(pairs) > MOST_FIELDS:
        raise Refused("form_too_large")
    split = (pair.partition(b"=") for pair in pairs if pair)
    return {_text(name): _text(value).replace("\x00", "") for name, _, value in split}


def _text(word: bytes) -> str:
    if b"%" in word:
        word = _ESCAPES.sub(_unescaped, word)
    return word.decode("utf-8", "replace")


def _unescaped(run: re.Match[bytes]) -> bytes:
    return bytes.fromhex(run[0].replace(b"%", b"").decode())


def items_of(text: str) -> tuple[Item, ...]:
    """The lines a checkout page was drawn for, "variant:quantity,...". Raises Refused."""
    items = []
    for part in text.split(",")[:50]:
        variant, _, quantity = part.partition(":")
        try:
            if not _QUANTITY.fullmatch(quantity):
                raise ValueError(quantity)
            items.append(Item(UUID(variant), int(quantity)))
        except ValueError:
            raise Refused("cart_empty") from None
    return tuple(items)


class Bag(msgspec.Struct, frozen=True):
    """What one checkout is about; a new attempt with the same cart replaces the one before. `team`:
    the token of the team in which it takes a seat, "new" to open one, "" to buy alone."""

    items: tuple[Item, ...]
    cart_id: UUID
    team: str = ""


def bag_of(form: Mapping[str, str]) -> Bag:
    """What a checkout page was drawn for. Raises Refused, NotFound."""
    cart_id, team = http.uuid(form.get("cart", "")), form.get("team", "")
    return Bag(items_of(form.get("items", "")), cart_id, team)


def count(request: Request, delivery: Delivery, device: bytes) -> None:
    """Count that somebody orders. Nobody verified the phone: counted alone, a stranger could shut
    its owner out. Raises Refused: too_many."""
    address = http.address(request)
    http.check_limits(request, "checkout", f"{delivery.phone} {address}", device, address)


def total_of(form: Mapping[str, str]) -> int:
    """The sum that stood on the page, in minor units. Raises Refused."""
    total = form.get("total", "")
    if not (total.isascii() and total.isdigit() and len(total) < 16):
        raise Refused("cart_empty")
    return int(total)


def key_of(form: Mapping[str, str]) -> str:
    """The page's own key (`fresh_key`). Raises Refused for none of ours."""
    key = form.get("key", "")
    if not 16 <= len(key) <= 64:
        raise Refused("cart_empty")
    return key


def pieces(text: str) -> int:
    """How many of a thing, or -1, which nobody sells, for what is no number."""
    return int(text) if text.isdecimal() and len(text) < 5 else -1


def choice_of(form: Mapping[str, str]) -> tuple[str, ...]:
    """The values chosen on a product's page, axis by axis."""
    chosen: list[str] = []
    while (value := form.get(f"option_{len(chosen)}")) is not None:
        chosen.append(value)
    return tuple(chosen)


def way_of(form: Mapping[str, str], shop: Shop) -> str:
    """How it is handed over: as chosen, where the shop has a place to fetch it from; none where the
    page said that nobody carries it, which the quote knows better."""
    way = WAYS.get(form.get("delivery", ""), "courier")
    if way == "local":
        return "courier" if form.get("as") == GIFT else way
    return way if shop.pickup_place or way == "none" else "courier"


def region_of(form: Mapping[str, str]) -> str:
    """The code of the province in which it is to be handed over, as far as the form says it."""
    if form.get("as") == GIFT:
        return provinces.ELSEWHERE
    if form.get("delivery") == "local":
        return spot_of(form)
    return provinces.code_of(form.get("province", ""))


def spot_of(form: Mapping[str, str]) -> str:
    """Where a local delivery goes: a place that the shop names, else where the phone is."""
    return plain(form.get("place", ""))[:40] or form.get("spot", "")[:60]


def items_text(items: Sequence[Item]) -> str:
    """The same lines as a form field."""
    return ",".join(f"{item.variant_id}:{item.quantity}" for item in items)


def delivery_of(form: Mapping[str, str], way: str) -> tuple[Delivery | None, dict[str, Refused]]:
    """Where to, or what is wrong with each field; of a gift only who gives it."""
    said = {name: plain(form.get(name, "")) for name in FIELDS}
    wrong: dict[str, Refused] = {}
    for name, most in LONGEST.items():
        if len(said[name]) > most:
            wrong[name] = Refused("field_too_long", have=len(said[name]), most=most)
    if not said["recipient"]:
        wrong["recipient"] = Refused("recipient_empty")
    phone = ""
    try:
        phone = phones.parse(said["phone"]).e164
    except Refused as no:
        wrong["phone"] = no
    if way in ("courier", "local") and form.get("as") != GIFT:
        if said["province"] not in regions.provinces():
            wrong["province"] = Refused("province_empty")
        if not said["city"]:
            wrong["city"] = Refused("city_empty")
        if len(said["street"]) < 2:
            wrong["street"] = Refused("street_empty")
    if way == "local" and not spot_of(form):
        wrong["place"] = Refused("local_where")
    if wrong:
        return None, wrong
    where = {name: said[name] for name in ("province", "city", "district", "street")}
    if way not in ("courier", "local") or form.get("as") == GIFT:
        where = {}
    return Delivery(name=said["recipient"], phone=phone, **where), {}


def recounted(request: Request, form: Mapping[str, str]) -> tuple[dict[str, str], str | None]:
    """The form of a smaller button, with a pasted address in its fields when that was asked for,
    and the piece of the page that answers it: to a script only its sums."""
    piece = "sums" if request.headers.get("hx-request") else None
    return sorted_out(form) if form.get("then") == "split" else dict(form), piece


def sorted_out(form: Mapping[str, str]) -> dict[str, str]:
    """The form with the pasted address in its fields. Of the text that was pasted before nothing
    stays; what was typed by hand stays where this one says nothing."""
    text = form.get("pasted", "")
    before, found = _address(form.get("pasted_before", "")), _address(text)
    gone = {name: "" for name, value in before.items() if value == form.get(name)}
    return {**form, **gone, **found, "pasted_before": text}


def _address(text: str) -> dict[str, str]:
    """What a pasted text says of the fields."""
    found = regions.parse_address(text)
    said = {
        "recipient": found.name,
        "phone": found.phone,
        "province": found.province,
        "city": found.city,
        "district": found.district,
        "street": found.detail,
    }
    return {name: value for name, value in said.items() if value}


def plain(text: str) -> str:
    """One line without control and direction marks; what people type needs no second look."""
    tidied = " ".join(text.split())
    return tidied if tidied.isprintable() else tidy(tidied)


def lines(locale: str, quote: Quote, seller: str) -> list[SimpleNamespace]:
    """The receipt's lines as people read them; `seller` gave what is off."""
    pieces = sum(line.quantity for line in quote.lines if line.kind == "goods")
    label = i18n.t(locale, "storefront.basket.lines", count=pieces)
    shown = [_line(label, quote.goods, _agreed(locale, quote))]
    shown += askers.lines(locale, quote, seller)
    postage = next(line for line in quote.lines if line.kind == "shipping")
    label, given = i18n.t(locale, "checkout.postage"), postage.source is not None
    if given:
        reason = i18n.t(locale, "privileges.why.postage", seller=seller, label=postage.label)
    else:
        reason = i18n.t(locale, f"checkout.postage.{postage.reason}")
    shown.append(_line(label, postage.amount, reason, good=given))
    return shown


def _agreed(locale: str, quote: Quote) -> str | None:
    """Why the goods cost less than on the shelf, and what they cost there."""
    other = [line for line in quote.lines if line.shelf_minor is not None]
    if not other:
        return None
    shelf = sum(line.shelf_minor * line.quantity for line in other if line.shelf_minor)
    said = i18n.money(locale, Money(shelf, quote.total.currency))
    return i18n.t(locale, f"checkout.agreed.{other[0].reason}", shelf=said)


def _line(label: str, amount: object, reason: str | None, *, good: bool = False) -> SimpleNamespace:
    return SimpleNamespace(label=label, amount=amount, reason=reason, good=good)


def shown_items(quote: Quote) -> list[SimpleNamespace]:
    """The goods of a quote for the page."""
    return [
        SimpleNamespace(
            title=line.facts.title,
            choice=line.facts.choice,
            picture=picture(line.facts),
            price=line.amount,
            quantity=line.quantity,
            no_return=line.facts.no_return_why,
        )
        for line in quote.lines
        if line.facts is not None
    ]


def said_text(said: Said) -> str:
    """What the page says beside its price, as a form field."""
    return msgspec.json.encode(said).decode()


def said_of(form: Mapping[str, str]) -> Said | None:
    """What the page said beside its price; None for a form that no page of now made. Raises
    Refused for what we never said."""
    text = form.get("said", "")
    try:
        return msgspec.json.decode(text, type=Said) if text else None
    except msgspec.MsgspecError:
        raise Refused("terms_changed") from None


def asks_tick(said: Said | None) -> bool:
    """Whether buyers have to say that they know: these exceptions hold only when confirmed."""
    return said is not None and any(
        why in exceptions.WHEN_CONFIRMED for why in said.no_return.values()
    )


def unseen(form: Mapping[str, str]) -> dict[str, Refused]:
    """The tick that is missing, if any. Raises Refused for what we never said."""
    if asks_tick(said_of(form)) and form.get("no_return_seen") != "yes":
        return {"no_return": Refused("no_return_unseen")}
    return {}


def picture(facts: VariantFacts) -> SimpleNamespace | None:
    """The picture of a variant's product."""
    return SimpleNamespace(digest=facts.photo, alt=facts.title) if facts.photo else None


def problems(request: Request, wrong: Mapping[str, Refused]) -> SimpleNamespace:
    """The sentence of each refusal at its field."""
    named = dict.fromkeys((*FIELDS, "method", "no_return", "from_name", "form"))
    said = {name: forms.said(request, no) for name, no in wrong.items()}
    return SimpleNamespace(**(named | said))


def deliveries(locale: str, shop: Shop, quote: Quote, way: str, at: datetime) -> list[Any]:
    """The ways to hand over that this shop offers; none where nobody carries it."""
    if way == "none":
        return []
    fee = next(line.amount for line in quote.lines if line.kind == "shipping")
    today = at.astimezone(ZoneInfo(shop.zone)).date()
    day = i18n.day(locale, arrives_on(today), today)
    ways = [
        SimpleNamespace(
            code="courier",
            name=i18n.t(locale, "checkout.courier"),
            promise=i18n.t(locale, "checkout.courier_promise", day=day),
            fee=fee if way == "courier" else None,
            asks=quote.depends,
            chosen=way == "courier",
        )
    ]
    if shop.pickup_place:
        ways.append(
            SimpleNamespace(
                code="by_hand",
                name=i18n.t(locale, "checkout.by_hand"),
                promise=shop.pickup_place,
                fee=None,
                chosen=way == "pickup",
            )
        )
    if local := _local(locale, quote, way):
        ways.append(local)
    return ways


def _local(locale: str, quote: Quote, way: str) -> SimpleNamespace | None:
    """Bringing it, where the shop does: `places` that can be chosen with what each costs,
    `locates` whether a phone may say where it is."""
    facts = next(line.facts for line in quote.lines if line.facts is not None)
    if facts.local is None:
        return None
    local = msgspec.convert(facts.local, Local)
    chosen = way == "local"
    least = bringing.of(facts.local, "", quote.goods)
    fee = i18n.money(locale, Money(least.minor, facts.currency))
    floor = Money(local.least_minor, facts.currency)
    return SimpleNamespace(
        code="local",
        name=i18n.t(locale, "local.checkout"),
        promise=i18n.t(locale, "local.least", least=floor) if floor else "",
        fee=quote.shipping if chosen and not quote.depends else None,
        asks=False,
        from_=i18n.t(locale, "local.from", fee=fee) if least.depends else fee,
        chosen=chosen,
        locates=local.lat_e6 is not None,
        places=[
            (name, i18n.money(locale, Money(band.fee_minor, facts.currency)))
            for name, band in local_deliveries.places(local.bands)
        ],
    )


def arrives_on(today: date) -> date:
    """The day we name for a parcel ordered today: shipped tomorrow, three days on the road."""
    return date.fromordinal(today.toordinal() + 1 + COURIER_DAYS)


def fresh_key() -> str:
    """The page's own key: one page places one order."""
    return secrets.token_urlsafe(16)

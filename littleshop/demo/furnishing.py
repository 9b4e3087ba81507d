"""Furnishing: the shops with their people, goods and pictures, by the flows a person uses.

A shop is furnished in one transaction, so a second start finds it whole or not at all.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

from littleshop import db, demo, ids
from littleshop.catalog import drafts, photos, products
from littleshop.catalog.drafts import Option, ProductDraft, VariantDraft
from littleshop.clock import BusinessCalendar
from littleshop.crypto import Keyring
from littleshop.demo import Goods, Store, Variation, purchasing
from littleshop.demo.past import Held, Past
from littleshop.demo.planning import DAYS, Plan
from littleshop.demo.playing import Stage, variant_ids
from littleshop.entry import opening, verifying
from littleshop.files import Files
from littleshop.identity import people, phones
from littleshop.identity.people import Person
from littleshop.identity.verifier import Verdict
from littleshop.shop import cards, merchants, shops, staff
from littleshop.shop.shops import Face
from littleshop.social import shares
from littleshop.trade import teams
from littleshop.web import addresses

_NAMES = UUID("3b1b0c0e-52a4-4a55-9a2d-6f2f0f9f7a10")
PICKUP = {
    "xiaoman": "景德镇三宝国际陶艺村 18 号，窑房左手第二间",
    "adas-corner": "Wukang Road 376, the workshop in the yard, ring twice",
    "banye": "苏州平江路大儒巷 12 号，半页书店",
    "night-owl": "Yuyuan Road 546, lane house 4, first floor",
}


async def hang_pictures(files: Files) -> None:
    """Every picture of the town, as it was encoded ahead; what is there is written again."""
    await asyncio.gather(*(files.put(demo.picture(key)) for key in sorted(demo.picture_keys())))


async def furnish(past: Past, keyring: Keyring, store: Store, plan: Plan) -> None:
    """Open a shop before its plan begins and fill its shelves; done once."""

    async def whole(conn: db.Connection) -> None:
        if await shops.by_slug(conn, store.slug) is None:
            await _furnish(conn, keyring, store, plan)

    await past.transaction(whole)


async def _furnish(conn: db.Connection, keyring: Keyring, store: Store, plan: Plan) -> None:
    at = plan.until - timedelta(days=DAYS + 4)
    phone = phones.parse(store.seller.phone)
    owner = await people.meet(conn, keyring, phone, locale=store.locale, at=at)
    shop_id = await _open(conn, keyring, store, owner, at)
    await shops.set_shipping(
        conn,
        shop_id,
        flat_minor=store.shipping.fee_minor,
        free_over_minor=store.shipping.free_over_minor,
        pickup_place=PICKUP.get(store.slug),
    )
    kinds: dict[UUID, Variation] = {}
    for place, goods in enumerate(reversed(store.products)):  # the last one made lies on top
        moment = at + timedelta(minutes=20 + 9 * place)
        kinds |= await _shelve(conn, store, shop_id, goods, owner.person_id, moment)
    bought_at = at + timedelta(hours=6)
    await purchasing.buy(conn, keyring, store, plan, shop_id, owner.person_id, kinds, bought_at)
    for share, shared_at in zip(store.shares, plan.shared_at, strict=True):
        await shares.make(
            conn,
            shop_id,
            product_id=product_id(store, share.product) if share.product else None,
            channel=share.channel,
            label=share.name,
            person_id=owner.person_id,
            at=shared_at,
        )


async def _open(
    conn: db.Connection, keyring: Keyring, store: Store, owner: Person, at: datetime
) -> int:
    """The four steps of opening; the authority answered a minute after it was asked."""
    held, papers = Held(conn), store.seller.identity
    begun = await opening.begin(held, owner, path="front", locale=store.locale, at=at)
    shop_id = begun.shop.shop_id
    await opening.identify(
        held,
        keyring,
        owner.person_id,
        shop_id,
        name=papers.legal_name,
        id_number=papers.id_number,
        consent=True,
        at=at,
    )
    merchant = await merchants.find(conn, shop_id)
    assert merchant is not None
    later = at + timedelta(minutes=1)
    yes = Verdict(match=True)
    await verifying.hear_identity(held, shop_id, merchant.check_id, yes, at=later)
    await opening.bind_card(held, keyring, owner, shop_id, number=papers.card_number, at=later)
    card = await cards.active(conn, shop_id)
    assert card is not None
    later += timedelta(minutes=1)
    await verifying.hear_card(held, keyring, card, yes, at=later)
    face = Face(
        name=store.name,
        slug=store.slug,
        line=store.line,
        picture=demo.picture(store.picture).hash,
        awning=store.awning,
        seller=store.seller.name,
        place=store.place,
        story=store.story,
        since_year=store.since,
    )
    await opening.name_shop(held, owner.person_id, shop_id, face, at=later)
    return shop_id


def product_id(store: Store, key: str) -> UUID:
    """The id of a product of the town, the same in every town."""
    return ids.derived(_NAMES, f"{store.slug} {key}")


async def _shelve(
    conn: db.Connection, store: Store, shop_id: int, goods: Goods, person_id: UUID, at: datetime
) -> dict[UUID, Variation]:
    """Put it on the shelf, of which nothing lies there yet; what its kinds are of the plan's."""
    colon = "：" if store.locale.startswith("zh") else ": "
    facts = "\n".join(f"{name}{colon}{told}" for name, told in goods.facts)
    draft = ProductDraft(
        title=goods.title,
        description="\n\n".join((goods.line, goods.description, facts)),
        options=tuple(Option(axis.name, axis.values, axis.colours) for axis in goods.axes),
        category=goods.category,
        status=goods.status,
        variants=tuple(
            VariantDraft(
                choice=variant.options,
                price_minor=variant.price_minor,
                stock=0,
                compare_at_minor=variant.compare_at_minor,
                sku=variant.sku,
            )
            for variant in goods.variants
        ),
        no_return=goods.no_return,
    )
    own = product_id(store, goods.key)
    await products.create(conn, shop_id, own, drafts.check(draft), at=at, person_id=person_id)
    made = await products.variants(conn, shop_id, own)
    if goods.team_of:
        prices = {each.variant_id: each.price.bps(goods.team_bps).minor // 10 * 10 for each in made}
        await teams.offer(conn, shop_id, own, goods.team_of, prices, at)
    for key in goods.pictures:
        picture = demo.picture(key)
        await photos.add(
            conn,
            shop_id,
            own,
            file=picture.hash,
            width=picture.width,
            height=picture.height,
            colour=picture.colour,
            at=at,
        )
    return {each.variant_id: kind for each, kind in zip(made, goods.variants, strict=True)}


async def stage(
    conn: db.Connection, keyring: Keyring, calendar: BusinessCalendar, store: Store
) -> Stage:
    """What the player needs to know of a furnished shop."""
    shop = await shops.by_slug(conn, store.slug)
    assert shop is not None, store.slug
    owner = (await staff.of_shop(conn, shop.shop_id))[0].person_id
    by_name = {
        (share.label, share.channel): share.code
        for share in await shares.named(conn, shop.shop_id)
        if share.person_id == owner
    }
    own = {goods.key: product_id(store, goods.key) for goods in store.products}
    return Stage(
        shop_id=shop.shop_id,
        keyring=keyring,
        calendar=calendar,
        variants=await variant_ids(conn, shop.shop_id, own),
        product_ids=own,
        codes=[by_name[shops.tidy(share.name), share.channel] for share in store.shares],
    )


def introduced(town: demo.Town, public_url: str) -> dict[str, object]:
    """What DIR/demo.json says: whose number opens which shop, and who may buy."""
    return {
        "sellers": [
            {
                "shop": store.name,
                "slug": store.slug,
                "seller": store.seller.name,
                "phone": store.seller.phone.removeprefix("+86"),
                "url": public_url + addresses.shop(store.slug),
            }
            for store in town.shops
        ],
        "buyers": [
            {"name": person.name, "phone": person.phone.removeprefix("+86")}
            for person in town.people[:3] + town.people[-3:]
        ],
    }

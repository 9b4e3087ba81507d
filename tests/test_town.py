"""The demo town as written down: everything in it must pass the doors a person passes."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from littleshop import demo
from littleshop.identity import numbers, phones
from littleshop.trade import regions

TODAY = date(2026, 11, 22)


def luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    return (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0


def test_sellers_have_papers_cards_and_phones_that_are_accepted() -> None:
    bins = json.loads((Path(demo.__file__).parents[1] / "shop" / "bins.json").read_text())["bins"]
    for shop in demo.as_written().shops:
        papers = shop.seller.identity
        assert numbers.parse(papers.id_number, on=TODAY)
        assert phones.parse(shop.seller.phone)
        assert luhn(papers.card_number)
        own = bins[papers.card_bank][f"debit {len(papers.card_number)}"].split()
        assert papers.card_number[:6] in own


def test_everybody_has_a_phone_of_their_own() -> None:
    town = demo.as_written()
    everybody = [s.seller.phone for s in town.shops] + [p.phone for p in town.people]
    assert len(set(everybody)) == len(everybody) >= 35
    for person in town.people:
        assert phones.parse(person.phone)


def test_buyers_live_in_places_that_exist() -> None:
    places = {(each.province, each.city, each.district) for each in regions.every()}
    for person in demo.as_written().people:
        home = person.address
        assert (home.province, home.city, home.district) in places, person.name


def test_goods_fit_the_catalogue() -> None:
    for shop in demo.as_written().shops:
        assert 6 <= len(shop.products) <= 14
        skus = [variant.sku for goods in shop.products for variant in goods.variants]
        assert len(set(skus)) == len(skus)
        for goods in shop.products:
            assert 1 <= len(goods.title) <= 120 and len(goods.axes) <= 3
            assert goods.category in shop.categories
            seen = [variant.options for variant in goods.variants]
            assert len(set(seen)) == len(seen)
            for variant in goods.variants:
                assert variant.price_minor > 0 and variant.stock >= 0
                assert (variant.compare_at_minor or variant.price_minor + 1) > variant.price_minor
                pairs = zip(variant.options, goods.axes, strict=True)
                assert all(option in axis.values for option, axis in pairs)


def test_every_picture_that_is_named_is_there_and_whole() -> None:
    named = set()
    for shop in demo.as_written().shops:
        named |= {shop.picture, shop.seller.face}
        for goods in shop.products:
            assert 1 <= len(goods.pictures) <= 4
            named |= set(goods.pictures)
    assert named <= demo.picture_keys()
    for key in named:
        picture = demo.picture(key)
        assert picture.widths and len(picture.card.content) < 300_000
    for credit in demo.as_written().credits:
        assert credit.picture in named and credit.licence and credit.author


def test_the_pictures_stay_small_enough_to_ship() -> None:
    total = sum(path.stat().st_size for path in demo.ART.rglob("*") if path.is_file())
    assert total < 12_000_000


def test_shares_name_goods_of_their_own_shop() -> None:
    for shop in demo.as_written().shops:
        known = {goods.key for goods in shop.products} | {None}
        assert all(share.product in known for share in shop.shares)
        assert len(shop.shares) >= 4


def test_people_like_shops_that_exist() -> None:
    slugs = {shop.slug for shop in demo.as_written().shops}
    assert all(set(person.tastes) <= slugs for person in demo.as_written().people)

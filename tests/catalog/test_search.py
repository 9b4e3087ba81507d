"""Search in a shop: by what people type, in two scripts, and by an index."""

from __future__ import annotations

from uuid import uuid4

from littleshop import db
from littleshop.catalog import drafts, products, search
from littleshop.catalog.drafts import Option, ProductDraft, VariantDraft
from tests.cast import Town

ONE = (VariantDraft((), 16800, 3),)
GAIWAN = ProductDraft(
    "青灰釉盖碗，松木柴烧 150ml", ONE, description="手工拉坯，落灰成釉。", category="茶器"
)
MUG = ProductDraft("Half-dipped mugs, Oat café", ONE, description="Thrown in Leith.")
SCARF = ProductDraft(
    "绿茶染的围巾", (VariantDraft(("月白",), 9600, 1),), options=(Option("颜色", ("月白",)),)
)


async def sells(town: Town, *things: ProductDraft) -> None:
    async def work(conn: db.Connection) -> None:
        for thing in things:
            await products.create(conn, town.shop_id, uuid4(), drafts.check(thing), at=town.at)

    await town.database.transaction(work)


async def found(town: Town, query: str) -> list[str]:
    async with town.database.connection() as conn:
        known = await search.find(conn, town.shop_id, query)
        return [(await products.get(conn, town.shop_id, each.product_id)).title for each in known]


TYPED = {
    GAIWAN.title: [
        "盖碗", "灰釉", "碗", "盖碗 松木", "松木柴烧", "gaiwan", "GaiWan", "gw", "qing", "qhygw",
        "songmuchai", "150", "１５０ｍｌ", "落灰", "茶器", "chaqi", "\x00盖\x00", "\ud800盖碗",
    ],
    MUG.title: ["mug", "Mugs!", "cafe", "leith", "half dipping"],
    SCARF.title: ["lvcha", "月白", "围巾", "yb"],
}  # fmt: skip
NOTHING = [
    "", "   ", "，。！？", "%", "' or 1=1 --", "\\", "@1001", "盖灰", "碗盖", "xyzzy", "a" * 5000,
    "🍵", "<script>", "盖碗" * 3000 + "x",
]  # fmt: skip


async def test_what_people_type_finds_the_thing_and_nothing_else(town: Town) -> None:
    await sells(town, GAIWAN, MUG, SCARF)
    for title, queries in TYPED.items():
        for query in queries:
            assert await found(town, query) == [title], query


async def test_hostile_long_and_empty_words_find_nothing_and_break_nothing(town: Town) -> None:
    await sells(town, GAIWAN)
    for query in NOTHING:
        assert await found(town, query) == [], query[:20]
        assert len(search.terms(query)) <= search.MOST_TERMS
        assert len(search.typed(query)) <= search.LONGEST_QUERY


async def test_a_title_is_found_first_a_hidden_thing_and_another_shops_never(town: Town) -> None:
    first = town.shop_id
    await sells(town, ProductDraft("茶巾", ONE, description="和盖碗一起用"), GAIWAN)
    hidden = ProductDraft("盖碗，裂了", ONE, status="hidden")
    await sells(town, hidden)
    await town.open_shop("对门", "duimen", "+8613900001002")
    await sells(town, ProductDraft("对门的盖碗", ONE))
    assert await found(town, "盖碗") == ["对门的盖碗"]
    town.shop_id = first
    assert await found(town, "盖碗") == [GAIWAN.title, "茶巾"]


async def test_what_was_written_before_search_was_is_found_once_the_worker_came(
    town: Town, owner: db.Connection
) -> None:
    await sells(town, GAIWAN, MUG)
    await owner.execute("delete from product_words")
    assert await found(town, "盖碗") == []
    assert await search.fill(town.database) == 2
    assert await search.fill(town.database) == 0
    assert await found(town, "盖碗") == [GAIWAN.title]
    await owner.execute("update product_words set made_by = 0, words = '{x}'")
    assert await search.fill(town.database) == 2
    assert await found(town, "gaiwan") == [GAIWAN.title]


async def test_an_edited_thing_is_found_by_its_new_words_only(town: Town) -> None:
    product_id = uuid4()
    draft = drafts.check(GAIWAN)
    await town.database.transaction(
        lambda conn: products.create(conn, town.shop_id, product_id, draft, at=town.at)
    )
    other = drafts.check(ProductDraft("紫砂小壶", ONE))
    await town.database.transaction(
        lambda conn: products.edit(conn, town.shop_id, product_id, other, at=town.at)
    )
    assert await found(town, "盖碗") == [] and await found(town, "小壶") == ["紫砂小壶"]


async def test_among_five_thousand_things_the_index_is_asked(
    town: Town, owner: db.Connection
) -> None:
    """Written by SQL: what is measured here is the plan, not the writing."""
    await owner.execute(
        "insert into products (shop_id, product_id, title, status, created_at, updated_at)"
        " select $1, gen_random_uuid(), 'thing ' || n, 'on_sale', $2, $2"
        "   from generate_series(1, 5000) n",
        town.shop_id,
        town.at,
    )
    shape = drafts.check(GAIWAN)
    filler = [word for word in search.words(shape, town.shop_id) if "碗" not in word]
    await owner.execute(
        "insert into product_words (shop_id, product_id, words, made_by)"
        " select shop_id, product_id, $2::text[] || title, 1 from products where shop_id = $1",
        town.shop_id,
        filler,
    )
    await sells(town, GAIWAN)
    await owner.execute("analyze products, product_words")
    wanted = search.of_shop(town.shop_id, search.terms("盖碗"))
    plan = [
        row[0] for row in await owner.fetch(f"explain (analyze, buffers off) {search.FIND}",
                                            town.shop_id, wanted, "盖碗")
    ]  # fmt: skip
    told = "\n".join(plan)
    assert "Bitmap Index Scan on product_words_search" in told
    assert "Seq Scan" not in told

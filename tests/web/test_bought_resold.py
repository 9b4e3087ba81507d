"""What the buyer of a re-sold thing is told: whom he pays, who ships, what becomes of his money."""

from __future__ import annotations

import re
from types import SimpleNamespace
from urllib.parse import unquote_plus
from uuid import UUID, uuid4

import httpx

from littleshop.sale import placing
from littleshop.web import pages
from tests.web import storefront_goods as goods
from tests.web.market import Market, reference_of
from tests.web.test_reselling import HERS, Counter, counter
from tests.web.test_talking import begins, says_more

SHE, HE = "何晓晓", "林小满"  # the seller he knows, and who ships


async def named(market: Market) -> Counter:
    """Her shop beside the market; both are kept by somebody with a name."""
    hers = await counter(market)
    async with market.world.house.database.connection() as conn:
        for shop_id, name in ((hers.shop_id, SHE), (market.shop_id, HE)):
            await conn.execute(
                "update shops set seller = $2, version = version + 1 where shop_id = $1",
                shop_id,
                name,
            )
    return hers


async def link(hers: Counter) -> str:
    """The buyer's link to the only order."""
    shop_id, order_id = (await hers.rows("select shop_id, order_id from orders"))[0]
    assert isinstance(shop_id, int) and isinstance(order_id, UUID)
    return "/o/" + placing.link(hers.market.world.house.keyring, shop_id, order_id)


async def bought(hers: Counter) -> httpx.Response:
    """He buys one, and is on the way to the rail."""
    await hers.basket(hers.product)
    return await hers.place(await hers.form())


async def shipped(hers: Counter) -> str:
    """The same, paid and sent: the order's page."""
    market = hers.market
    await market.notify(reference_of(await bought(hers)), total_amount="150.00")
    await market.world.work()
    parcel = {"carrier": "sf", "tracking_number": "SF1408223001001", "form_key": str(uuid4())}
    await market.seller.post(f"/console/{market.shop_id}/orders/1001/parcels", data=parcel)
    await market.world.work()
    return await link(hers)


def read(page: httpx.Response) -> str:
    """What stands on a page, without its markup."""
    body = re.sub(r"<(script|style|head).*?</\1>", "", page.text, flags=re.S)
    return re.sub(r"<[^>]+>", "", body)


async def test_he_pays_one_seller_all_the_way_and_another_ships(market: Market) -> None:
    hers = await named(market)
    product = read(await market.buyer.get(f"{HERS}/p/{hers.product}"))
    assert f"收到货才付给{SHE}" in product and f"到期就付给{SHE}" in product
    assert f"由小满茶器（{HE}）发货" in product and re.search(f"{HE}发货\\s*2 天", product)
    await hers.basket(hers.product)
    basket = read(await market.buyer.get(f"{HERS}/basket"))
    assert f"才付给{SHE}" in basket and f"付给{HE}" not in basket
    assert basket.count(f"由小满茶器（{HE}）发货") == 1
    checkout = await market.buyer.get(f"{HERS}/checkout", follow_redirects=True)
    assert f"才付给{SHE}" in read(checkout) and f"付给{HE}" not in read(checkout)
    assert f"由小满茶器（{HE}）发货" in read(checkout)
    sent = await hers.place(await hers.form())
    assert '"subject":"晓晓的小铺"' in unquote_plus(sent.headers["location"]).replace(": ", ":")
    paying = read(await market.buyer.get(f"{await link(hers)}/payment"))
    assert HE not in paying
    await market.books_balance()


async def test_after_receipt_no_one_shop_is_said_to_get_all_his_money(market: Market) -> None:
    hers = await named(market)
    order = await shipped(hers)
    page = read(await market.buyer.get(order))
    assert f"{HE}说寄出了" in page and f"还没给{SHE}" in page and f"付给{HE}" not in page
    assert "我们把 ¥150.00 付给店家" in page and "都收到了，付给店家" in page
    asked = read(await market.buyer.get(f"{order}/receipt"))
    assert "¥150.00 这就付给店家了" in asked and "都对，把 ¥150.00 付给店家" in asked
    assert HE not in asked and SHE not in asked
    assert (await market.buyer.post(f"{order}/receipt")).status_code == 303
    await market.world.work()
    done = read(await market.buyer.get(order))
    assert "都好了，钱付给店家" in done and "¥150.00 付给店家" in done and "归店家" in done
    english = read(await market.buyer.get(order, headers={"accept-language": "en"}))
    assert "The money goes to the shops" in english and "The shops are paid" in english
    market.world.later(days=9)
    late = read(await market.buyer.get(order))
    untrue = ("银行卡", "银行账户", f"付给{HE}", f"付给{SHE}", f"归{HE}", "¥100.00", "¥50.00")
    for shown in (done, late):
        for said in untrue:
            assert said not in shown, said
    await market.books_balance()


async def test_a_request_that_ends_without_money_says_the_same(market: Market) -> None:
    hers = await named(market)
    async with market.world.house.database.connection() as conn:
        await conn.execute("update shops set commission_bps = 500")
    order = await shipped(hers)
    wish = {"kind": "return", "reason": "not_wanted", "amount": "150.00", "words": "不想要了"}
    asked = await market.buyer.post(f"{order}/cases", data=wish | {"form_key": str(uuid4())})
    assert asked.status_code == 303, asked.text
    case = asked.headers["location"]
    desk = f"/console/{market.shop_id}/orders/1001/cases/{case.rsplit('/', 1)[1]}"
    yes = await market.seller.post(f"{desk}/agreement", data={"words": "寄到景德镇，林小满收"})
    assert yes.status_code == 303, yes.text
    page = read(await market.buyer.get(case))
    assert f"{HE}同意了" in page and "我们把 ¥150.00 付给店家" in page and f"付给{HE}" not in page
    hers_of_it = read(await market.seller.get(desk))
    assert "晓晓的小铺卖的" in hers_of_it  # whom the buyer will speak of
    asked_of_her = read(await hers.her.get(f"/console/{hers.shop_id}/resold"))
    assert "买家申请了售后，由小满茶器处理" in asked_of_her
    assert "¥95.00 归你" in hers_of_it and "¥150.00 归你" not in hers_of_it
    order_page = read(await market.seller.get(f"/console/{market.shop_id}/orders/1001"))
    assert "¥95.00 归你" in order_page and "¥150.00 归你" not in order_page


async def test_pages_about_his_order_wear_the_face_of_the_shop_he_knows(market: Market) -> None:
    hers = await named(market)
    async with market.world.house.database.connection() as conn:
        await conn.execute("update shops set awning = 'plum' where shop_id = $1", hers.shop_id)
        await conn.execute("update shops set awning = 'moss' where shop_id = $1", market.shop_id)
    order = await shipped(hers)
    wish = {"kind": "return", "reason": "not_wanted", "amount": "150.00", "words": "不想要了"}
    case = (
        await market.buyer.post(f"{order}/cases", data=wish | {"form_key": str(uuid4())})
    ).headers["location"]
    await market.buyer.post(f"{case}/withdrawal")
    asking = await market.buyer.get(f"{order}/cases")
    await market.buyer.post(f"{order}/receipt")
    review = await market.buyer.get(f"{order}/reviews/1")
    verify = await market.world.browser("zh-CN").get(f"{order}/code")
    for page in (await market.buyer.get(case), asking, review, verify):
        assert page.status_code == 200, page.url
        assert "aw-plum" in page.text and "aw-moss" not in page.text, page.url
    note = f"在晓晓的小铺买的，由小满茶器（{HE}）发货，有问题也由它售后"
    assert note in asking.text and note in (await market.buyer.get(case)).text


async def test_a_basket_of_what_was_withdrawn_says_why_nothing_is_paid_and_leads_to_the_shop(
    market: Market,
) -> None:
    hers = await named(market)
    await hers.basket(hers.product)
    page = await market.buyer.get(f"{HERS}/basket")
    assert page.text.count(f"由小满茶器（{HE}）发货") == 1 and "去付钱" in page.text
    its = f"/console/{market.shop_id}/goods/{market.product}/resale"
    await market.seller.post(its, data={"then": "withdraw"})
    gone = await market.buyer.get(f"{HERS}/basket")
    assert "篮子里的东西都买不到了" in gone.text and f'href="{HERS}">进店看看' in gone.text
    assert "这件在这家店买不到了" in gone.text and "发货" not in read(gone)
    pressed = re.findall(r'name="quantity" value="(\d+)"', gone.text)
    assert pressed == ["0"] and "去付钱" not in gone.text
    own = await market.world.add_product(hers.her, hers.shop_id, "茶杯", price="25.00")
    await hers.basket(own)
    both = await market.buyer.get(f"{HERS}/basket")
    assert "去付钱" in both.text and "¥25.00" in read(both).replace(" ", "")
    assert "都买不到" not in both.text and "要下 2 个单" not in both.text


async def test_a_basket_of_more_than_there_are_says_what_to_change(market: Market) -> None:
    hers = await named(market)
    await hers.basket(hers.product, pieces=11)
    page = await market.buyer.get(f"{HERS}/basket")
    assert "件数先照上面写的改好" in page.text and "btn go wide pay" not in page.text
    assert re.findall(r'name="quantity" value="(\d+)"', page.text) == ["0", "10", "12"]
    assert page.text.count(f"由小满茶器（{HE}）发货") == 1


async def test_on_time_is_the_shippers_word_and_stands_where_shipping_is_spoken_of(
    market: Market,
) -> None:
    hers = await named(market)
    for number in range(1001, 1006):
        await market.to_checkout()
        await market.notify(reference_of(await market.place()))
        await market.world.work()
        parcel = {"carrier": "sf", "tracking_number": f"SF140822300{number}"}
        parcel["form_key"] = str(uuid4())
        await market.seller.post(f"/console/{market.shop_id}/orders/{number}/parcels", data=parcel)
    page = read(await market.buyer.get(f"{HERS}/p/{hers.product}"))
    assert f"由小满茶器（{HE}）发货 · 近 90 天按时发货 100%" in page
    assert page.count("按时发货") == 1
    for name, said in (("on_time", False), ("buyers", True)):
        record = [SimpleNamespace(name=name, figure="98%", means="hers")]
        shown = goods.product(ships="小满茶器", record=record)
        drawn = pages.render("en", "storefront/product.html", **shown)
        assert ("98%" in drawn) is said


async def test_what_is_said_about_his_order_bears_the_name_and_the_face_that_he_knows(
    market: Market,
) -> None:
    hers = await named(market)
    own = {"title": "晓晓家的盖碗", "description": "", "price-0": "150", "then": "save"}
    listing = f"/console/{hers.shop_id}/goods/{hers.product}/resold"
    assert (await hers.her.post(listing, data=own)).status_code == 303
    async with market.world.house.database.connection() as conn:
        await conn.execute("update shops set awning = 'plum' where shop_id = $1", hers.shop_id)
        await conn.execute("update shops set awning = 'moss' where shop_id = $1", market.shop_id)
    place = f"{await shipped(hers)}/conversation"
    asking = await market.buyer.get(place)
    talk = (await begins(market.buyer, place, "几时到")).headers["location"]
    page, door = await market.buyer.get(talk), await market.world.browser("zh-CN").get(talk)
    assert "晓晓家的盖碗" in page.text and "青灰釉盖碗" not in page.text
    for shown in (asking, page, door):
        assert "aw-plum" in shown.text and "aw-moss" not in shown.text, shown.url
    desk = f"/console/{market.shop_id}/conversations"
    found = re.search(rf"{desk}/[0-9a-f-]{{36}}", (await market.seller.get(desk)).text)
    assert found is not None
    theirs = await market.seller.get(found[0])
    assert "青灰釉盖碗" in theirs.text and "买家看到的是「晓晓家的盖碗」" in theirs.text
    await says_more(market.seller, found[0], "明天到")
    await market.world.work()
    assert "晓晓的小铺" in market.world.inbox[-1][1]
    await market.books_balance()

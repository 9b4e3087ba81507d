"""The share kit on the pages: outlets, pass-codes, personal links, posters, cards inside WeChat."""

from __future__ import annotations

import hashlib
import io
import json
import re
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import zxingcpp
from PIL import Image

from littleshop import ids, pictures
from littleshop.social import credits, outlets, passcodes, wechat_official
from littleshop.social.credits import Buyer
from littleshop.social.tickets import Tickets
from littleshop.web import jssdk, touches
from tests.cast import WANTING
from tests.web.street import BAIDUSPIDER, DESK, PHONE, Street

WECHAT = "Mozilla/5.0 (iPhone) AppleWebKit Mobile/15E148 MicroMessenger/8.0.50"
SCRIPT = "https://res.wx.qq.com/open/js/jweixin-1.6.0.js"
TICKET = "a-ticket-of-wechat"


def follow(answer: httpx.Response) -> tuple[str, dict[str, str]]:
    """Where a way leads: the page, and what it is told."""
    assert answer.status_code == 303, answer.text[:300]
    place = urlsplit(answer.headers["location"])
    return f"{place.netloc}{place.path}", dict(parse_qsl(place.query))


async def made(street: Street) -> dict[str, int]:
    """How many shares there are, by channel."""
    async with street.database.connection() as conn:
        found = await conn.fetch(
            "select channel, count(*) as many from shares where shop_id = $1 group by channel",
            street.shop_id,
        )
    return {row["channel"]: row["many"] for row in found}


async def credited(street: Street, browser: httpx.AsyncClient) -> str | None:
    """What an order by this browser would be credited to."""
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    known = touches.remembered(cookies, street.shop_id)
    buyer = Buyer(b"b" * 32, street.keyring.index(WANTING.phone))
    async with street.database.connection() as conn:
        return await credits.credit(conn, street.shop_id, known, buyer, street.world.at)


def opens_with(street: Street, *, hosts: list[str] | None = None) -> None:
    """The platform has an official account, whose ticket is TICKET."""

    def answer(request: httpx.Request) -> httpx.Response:
        name = "ticket" if request.url.path.endswith("getticket") else "access_token"
        return httpx.Response(200, json={name: TICKET, "expires_in": 7200})

    rail = {"app_id": "wx5", "app_secret": "a-very-long-secret", "hosts": hosts or []}
    account = wechat_official.open_account(rail, httpx.MockTransport(answer))
    street.world.house.tickets = Tickets(street.database, street.keyring, account)


async def test_every_outlet_gets_a_link_with_a_share_of_its_own_and_no_script(
    street: Street,
) -> None:
    product_id = await street.sells()
    someone, root = street.stranger(), f"/@xiaoman/p/{product_id}/shares"
    page = (await someone.get(root)).text
    shown = set(re.findall(rf'href="{root}/([a-z_]+)"', page))
    assert shown == {*outlets.OUTLETS, "poster", "passcode", "personal"}
    links = set()
    for name, outlet in outlets.OUTLETS.items():
        if not outlet.page or outlet.closed_on:
            continue
        place, told = follow(await someone.get(f"{root}/{name}"))
        assert place == urlsplit(outlet.page)[1] + urlsplit(outlet.page)[2]
        (link,) = re.findall(r"http://shop.test/s/[0-9a-v]+-[2-9a-z]{6}", " ".join(told.values()))
        links.add(link)
        assert (await street.stranger().get(urlsplit(link).path)).status_code == 200
        if name in ("qq", "weibo", "x", "telegram"):
            assert "青灰釉盖碗，松木柴烧 <b>🍵</b>" in told.get("title", told.get("text", ""))
    assert len(links) == 8
    assert (await made(street)).keys() >= {"weibo", "x", "link", "qr", "wechat_moments"}
    await someone.get(f"{root}/weibo")
    assert (await made(street))["weibo"] == 1
    assert await street.status(someone, f"{root}/myspace") == 404


async def test_tencent_weibo_says_since_when_it_is_closed_and_keeps_its_address(
    street: Street,
) -> None:
    page = await street.stranger().get("/@xiaoman/shares/tencent_weibo")
    assert page.status_code == 200 and "2020 年 9 月 28 日" in page.text
    words = {"url": "http://a/s/1-a", "title": "碗&杯", "text": "看", "picture": "", "site": "l"}
    assert outlets.OUTLETS["tencent_weibo"].address(words) == (
        "http://share.v.t.qq.com/index.php?c=share&a=index"
        "&url=http%3A%2F%2Fa%2Fs%2F1-a&title=%E7%9C%8B&site=l"
    )
    assert await made(street) == {}


def test_what_works_where_a_page_is_open_comes_first() -> None:
    first = {
        inside: [each.name for each in outlets.arranged(inside, "zh-CN")[0]]
        for inside in ("wechat", "qq", "weibo", "alipay", "phone", "desktop")
    }
    assert first["wechat"] == ["wechat_friend", "wechat_moments"]
    assert first["qq"] == ["qq", "qzone"] and first["weibo"] == ["weibo"]
    assert first["alipay"] == [] and "weibo" in first["phone"]
    assert outlets.arranged("phone", "en")[0][0].name == "whatsapp"
    for inside in first:
        found, rest = outlets.arranged(inside, "en")
        assert {each.name for each in [*found, *rest]} == set(outlets.OUTLETS)


@pytest.mark.parametrize("way", ["weibo", "wechat_friend", "passcode", "poster"])
async def test_a_robot_or_a_browser_that_looks_ahead_makes_no_share(
    street: Street, way: str
) -> None:
    robot = await street.stranger(agent=BAIDUSPIDER).get(f"/@xiaoman/shares/{way}")
    ahead = await street.stranger(sec_purpose="prefetch").get(f"/@xiaoman/shares/{way}")
    for answer in (robot, ahead):
        assert answer.headers["location"] == "/@xiaoman" and "set-cookie" not in answer.headers
    assert await made(street) == {}


async def test_a_thousand_links_a_minute_are_refused_with_a_word_when_to_come_again(
    street: Street,
) -> None:
    hasty, answers = street.stranger(), []
    for _ in range(70):
        answers.append(await hasty.get("/@xiaoman/shares/weibo"))
    assert [each.status_code for each in answers] == [303] * 60 + [429] * 10
    assert "小时" in answers[-1].text
    assert await made(street) == {"weibo": 1}


def code_on(page: str) -> str:
    found = re.search(r"said-code[^>]*>([^<]+)<", page)
    assert found is not None
    return found[1]


async def test_a_passcode_is_pasted_or_typed_and_opens_the_share(street: Street) -> None:
    product_id = await street.sells()
    here = f"/@xiaoman/p/{product_id}/shares/passcode"
    someone = street.stranger()
    page = (await someone.get(here)).text
    code = code_on(page)
    message = unescape(re.search(r"data-link-field>([^<]+)<", page)[1])  # type: ignore[index]
    assert code_on((await someone.get(here)).text) == code
    friend = street.stranger()
    for typed in (message, code, code.lower(), f" {code[:4]}-{code[5:]} "):
        asked = await friend.get("/code", params={"c": typed})
        assert asked.headers["location"] == f"/code/{code.replace(' ', '')}"
    opened = await friend.get(asked.headers["location"])
    seen = await friend.get(opened.headers["location"])
    assert seen.status_code == 200 and "青灰釉盖碗" in seen.text
    assert touches.name(street.shop_id) in friend.cookies
    street.world.later(days=31)
    late = await street.stranger().get(f"/code/{code.replace(' ', '')}")
    assert late.status_code == 404 and "过期" in late.text
    assert code_on((await someone.get(here)).text) == code  # asked for again, it lives again
    assert (await street.stranger().get(f"/code/{code}")).status_code == 303


async def test_a_wrong_passcode_is_counted_out_and_guessing_ends(street: Street) -> None:
    someone = street.stranger()
    short = await someone.get("/code", params={"c": "ACDE34"})
    assert short.status_code == 404 and "8 位，现在 6 位" in short.text
    assert "「01」" in (await someone.get("/code", params={"c": "ACDE0101"})).text
    answers = [await someone.get("/code/ACDE3467") for _ in range(31)]
    assert [each.status_code for each in answers] == [404] * 30 + [429]


@pytest.mark.parametrize(
    "text, code",
    [
        ("「盖碗」小满。复制这段话，打开 a.cn/code 粘贴，口令 【ACDE 3467】", "ACDE3467"),
        ("ａｃｄｅ３４６７", "ACDE3467"),
        ("see ACDE-3467!", "ACDE3467"),
        ("PACKED47 or 【34679ACD】", "34679ACD"),
        ("hello", "HELLO"),
    ],
)
def test_a_passcode_is_found_in_what_people_paste(text: str, code: str) -> None:
    assert passcodes.read(text) == code


async def _personal(street: Street, here: str, **form: str) -> tuple[httpx.AsyncClient, str]:
    """A sharer and the link he made for a friend."""
    sharer = street.stranger()
    answer = await sharer.post(here, data=form)
    page = (await sharer.get(answer.headers["location"])).text
    link = re.search(r'data-link="http://shop.test(/s/[^"]+)"', page)
    assert link is not None
    return sharer, link[1]


async def test_a_personal_link_greets_by_name_in_the_visitors_own_piece_and_runs_out(
    street: Street,
) -> None:
    product_id = await street.sells()
    here = f"/@xiaoman/p/{product_id}/shares/personal"
    _, link = await _personal(street, here, friend="阿婷", sender="<b>小满")
    ting = street.stranger()
    page = await ting.get(link)
    assert "阿婷" not in page.text and "data-greet" in page.text  # the kept page is equal for all
    mine = f"/@xiaoman/p/{product_id}/mine"
    assert "&lt;b&gt;小满发给你的，阿婷" in (await ting.get(mine)).text
    assert "阿婷" not in (await ting.get("/@xiaoman/mine")).text
    assert "阿婷" not in (await street.stranger().get(mine)).text
    street.world.later(days=7, seconds=1)
    assert "阿婷" not in (await ting.get(mine)).text
    late = street.stranger()
    assert (await late.get(link)).status_code == 200
    assert "阿婷" not in (await late.get(mine)).text
    assert await credited(street, late) is None


async def test_a_sharer_who_did_not_agree_is_not_named_and_his_list_is_his(
    street: Street,
) -> None:
    here = "/@xiaoman/shares/personal"
    sharer, link = await _personal(street, here, friend="阿福", sender="")
    ting = street.stranger()
    await ting.get(link)
    assert "阿福" not in (await ting.get("/@xiaoman/mine")).text
    code = link.rpartition("/")[2]
    stranger = await street.stranger().get(here, params={"made": code})
    assert "阿福" not in stranger.text and link not in stranger.text
    again = await sharer.post(here, data={"friend": " 阿福 ", "sender": "小满"})
    assert again.headers["location"].endswith(f"?made={code}")  # the same friend, the same link
    assert "小满发给你的，阿福" in (await ting.get("/@xiaoman/mine")).text
    empty = await sharer.post(here, data={"friend": " ", "sender": "小满"})
    assert empty.status_code == 422 and "写上给谁" in empty.text


async def test_a_personal_link_counts_before_an_open_share_opened_later(street: Street) -> None:
    _, link = await _personal(street, "/@xiaoman/shares/personal", friend="阿婷", sender="")
    ting, other = street.stranger(), street.stranger()
    page = (await other.get("/@xiaoman/shares")).text
    opened = re.search(r'data-link="http://shop.test(/s/[^"]+)"', page)
    assert opened is not None
    await ting.get(link)
    street.world.later(hours=1)
    await ting.get(opened[1])
    assert await credited(street, ting) == link.rpartition("/")[2]


async def test_a_poster_is_drawn_for_the_share_on_it_and_cards_are_square(street: Street) -> None:
    kept = io.BytesIO()
    Image.effect_noise((900, 600), 40).convert("RGB").save(kept, "JPEG")
    picture = await pictures.process(kept.getvalue())
    await street.world.house.files.put(picture)
    product_id = await street.sells(picture=picture.hash)
    someone = street.stranger()
    page = (await someone.get(f"/@xiaoman/p/{product_id}/shares/poster?format=story")).text
    path = re.search(r'<img class="poster" src="([^"]+)" width="1080" height="1920"', page)
    assert path is not None
    drawn = await someone.get(path[1])
    assert drawn.headers["content-type"] == "image/jpeg" and len(drawn.content) < 400_000
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(drawn.content)))
    assert code.text == f"http://shop.test{path[1].rpartition('/')[0]}"
    assert await street.status(someone, path[1].replace("story", "round")) == 404
    shown = (await street.stranger().get(f"/@xiaoman/p/{product_id}")).text
    image = re.search(r'og:image" content="http://shop.test(/cards/[^"]+)"', shown)
    assert image is not None
    card = await street.stranger(agent="WhatsApp/2").get(image[1])
    assert Image.open(io.BytesIO(card.content)).size == (600, 600) and len(card.content) < 300_000
    assert await street.status(someone, f"/cards/{'0' * 32}.jpg") == 404
    assert await street.status(someone, "/cards/..%2Fx.jpg") == 404


async def test_a_link_looks_right_in_a_chat_also_without_a_photo_and_with_a_long_name(
    street: Street,
) -> None:
    product_id = await street.sells(picture=None)
    page = (await street.stranger().get(f"/@xiaoman/p/{product_id}")).text
    told = dict(re.findall(r'<meta (?:property|itemprop|name)="([^"]+)" content="([^"]*)"', page))
    assert told["og:title"] == told["name"] == "青灰釉盖碗，松木柴烧 &lt;b&gt;🍵&lt;/b&gt;"
    assert told["og:image"].startswith("http://shop.test/static/manifest/icon-512.png")
    assert told["og:description"].startswith("¥168.00") and told["twitter:card"] == "summary"
    long = "手工拉坯的青灰釉盖碗，松木柴烧三天两夜，每一只都不一样，配杯托和茶则"
    assert outlets.cut(long, 56) == "手工拉坯的青灰釉盖碗，松木柴烧三天两夜，每一只都不一样…"
    assert outlets.cut("A rather long name of a thing", 20) == "A rather long name…"


async def test_inside_wechat_the_card_is_set_and_signed_for_this_very_address(
    street: Street,
) -> None:
    opens_with(street)
    inside = street.stranger(agent=WECHAT)
    page = await inside.get("/@xiaoman/shares?from=timeline&x=%E7%A2%97")
    assert f'<script src="{SCRIPT}" defer>' in page.text
    assert "script-src 'self' https://res.wx.qq.com;" in page.headers["content-security-policy"]
    told = json.loads(re.search(r"data-wx>(.+?)</script>", page.text)[1])  # type: ignore[index]
    config = told["config"]
    url = "http://shop.test/@xiaoman/shares?from=timeline&x=%E7%A2%97"
    signed = (
        f"jsapi_ticket={TICKET}&noncestr={config['nonceStr']}"
        f"&timestamp={config['timestamp']}&url={url}"
    )
    assert config["signature"] == hashlib.sha1(signed.encode()).hexdigest()
    assert TICKET not in page.text and "secret" not in page.text
    assert all(told["friend"].values()) and set(told["moments"]) == {"title", "link", "imgUrl"}
    assert told["friend"]["link"] != told["moments"]["link"]
    assert urlsplit(told["friend"]["link"]).netloc == "shop.test"  # where the page is
    for elsewhere in (PHONE, DESK):
        other = await street.stranger(agent=elsewhere).get("/@xiaoman/shares/wechat_friend")
        assert other.status_code == 200 and "res.wx.qq.com" not in other.text
        assert "res.wx.qq.com" not in other.headers["content-security-policy"]


async def test_at_a_name_that_the_account_does_not_know_nothing_is_signed(street: Street) -> None:
    opens_with(street, hosts=["other.test"])
    page = await street.stranger(agent=WECHAT).get("/@xiaoman/shares")
    assert "res.wx.qq.com" not in page.text and "/s/" in page.text


async def test_without_an_official_account_the_sheet_inside_wechat_only_shows_the_dots(
    street: Street,
) -> None:
    page = await street.stranger(agent=WECHAT).get("/@xiaoman/shares")
    assert 'class="dots"' in page.text and "res.wx.qq.com" not in page.text


@pytest.mark.parametrize(
    "url", ["https://evil.test/x", "http://shop.test.evil/x", "//shop.test/x", "http://shop.test"]
)
def test_only_addresses_of_our_own_names_are_signed(url: str) -> None:
    ours = frozenset({"http://shop.test"})
    with pytest.raises(jssdk.NotOurs):
        jssdk.own_address(url, ours)
    assert jssdk.own_address("http://shop.test/a?b#c", ours) == "http://shop.test/a?b"


async def test_a_share_code_that_is_not_the_shops_says_so_and_leads_to_the_shop(
    street: Street,
) -> None:
    prefix = ids.share_code(street.shop_id).partition("-")[0]
    page = await street.stranger().get(f"/s/{prefix}-abcdef")
    assert page.status_code == 404 and "对不上" in page.text
    assert 'href="/@xiaoman"' in page.text and "去小满茶器看看" in page.text
    gone = await street.stranger().get("/s/zzz-abcdef")
    assert gone.status_code == 404

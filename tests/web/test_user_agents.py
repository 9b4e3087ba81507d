"""What browsers call themselves, and what each is offered: every row is a name as it was really
sent, every column a way to pay (PROTOCOLS 7)."""

from __future__ import annotations

import pytest

from littleshop.web import containers
from littleshop.web.storefront import ways
from tests.web.test_ways import RAILS

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
    "like Gecko)"
)
DROID = (
    "Mozilla/5.0 (Linux; Android 13; 22081212C Build/TKQ1.220829.002; wv) "
    "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0"
)
WIN = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
RAILS_IN_ORDER = ("wechat_pay", "alipay", "baidu_wallet", "stripe")

# container: what each of RAILS_IN_ORDER is there; "" not offered, "out" behind the way out
OFFERED = {
    "wechat": ("jsapi", "out", "out", "wap"),
    "alipay": ("", "wap", "", ""),
    "qq": ("out", "wap", "", "wap"),
    "weibo": ("wap", "wap", "", "wap"),
    "baidu": ("wap", "wap", "wap", "wap"),
    "douyin": ("out", "wap", "", "wap"),
    "phone": ("wap", "wap", "wap", "wap"),
    "desktop": ("qr", "qr", "page", "page"),
}
AGENTS = [
    (
        "wechat",
        f"{IPHONE} Mobile/15E148 MicroMessenger/8.0.50(0x18003237) NetType/WIFI Language/zh_CN",
    ),
    (
        "wechat",
        f"{DROID} Chrome/130.0.6723.103 Mobile Safari/537.36 XWEB/1300289 MMWEBSDK/20241103 "
        "MMWEBID/1523 MicroMessenger/8.0.55.2780(0x28003751) WeChat/arm64 Weixin NetType/5G "
        "Language/zh_CN ABI/arm64",
    ),
    (
        "wechat",
        f"{DROID} Chrome/107.0.5304.141 Mobile Safari/537.36 XWEB/5063 MMWEBSDK/20230405 "
        "MicroMessenger/8.0.35.2360(0x2800235D) WeChat/arm64 NetType/WIFI Language/en "
        "ABI/arm64 MiniProgramEnv/android",
    ),
    (
        "wechat",
        f"{WIN} Chrome/132.0.0.0 Safari/537.36 MicroMessenger/7.0.20.1781(0x6700143B) "
        "NetType/WIFI MiniProgramEnv/Windows WindowsWechat/WMPF WindowsWechat(0x63090a13) "
        "XWEB/18055",
    ),
    (
        "wechat",
        "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1 Mobile MicroMessenger/8.0.11 "
        "NetType/WIFI",
    ),
    (
        "phone",
        f"{IPHONE} Mobile/15E148 wxwork/3.1.16 MicroMessenger/7.0.1 Language/zh ColorScheme/Dark",
    ),
    (
        "phone",
        "Mozilla/5.0 (Linux; Android 9.0; BKL-AL20 Build/HUAWEIBKL-AL20; wv) "
        "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/57.0.2987.132 "
        "MQQBrowser/6.2 TBS/044409 Mobile Safari/537.36 wxwork/2.7.2 MicroMessenger/6.3.22 "
        "NetType/WIFI Language/zh",
    ),
    (
        "desktop",
        f"{WIN} Chrome/109.0.5414.120 Safari/537.36 MicroMessenger/7.0.1 WindowsWechat "
        "wxwork/4.1.22",
    ),
    (
        "alipay",
        f"{IPHONE} Mobile/22G100 ChannelId(8) Ariver/1.1.0 AliApp(AP/10.8.30.6000) Nebula WK "
        "RVKType(0) AlipayDefined(nt:WIFI,ws:390|844|3.0,ac:ss) AlipayClient/10.8.30.6000 "
        "Language/zh-Hans Region/CN NebulaX/1.0.0",
    ),
    (
        "alipay",
        "Mozilla/5.0 (Linux; U; Android 11; zh-CN; M2007J22C Build/RP1A.200720.011) "
        "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/69.0.3497.100 "
        "UWS/3.22.2.59 Mobile Safari/537.36 UCBS/3.22.2.59_230213152242 NebulaSDK/1.8.100112 "
        "Nebula AlipayDefined(nt:3G,ws:393|0|2.75) AliApp(AP/10.3.86.8000) "
        "AlipayClient/10.3.86.8000 Language/zh-Hans",
    ),
    (
        "qq",
        "Mozilla/5.0 (Linux; Android 10; MI 8 Build/QKQ1.190910.002; wv) AppleWebKit/537.36 "
        "(KHTML, like Gecko) Version/4.0 Chrome/109.0.5414.86 MQQBrowser/6.2 TBS/046715 "
        "Mobile Safari/537.36 V1_AND_SQ_8.9.78_4548_YYB_D QQ/8.9.78.12275 NetType/WIFI "
        "WebP/0.3.0 AppId/537175315",
    ),
    (
        "qq",
        f"{IPHONE} Mobile/16A366 QQ/9.0.8.612 V1_IPH_SQ_9.0.8_1_APP_A Pixel/1080 NetType/4G",
    ),
    ("weibo", f"{IPHONE} Mobile/15E148 Weibo (iPhone13,2__weibo__14.11.0__iphone__os17.5)"),
    (
        "weibo",
        f"{DROID} Chrome/97.0.4692.98 Mobile Safari/537.36 Weibo "
        "(Xiaomi-22081212C__weibo__13.12.3__android__android13)",
    ),
    (
        "baidu",
        "Mozilla/5.0 (Linux; Android 12; RMX3300 Build/SKQ1.211019.001; wv) "
        "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/97.0.4692.98 Mobile "
        "Safari/537.36 T7/13.32 SP-engine/2.70.0 baiduboxapp/13.32.0.10 (Baidu; P1 12) "
        "NABar/1.0",
    ),
    (
        "baidu",
        f"{IPHONE} Mobile/15E148 SP-engine/3.47.0 main/1.0 baiduboxapp/15.21.0.10 (Baidu; P2 "
        "17.5) NABar/1.0",
    ),
    (
        "douyin",
        "Mozilla/5.0 (Linux; Android 10; HD1900 Build/QKQ1.190716.003; wv) AppleWebKit/537.36 "
        "(KHTML, like Gecko) Version/4.0 Chrome/75.0.3770.156 Mobile Safari/537.36 "
        "aweme_230400 JsSdk/1.0 NetType/WIFI AppName/aweme app_version/23.4.0 "
        "ByteLocale/zh-CN Region/CN AppSkin/white AppTheme/light BytedanceWebview/d8a21c6 "
        "WebView/075113004008",
    ),
    (
        "douyin",
        f"{IPHONE} Mobile/15E148 aweme_29.8.0 JsSdk/2.0 NetType/WIFI Channel/App Store "
        "ByteLocale/zh Region/CN RevealType/Dialog WKWebView/1 BytedanceWebview/d8a21c6",
    ),
    (
        "douyin",
        "Mozilla/5.0 (Linux; Android 8.1.0; PBAM00 Build/OPM1.171019.026; wv) "
        "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/62.0.3202.84 Mobile "
        "Safari/537.36 aweme_lite_120400 AppName/aweme_lite JsSdk/1.0 NetType/WIFI "
        "Channel/oppo app_version/12.4.0 ByteLocale/zh-CN Region/CN",
    ),
    ("phone", f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1"),
    ("phone", f"{IPHONE} CriOS/140.0.7339.39 Mobile/15E148 Safari/604.1"),
    (
        "phone",
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/140.0.0.0 Mobile Safari/537.36",
    ),
    (
        "phone",
        "Mozilla/5.0 (Linux; U; Android 13; zh-cn; 22081212C Build/TKQ1.220829.002) "
        "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/109.0.5414.118 Mobile "
        "Safari/537.36 XiaoMi/MiuiBrowser/18.5.80928",
    ),
    (
        "phone",
        "Mozilla/5.0 (Linux; U; Android 12; zh-cn; NOH-AN00 Build/HUAWEINOH-AN00) "
        "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/109.0.5414.86 "
        "MQQBrowser/14.6 Mobile Safari/537.36 COVC/046531",
    ),
    (
        "phone",
        "Mozilla/5.0 (Linux; Android 12; HarmonyOS; NOH-AN00; HMSCore 6.13.0.302) "
        "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.5735.196 "
        "HuaweiBrowser/15.0.4.312 Mobile Safari/537.36",
    ),
    ("desktop", f"{WIN} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"),
    (
        "desktop",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like "
        "Gecko) Version/18.0 Safari/605.1.15",
    ),
    ("desktop", "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"),
    (
        "desktop",
        f"{WIN} Chrome/94.0.4606.71 Safari/537.36 Core/1.94.218.400 QQBrowser/12.1.5496.400",
    ),
]
CELLS = len(AGENTS) * len(RAILS_IN_ORDER)


@pytest.mark.parametrize(("container", "agent"), AGENTS)
def test_a_browser_is_offered_what_works_in_it(container: str, agent: str) -> None:
    assert containers.of(agent) == container
    assert not containers.is_robot(agent)
    found = ways.offered(RAILS, {}, container, "CNY", "zh-CN")  # type: ignore[arg-type]
    shown = {way.gateway: way.how.value if way.how else "out" for way in found}
    assert tuple(shown.get(rail, "") for rail in RAILS_IN_ORDER) == OFFERED[container]


def test_the_table_is_whole() -> None:
    assert {container for container, _ in AGENTS} == set(containers.CONTAINERS) == set(OFFERED)
    assert CELLS >= 100 and len({agent for _, agent in AGENTS}) == len(AGENTS)


@pytest.mark.parametrize(
    ("container", "left"),
    [
        ("wechat", {"alipay", "baidu_wallet", "stripe"}),
        ("phone", {"alipay", "baidu_wallet", "stripe"}),
        ("desktop", {"wechat_pay", "alipay", "baidu_wallet", "stripe"}),  # a code needs no name
    ],
)
def test_wechat_opens_its_cashier_only_from_names_it_was_told(
    container: str, left: set[str]
) -> None:
    told = {"wechat_pay": {"hosts": ["a.example.com"]}, "alipay": {}}
    assert ways.strangers(told, "a.example.com") == frozenset()
    strange = ways.strangers(told, "b.example.com")
    found = ways.offered(RAILS, {}, container, "CNY", "zh-CN", strange)  # type: ignore[arg-type]
    assert {way.gateway for way in found} == left

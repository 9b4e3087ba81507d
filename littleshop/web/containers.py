"""Where a page is open: which app's built-in browser, a phone, a desk; or no person at all."""

from __future__ import annotations

import re
from functools import lru_cache

APPS = ("wechat", "alipay", "qq", "weibo", "baidu", "douyin")
CONTAINERS = (*APPS, "phone", "desktop")

# An app's own browser names itself beside the engine; the first name found decides.
_APPS = (
    # WeCom calls itself WeChat too; the person in it has no openid, so it is a phone like others.
    ("wechat", re.compile(r"\A(?!.*\bwxwork/).*MicroMessenger/", re.I | re.S)),
    ("alipay", re.compile(r"AlipayClient/", re.I)),
    ("weibo", re.compile(r"__weibo__|Weibo \(", re.I)),
    ("baidu", re.compile(r"baiduboxapp/|BaiduWallet", re.I)),
    ("douyin", re.compile(r"\baweme(_lite)?[_/]\d|\bAppName/aweme", re.I)),
    ("qq", re.compile(r"\bQQ/\d", re.I)),  # MQQBrowser alone is an ordinary browser
)
_PHONE = re.compile(r"Mobile|Android|iPhone|iPad|iPod|HarmonyOS|Windows Phone", re.I)
# Fetchers that draw the card of a link in a chat.
_PREVIEW = re.compile(
    r"facebookexternalhit|Facebot|Twitterbot|WhatsApp/|TelegramBot|Slackbot|LinkedInBot|Discordbot"
    r"|SkypeUriPreview|Line(spider|bot)|vkShare|redditbot|Pinterest(bot)?/|Embedly|Iframely"
    r"|Mastodon|Bluesky|Google-PageRenderer|Viber|DingTalkBot|Feishu|LarkUrl|MicroMessenger Client"
    r"|WeChatShare|QQShare|SinaWeiboBot|Synapse",
    re.I,
)
# Cubot is a maker of phones.
_ROBOT = re.compile(
    r"(?<!cu)bot\b|spider|crawl|slurp|archiver|transcoder|monitor|uptime|pingdom|lighthouse"
    r"|phantomjs|curl/|wget/|python|aiohttp|httpx|okhttp|\bjava/|go-http-client|libwww|\bruby"
    r"|\bperl|php/|node-fetch|axios|undici|scrapy|feedfetcher|feedly|rss ?reader|validator"
    r"|sogou web|wkhtml|http_request|preview|scrap|externalagent|externalfetcher|-user/|headless"
    r"|inspectiontool|googleother|imageproxy|httpclient|http-client|dalvik|rocket\.chat",
    re.I,
)


LONGEST = 1024  # signs of a name that are looked at and remembered; browsers' have 100 to 400


def of(user_agent: str) -> str:
    """One of CONTAINERS; a robot counts as a desk."""
    return _of(user_agent[:LONGEST])


@lru_cache(maxsize=4096)
def _of(user_agent: str) -> str:
    for name, pattern in _APPS:
        if pattern.search(user_agent):
            return name
    return "phone" if _PHONE.search(user_agent) else "desktop"


def is_preview(user_agent: str) -> bool:
    """Whether this fetches a page to draw its card in a chat."""
    return _PREVIEW.search(user_agent[:LONGEST]) is not None


def is_robot(user_agent: str) -> bool:
    """Whether no person looks at what is fetched: crawlers, scripts, previews, no name at all."""
    return _is_robot(user_agent[:LONGEST])


@lru_cache(maxsize=4096)
def _is_robot(user_agent: str) -> bool:
    if not user_agent or is_preview(user_agent):
        return True
    return _ROBOT.search(user_agent) is not None

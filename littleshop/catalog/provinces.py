"""The provinces of China by their codes (GB/T 2260, the first two digits), as postage knows them.

The districts that lie in them are trade/regions.py; a test compares the two.
"""

from __future__ import annotations

NAMES = {
    "11": "北京市", "12": "天津市", "13": "河北省", "14": "山西省", "15": "内蒙古自治区",
    "21": "辽宁省", "22": "吉林省", "23": "黑龙江省",
    "31": "上海市", "32": "江苏省", "33": "浙江省", "34": "安徽省", "35": "福建省",
    "36": "江西省", "37": "山东省",
    "41": "河南省", "42": "湖北省", "43": "湖南省", "44": "广东省", "45": "广西壮族自治区",
    "46": "海南省",
    "50": "重庆市", "51": "四川省", "52": "贵州省", "53": "云南省", "54": "西藏自治区",
    "61": "陕西省", "62": "甘肃省", "63": "青海省", "64": "宁夏回族自治区",
    "65": "新疆维吾尔自治区",
    "71": "台湾省", "81": "香港特别行政区", "82": "澳门特别行政区",
}  # fmt: skip
NEAR = ("31", "32", "33")  # 江浙沪, where most parcels come from
REMOTE = ("15", "46", "54", "62", "63", "64", "65")  # what couriers charge more for
OVERSEAS = ("71", "81", "82")  # 港澳台: another tariff, and customs
UNKNOWN = ""  # nobody has said where yet
ELSEWHERE = "00"  # no province that a rule names; and where a gift goes before it is claimed

_CODES = {name: code for code, name in NAMES.items()}


def code_of(province: str) -> str:
    """The code of a province as an address names it, UNKNOWN for none."""
    return _CODES.get(province, UNKNOWN)

"""Sheets of goods as other programs write them."""

SHOPIFY = """\
Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,\
Option2 Name,Option2 Value,Option3 Name,Option3 Value,Variant SKU,Variant Grams,\
Variant Inventory Qty,Variant Price,Variant Compare At Price,Variant Barcode,Image Src,\
Image Position,Cost per item,Status
blue-mug,Blue mug,"<p>Thrown by hand.</p><ul><li>One &amp; only</li><li>Dishwasher safe</li></ul>\
<script>alert(1)</script>",Kiln,,Cups,"mugs, blue",true,Size,S,Glaze,Blue,Lid,No,M-S,350,4,18.00,\
20.00,'0690123456789,https://cdn.test/2.jpg,2,9.00,active
blue-mug,,,,,,,,,L,,Blue,,Yes,M-L,500.0,-2,22.00,22.00,,https://cdn.test/1.jpg,1,,
blue-mug,,,,,,,,,,,,,,,,,,,,https://cdn.test/1.jpg,3,,
plain,Plain cup,A cup,,,,,false,Title,Default Title,,,,,,,,9.5,,,,,,draft
no-price,No price,,,,,,true,Title,Default Title,,,,,,,,,,,,,,active
"""
_FIELDS = (
    "title", "cid", "seller_cids", "price", "num", "approve_status", "description", "picture",
    "skuProps", "propAlias", "outer_id", "num_id", "inputCustomCpv", "item_weight",
)  # fmt: skip
_NAMES = (
    "宝贝名称", "宝贝类目", "店铺类目", "宝贝价格", "宝贝数量", "放入仓库", "宝贝描述", "新图片",
    "销售属性组合", "销售属性别名", "商家编码", "数字ID", "自定义属性值", "物流重量",
)  # fmt: skip
_SHIRT = (
    "棉麻衬衫", "50000671", "1129283,", "98.00", "12", "1",
    '"<p>好穿</p><p>洗过<b>不缩</b></p>"',
    "0a1b2c:1:0:|;9f9f9f:2:0:1627207:28341|https://img.alicdn.test/c.jpg;"
    "two:1:1:|https://img.alicdn.test/i2/two.jpg;",
    "98:5:SH-WM:1627207:-1001;20509:28315;98:0:SH-WL:1627207:-1001;20509:28316;"
    "108:7::1627207:28341;20509:28315;",
    "", "SHIRT", "520123456789", "1627207:-1001:月白;", "",
)  # fmt: skip
_PLAIN = (
    "棉麻围巾", "50000671", "", "45", "3", "2", "", "", "", "", "CODE-2", "0", "", "0.25",
)  # fmt: skip
TAOBAO = "version 1.00\n" + "".join(
    "\t".join(row) + "\n" for row in (_FIELDS, _NAMES, _SHIRT, _PLAIN)
)

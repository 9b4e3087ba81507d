"""What we claim about speed, runnable: `littleshop bench NAME [--json]` (docs/decisions/0018)."""

from __future__ import annotations

import argparse
import importlib
import json
import sys

from bench.ground import Missing

NAMES = {
    "place": "the checkout's POST against pgbench calling place_orders · 下单",
    "page": "the cached product page against nginx · 商品页",
    "post": "journals of four transfers against pgbench with the same writes · 记账",
    "figures": "the figures of a shop with a million orders, over HTTP · 数字页",
    "book": "lists and searches in a shop with a million orders, over HTTP · 订单和买家列表",
    "settle": "a run that pays 10,000 shops for 100,000 orders · 结算",
    "simulate": "thirty days on all rails with faults and kills · 模拟运行",
    "resolver": "every interleaving around a payment, in fresh databases · 支付解析",
    "weight": "a product page with its CSS and JS, compressed · 页面大小",
    "start": "cold and warm start to the first page · 启动",
    "idle": "memory of all processes at rest · 空闲内存",
}


def command(arguments: list[str]) -> int:
    """Run one measurement; with --json print one object, else its lines for a person."""
    parser = argparse.ArgumentParser(prog="littleshop bench", description=__doc__)
    parser.add_argument("name", choices=sorted(NAMES), help="; ".join(NAMES))
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--seconds", type=float, default=6.0, help="length of one run")
    parser.add_argument("--pairs", type=int, default=3, help="alternating pairs")
    told = parser.parse_args(arguments)
    try:
        figures = importlib.import_module(f"bench.{told.name}").measure(told.seconds, told.pairs)
    except Missing as fault:
        print(fault, file=sys.stderr)
        return 1
    if told.json:
        print(json.dumps(figures, ensure_ascii=False))
    else:
        print(json.dumps(figures, ensure_ascii=False, indent=1))
    return 0 if figures["ratio"] is not None else 1

"""The program as a whole: it survives kill -9, forbids scripts, and imports nothing of ours."""

import ast
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.sandbox.conftest import ROOT, Program
from tests.sandbox.merchant import Merchant


def test_kill_9_loses_nothing(tmp_path: Path) -> None:
    program = Program(tmp_path)
    merchant = Merchant(program, "Ada's stall", "cert")
    number = merchant.paid("10.00")
    merchant.refund(number, "4.00", "R1")
    program.faults(sms={"limit": 3})
    program.jump(days=2)  # past the lump of six in the morning, whatever hour it is now
    before = program.get("/books.json")
    program.kill()
    program.start(int(program.url.rpartition(":")[2]))
    after = program.get("/books.json")
    assert {**after, "at": None} == {**before, "at": None}
    assert after["bank"]["entries"][0]["amount_minor"] == 600
    assert merchant.refund(number, "4.00", "R1")["fund_change"] == "N"
    assert program.get("/control/faults")["sms"]["limit"] == 3
    assert program.get("/control/clock")["offset_seconds"] == 2 * 86400
    program.stop()


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("path", ["/", "/control", "/inbox", "/control/trades/TRADE"])
def test_every_page_is_strict_and_speaks_both_languages(
    sandbox: Program, merchant: Merchant, path: str, language: str
) -> None:
    number = merchant.paid("7.00")
    trade_no = sandbox.get(f"/control/alipay/trades/{number}")["trade_no"]
    page = sandbox.client.get(
        path.replace("TRADE", trade_no), headers={"Accept-Language": language}
    )
    assert page.status_code == 200 and f'lang="{language}"' in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<script" not in page.text and "style=" not in page.text


def test_a_counted_fault_strikes_exactly_so_often(sandbox: Program, merchant: Merchant) -> None:
    sandbox.faults(alipay={"gateway": {"fail": 7}})
    params = merchant.params("alipay.trade.query", {"out_trade_no": "X"})

    def ask(_: int) -> int:
        return sandbox.client.post("/alipay/gateway.do", data=params).status_code

    with ThreadPoolExecutor(8) as crowd:
        assert sorted(crowd.map(ask, range(24))) == [200] * 17 + [500] * 7


def test_a_fault_that_does_not_exist_changes_nothing(sandbox: Program) -> None:
    patch = {"sms": {"limit": 1, "nonsense": 1}}
    assert sandbox.client.post("/control/faults", json=patch).status_code == 400
    assert sandbox.get("/control/faults")["sms"]["limit"] == 0


def test_the_control_page_sets_faults_and_moves_the_clock(
    sandbox: Program, merchant: Merchant
) -> None:
    form = {"alipay.notify.drop": "2", "alipay.notify.reorder": "on", "bank.reject_code": "BE01"}
    assert sandbox.client.post("/control/page/faults", data=form).status_code == 303
    board = sandbox.get("/control/faults")
    assert board["alipay"]["notify"]["drop"] == 2
    assert board["alipay"]["notify"]["reorder"] is True
    assert board["bank"]["reject_code"] == "BE01"
    assert sandbox.client.post("/control/page/faults", data={"clear": "1"}).status_code == 303
    sandbox.client.post("/control/page/clock", data={"step": "day"})
    assert sandbox.get("/control/clock")["offset_seconds"] == 86400
    foreign = {"Sec-Fetch-Site": "cross-site"}
    refused = sandbox.client.post("/control/page/clock", data={"step": "day"}, headers=foreign)
    assert refused.status_code == 403


def test_the_books_hold_no_keys(sandbox: Program, merchant: Merchant) -> None:
    text = json.dumps(sandbox.get("/books.json"))
    assert merchant.account["key"] not in text and "PRIVATE" not in text


def test_every_text_exists_in_both_languages() -> None:
    folder = ROOT / "sandbox" / "locales"
    english, chinese = (
        json.loads((folder / f"{name}.json").read_text("utf-8")) for name in ("en", "zh-CN")
    )
    assert english.keys() == chinese.keys()


def test_the_sandbox_never_imports_littleshop() -> None:
    for path in (ROOT / "sandbox").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not any(name.split(".")[0] == "littleshop" for name in names), path


def test_after_a_move_of_the_clock_the_sandbox_is_quiet_as_long_as_it_is_told(
    sandbox: Program,
) -> None:
    offset = sandbox.get("/control/clock")["offset_seconds"]
    told = {"offset_seconds": offset, "quiet_seconds": 1}
    assert sandbox.client.post("/control/clock", json=told).status_code == 200
    for wrong in (-1, 61, "1"):
        told = {"offset_seconds": offset, "quiet_seconds": wrong}
        assert sandbox.client.post("/control/clock", json=told).status_code == 400

"""The demo's registration with the sandbox: once, and again when what it told has changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from littleshop.demo import registration
from littleshop.demo.registration import SandboxSilent

HERE, GONE = "http://127.0.0.1:1", "http://127.0.0.1:9"


def registered(home: Path, texts_for: str) -> None:
    """A home whose rails were registered with these texts."""
    rails: dict[str, object] = {
        name: {} for name in ("alipay", "wechat_pay", "stripe", "baidu_wallet", "mail", "push")
    }
    (home / "rails.json").write_text(json.dumps({**rails, "sms": {"texts_for": texts_for}}))


def test_sms_texts_that_changed_are_told_to_the_vendor_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registration, "SANDBOX_SECONDS", 0)
    registered(tmp_path, registration.digest(HERE))
    registration.register(tmp_path, GONE, HERE)  # nothing is new: nobody is asked
    registered(tmp_path, "of earlier texts")
    with pytest.raises(SandboxSilent):
        registration.register(tmp_path, GONE, HERE)

"""What a browser remembers of shares is bounded in size and number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from littleshop.web import touches

AT = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def jar(shops: int) -> bytes:
    """The cookies of somebody who opened a link of each shop, the first one first."""
    pairs = [
        touches.cookie(
            shop, f"{shop:x}-abcde{'x' * personal}", AT.replace(minute=shop % 60, hour=shop // 60),
            secure=False, personal=bool(personal),
        ).partition(";")[0]
        for shop in range(1, shops + 1)
        for personal in (0, 1)
    ]  # fmt: skip
    return "; ".join(["device=abc", *pairs, "session=xyz"]).encode()


def test_the_oldest_go_when_a_browser_has_too_many_and_nothing_else_does() -> None:
    gone = touches.surplus(jar(20), b"share_99=", secure=True)
    names = {each.partition(b"=")[0].decode() for each in gone}
    assert names == {f"{kind}_{shop}" for shop in range(1, 6) for kind in ("share", "friend")} | {
        "share_6"
    }
    assert all(b"Max-Age=0; Path=/" in each and each.endswith(b"; Secure") for each in gone)
    assert touches.surplus(jar(14), b"share_99=", secure=True) == []


def test_the_one_that_is_set_now_stays_and_what_cannot_be_read_goes_first() -> None:
    stuffed = jar(15) + b"; share_7777=" + b"z" * 3000
    gone = touches.surplus(stuffed, b"share_1=", secure=False)
    assert [each.partition(b"=")[0] for each in gone] == [b"share_7777"]
    flood = b"; ".join(b"share_%d=%d" % (each, each) for each in range(5000))
    assert len(touches.surplus(flood, b"share_1=", secure=False)) == touches.MOST


def test_a_cookie_is_small_and_what_is_too_long_is_no_touch() -> None:
    assert len(touches.cookie(10**9, f"{'v' * 8}-abcdex", AT, secure=True).partition(";")[0]) < 45
    assert touches.remembered("share_5=5-ab34cd." + "f" * 4000, 5) == []
    assert touches.remembered("share_5=" + "5" * 4000 + "-ab34cd.1", 5) == []
    assert len(jar(15)) < 1500


def test_a_touch_counts_seven_days_and_not_before_it_was() -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    header = f"share_7=1-nwpfs2.{int(at.timestamp()):x}"
    assert touches.fresh(header, 7, at + timedelta(days=7)) is not None
    assert touches.fresh(header, 7, at + timedelta(days=7, seconds=1)) is None
    assert touches.fresh(header, 7, at - timedelta(minutes=2)) is None
    assert touches.fresh("share_7=1-nwpfs2.1", 7, at) is None

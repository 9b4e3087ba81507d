"""The way of a parcel: written whole when it begins, seen as far as the sandbox's clock has come.

Whichever service first hears of a number begins it; the last digits choose the story (README).
"""

from datetime import datetime, timedelta

from sandbox.clock import stamp, unstamp
from sandbox.store import Row
from sandbox.world import World

Step = tuple[int, str, str]  # hours after the beginning, state, words
START: list[Step] = [
    (0, "got", "【杭州市】快件已揽收"),
    (3, "way", "【杭州市】快件已发往下一站"),
    (14, "way", "【本地转运中心】快件已到达"),
]
USUAL: list[Step] = [
    *START,
    (22, "near", "快递员小王（13700137000）正在派送，请保持电话畅通"),
    (26, "signed", "已签收，签收人是本人，感谢使用"),
]
STORIES: dict[str, list[Step]] = {
    "002": [*START, (22, "trouble", "地址不详，正在联系收件人")],
    "014": [
        *START,
        (22, "near", "快递员正在派送，请保持电话畅通"),
        (26, "refused", "收件人拒收"),
        (30, "back", "快件正在退回"),
        (60, "returned", "退件已签收"),
    ],
    "501": [
        *START,
        (22, "near", "快递员正在派送，请保持电话畅通"),
        (24, "station", "已放入快递柜，请凭取件码取件"),
        (46, "signed", "已从快递柜取出"),
    ],
}
STATES = {
    "got": "快件已揽收",
    "way": "快件在途中",
    "near": "快递员正在派送",
    "station": "已放入快递柜，请凭取件码取件",
    "signed": "已签收，签收人是本人",
    "trouble": "派送遇到问题，正在联系收件人",
    "refused": "收件人拒收",
    "back": "快件正在退回",
    "returned": "退件已签收",
}
OVER = frozenset({"signed", "returned"})


def is_known(number: str) -> bool:
    """Whether any courier has such a number; those that end in 000 nobody ever scans."""
    return 6 <= len(number) <= 32 and number.isalnum()


def begin(world: World, number: str, at: datetime | None = None) -> None:
    """The parcel begins its way, now or `at`; one that is under way goes on."""
    began = at or world.clock.now()
    new = world.store.run(
        "insert into courier_ways (number, began_at) values (?, ?) on conflict do nothing",
        number,
        stamp(began),
    )
    if not new or number.endswith("000"):
        return
    for hours, state, words in STORIES.get(number[-3:], USUAL):
        _write(world, number, began + timedelta(hours=hours), state, words)


def _write(world: World, number: str, at: datetime, state: str, words: str) -> None:
    row = {"number": number, "at": stamp(at), "state": state, "words": words}
    world.store.insert("courier_scans", row)


def scan(world: World, number: str, state: str, words: str) -> None:
    """Somebody scans it now: what the story has in store after an end does not happen."""
    begin(world, number)
    now = world.clock.now()
    if state in OVER:
        world.store.run("delete from courier_scans where number = ? and at > ?", number, stamp(now))
    _write(world, number, now, state, words or STATES[state])
    world.wake.set()


def so_far(world: World, number: str, upto: str = "") -> list[Row]:
    """The scans that happened, the last one first."""
    return world.store.all(
        "select at, state, words from courier_scans where number = ? and at <= ?"
        " order by at desc, id desc",
        number,
        upto or stamp(world.clock.now()),
    )


def began_at(world: World, number: str) -> datetime | None:
    """When a parcel began its way, or None."""
    row = world.store.one("select began_at from courier_ways where number = ?", number)
    return None if row is None else unstamp(row["began_at"])

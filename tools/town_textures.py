"""Flat drawings that the still lifes wear: cut fruit, labels, covers. Written as SVG."""

# ruff: noqa: E501  a drawing reads better unbroken
from __future__ import annotations

import math
import random

SERIF = "Noto Serif CJK SC, serif"
SANS = "Noto Sans CJK SC, sans-serif"


def drawing(inner: str, width: int = 600, height: int = 600) -> str:
    """An SVG document of the given size."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{inner}</svg>'
    )


def citrus(rind: str, pith: str, flesh: str, light: str) -> str:
    """The cut face of a citrus fruit with ten segments."""
    chance, parts = random.Random(4), []
    for i in range(10):
        a, w = math.tau * i / 10, math.tau / 10 * 0.46
        far = 236 + chance.uniform(-6, 6)
        one = f"{300 + far * math.cos(a - w):.0f} {300 + far * math.sin(a - w):.0f}"
        two = f"{300 + far * math.cos(a + w):.0f} {300 + far * math.sin(a + w):.0f}"
        near = f"{300 + 26 * math.cos(a):.0f} {300 + 26 * math.sin(a):.0f}"
        parts.append(
            f'<path d="M{near}L{one}A{far:.0f} {far:.0f} 0 0 1 {two}Z" fill="{flesh}" '
            f'stroke="{flesh}" stroke-width="14" stroke-linejoin="round"/>'
        )
        for _ in range(26):  # the little sacs of juice
            r, b = chance.uniform(70, 226), a + chance.uniform(-w, w) * 0.8
            x, y = 300 + r * math.cos(b), 300 + r * math.sin(b)
            parts.append(
                f'<ellipse cx="{x:.0f}" cy="{y:.0f}" rx="{chance.uniform(9, 20):.0f}" ry="4.500" '
                f'transform="rotate({math.degrees(b):.0f} {x:.0f} {y:.0f})" fill="{light}" '
                f'opacity="{chance.uniform(0.2, 0.6):.2f}"/>'
            )
    ground = f'<rect width="600" height="600" fill="{rind}"/>'
    ground += f'<circle cx="300" cy="300" r="286" fill="{pith}"/>'
    return drawing(ground + "".join(parts) + f'<circle cx="300" cy="300" r="20" fill="{pith}"/>')


def kiwi() -> str:
    """The cut face of a golden kiwi."""
    chance, parts = random.Random(2), []
    for i in range(84):
        a = math.tau * i / 84
        r = chance.uniform(226, 262)
        parts.append(
            f'<path d="M{300 + 80 * math.cos(a):.0f} {300 + 80 * math.sin(a):.0f}L'
            f'{300 + r * math.cos(a):.0f} {300 + r * math.sin(a):.0f}" stroke="#F4E9A0" '
            f'stroke-width="5" opacity=".5"/>'
        )
    for _ in range(96):
        a, r = chance.uniform(0, math.tau), chance.uniform(98, 156)
        x, y = 300 + r * math.cos(a), 300 + r * math.sin(a)
        parts.append(
            f'<ellipse cx="{x:.0f}" cy="{y:.0f}" rx="10" ry="4.500" fill="#231A10" '
            f'transform="rotate({math.degrees(a):.0f} {x:.0f} {y:.0f})"/>'
        )
    shade = (
        '<defs><radialGradient id="k"><stop offset="0" stop-color="#F3EBB4"/><stop offset=".2" '
        'stop-color="#EFE3A0"/><stop offset=".34" stop-color="#D0B838"/><stop offset=".9" '
        'stop-color="#DCC23A"/><stop offset=".96" stop-color="#A8932F"/><stop offset="1" '
        'stop-color="#6B5128"/></radialGradient></defs><rect width="600" height="600" '
        'fill="url(#k)"/>'
    )
    return drawing(
        shade + "".join(parts) + '<ellipse cx="300" cy="300" rx="74" ry="62" fill="#F4EEC6"/>'
    )


def label(name: str, line: str, colour: str) -> str:
    """A paper label for a jar."""
    return drawing(
        f'<rect width="620" height="460" fill="#F3ECDC"/><rect x="18" y="18" width="584" '
        f'height="424" fill="none" stroke="{colour}" stroke-width="5"/>'
        f'<text x="310" y="215" font-family="{SERIF}" font-weight="700" font-size="112" '
        f'fill="#2B2318" text-anchor="middle">{name}</text><circle cx="310" cy="288" r="14" '
        f'fill="{colour}"/><text x="310" y="378" font-family="{SANS}" font-size="42" '
        f'fill="#6A5C48" text-anchor="middle">{line}</text>', 620, 460)  # fmt: skip


def sleeve(kind: str, ground: str, one: str, two: str, title: str, line: str) -> str:
    """A record sleeve in the manner of the sixties."""
    ink = "#F4EBDA" if kind != "sun" else "#2A211A"
    shapes = {
        "sun": f'<circle cx="390" cy="250" r="150" fill="{one}"/>'
        + "".join(f'<rect x="0" y="{330 + i * 44}" width="800" height="{16 + i * 3}" fill="{two}"/>' for i in range(9)),
        "arcs": "".join(
            f'<circle cx="0" cy="800" r="{620 - i * 105}" fill="{(one, two, ground)[i % 3]}"/>' for i in range(6)
        ),
        "bars": "".join(
            f'<rect x="{70 + i * 84}" y="{150 + abs(i - 4) * 46 + (i % 3) * 40}" width="52" '
            f'height="{520 - abs(i - 4) * 92}" rx="26" fill="{(one, two)[i % 2]}"/>' for i in range(8)
        ),
        "leaf": f'<path d="M400 720C150 560 160 250 400 90C640 250 650 560 400 720Z" fill="{one}"/>'
        f'<path d="M400 90V720M400 300L270 220M400 420L240 330M400 540L280 460M400 300L530 220'
        f'M400 420L560 330M400 540L520 460" stroke="{two}" stroke-width="14" fill="none"/>',
        "dots": "".join(
            f'<circle cx="{130 + x * 136}" cy="{190 + y * 120}" r="{24 + ((x * 5 + y * 3) % 4) * 11}" '
            f'fill="{(one, two)[(x + y) % 2]}"/>' for x in range(5) for y in range(5)
        ),
        "moon": f'<circle cx="520" cy="280" r="130" fill="{one}"/><circle cx="470" cy="250" r="118" fill="{ground}"/>'
        f'<path d="M0 620Q200 500 400 600T800 560V800H0Z" fill="{two}"/>',
    }  # fmt: skip
    return drawing(
        f'<rect width="800" height="800" fill="{ground}"/>{shapes[kind]}<text x="50" y="88" '
        f'font-family="Noto Sans, {SANS}" font-weight="700" font-size="56" fill="{ink}">{title}</text>'
        f'<text x="50" y="132" font-family="Noto Sans, {SANS}" font-size="30" fill="{ink}">{line}</text>',
        800, 800)  # fmt: skip


def cover(ground: str, ink: str, title: str, line: str, mark: str) -> str:
    """A cloth cover with a printed title."""
    marks = {
        "waves": "".join(f'<path d="M90 {520 + i * 44}q60 -46 120 0t120 0t120 0" fill="none" '
                         f'stroke="{ink}" stroke-width="7"/>' for i in range(4)),
        "hill": f'<path d="M60 720L220 500L310 610L400 520L540 720Z" fill="{ink}"/><circle '
                f'cx="420" cy="420" r="46" fill="{ink}"/>',
        "rule": "".join(f'<path d="M90 {480 + i * 52}H510" stroke="{ink}" stroke-width="3"/>' for i in range(6)),
        "grid": "".join(f'<circle cx="{110 + x * 76}" cy="{470 + y * 60}" r="6" fill="{ink}"/>' for x in range(6) for y in range(5)),
    }  # fmt: skip
    return drawing(
        f'<rect width="600" height="840" fill="{ground}"/><text x="300" y="250" font-family="{SERIF}" '
        f'font-weight="700" font-size="104" fill="{ink}" text-anchor="middle">{title}</text>'
        f'<text x="300" y="330" font-family="{SANS}" font-size="36" fill="{ink}" '
        f'text-anchor="middle">{line}</text>{marks[mark]}', 600, 840)  # fmt: skip


def record_label(ground: str, title: str) -> str:
    """The paper in the middle of a record."""
    return drawing(
        f'<rect width="600" height="600" fill="{ground}"/><circle cx="300" cy="300" r="210" fill="none" '
        f'stroke="#F4EBDA" stroke-width="4"/><circle cx="300" cy="300" r="22" fill="#0D0D0D"/><text x="300" '
        f'y="190" font-family="Noto Sans, {SANS}" font-weight="700" font-size="52" fill="#F4EBDA" '
        f'text-anchor="middle">{title}</text><text x="300" y="440" font-family="Noto Sans, {SANS}" '
        f'font-size="34" fill="#F4EBDA" text-anchor="middle">33⅓ STEREO</text>')  # fmt: skip


DRAWINGS = {
    "slice-orange": citrus("#E2700C", "#F7DDA6", "#EE8A14", "#FBB950"),
    "slice-lemon": citrus("#E9BE12", "#FAF3D2", "#F0D968", "#FCF2B0"),
    "slice-kiwi": kiwi(),
    "label-jam-1": label("橙酱", "老周果园 · 220 克", "#C4560C"),
    "label-jam-2": label("柠檬蜜", "老周果园 · 220 克", "#C79A12"),
    "label-jam-3": label("山楂酱", "老周果园 · 220 克", "#9C2F18"),
    "sleeve-1": sleeve("sun", "#E9C46A", "#D1495B", "#2A6F77", "HARBOUR LIGHTS", "The Quay Quartet · 1964"),
    "sleeve-2": sleeve("arcs", "#1F3A4D", "#E07A3F", "#F0D9A8", "SLOW TRAINS", "Marguerite Dale · 1971"),
    "sleeve-3": sleeve("bars", "#27231F", "#C8553D", "#E8C07D", "NINE FOR LATE", "Otis Lang Trio · 1959"),
    "sleeve-4": sleeve("leaf", "#DCE3CF", "#4F6D4A", "#DCE3CF", "", ""),
    "sleeve-5": sleeve("dots", "#5B3A55", "#E6A57E", "#8FB8B5", "PLASTIC MORNING", "Tele Vista · 1979"),
    "sleeve-6": sleeve("moon", "#182635", "#F1E3B5", "#3E5C76", "夜航", "苏州河四重奏 · 1986"),
    "label-1": record_label("#B23A48", "QUAY"),
    "label-2": record_label("#D9772F", "DALE"),
    "label-3": record_label("#8A3B24", "LATE"),
    "label-6": record_label("#3E5C76", "夜航"),
    "cover-1": cover("#2F4A46", "#E9DDBF", "日记", "半页书店", "rule"),
    "cover-2": cover("#B65A3C", "#F3E7D0", "山行", "随身簿", "hill"),
    "cover-3": cover("#D8C39A", "#3B3226", "听雨", "方格本", "grid"),
    "cover-4": cover("#3D5470", "#EFE6D2", "海边", "空白本", "waves"),
    "cover-5": cover("#C9A33E", "#2C261C", "二〇二七", "周历", "grid"),
    "parcel": drawing(
        '<rect width="600" height="840" fill="#C19A6B"/><rect x="130" y="330" width="340" height="220" '
        f'fill="#F3ECDC"/><text x="300" y="420" font-family="{SERIF}" font-weight="700" font-size="52" '
        f'fill="#2B2318" text-anchor="middle">盲选一本</text><text x="300" y="490" font-family="{SANS}" '
        'font-size="34" fill="#6A5C48" text-anchor="middle">适合下雨天</text>', 600, 840),
}  # fmt: skip

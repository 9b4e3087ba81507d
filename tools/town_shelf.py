"""The bookshop's still lifes."""

from __future__ import annotations

import math

from town_fruit import smooth
from town_scenes import box, fresh, leaf, paint, rod, sheet, turned

OAK, MIST, ROSE, INK, MOSS = "#D2B48C", "#C9D0D2", "#DCC3B6", "#8E9AA3", "#B9BEA4"
CLOTH = {1: "#2F4A46", 2: "#B65A3C", 3: "#D8C39A", 4: "#3D5470", 5: "#C9A33E"}


def book(at, number, *, size=(1.3, 1.82, 0.22), turn=0.0, image=""):
    """A cloth-bound book lying on its back: boards, block of pages, printed cover."""
    width, depth, thick = size
    cloth = paint(CLOTH.get(number, "#C19A6B"), 0.9, bump=(160, 0.25))
    pages = paint("#F1E8D4", 0.95, other="#DDD0B6", scale=40)
    x, y, z = at
    angle = math.radians(turn)
    for lift, part, material, inset in ((0, 0.03, cloth, 0), (0.03, thick - 0.06, pages, 0.05),
                                        (thick - 0.03, 0.03, cloth, 0)):  # fmt: skip
        box(
            (width - inset, depth - inset * 2, part),
            material,
            at=(x, y, z + lift),
            turn=(0, 0, turn),
            bevel=0.008,
        )
    away = -width / 2
    box((0.04, depth, thick), cloth, at=(x + away * math.cos(angle), y + away * math.sin(angle), z),
        turn=(0, 0, turn), bevel=0.01)  # fmt: skip
    top = paint("#FFFFFF", 0.85, image=image or f"cover-{number}.png", bump=(160, 0.15))
    sheet(width - 0.01, depth - 0.01, top, at=(x, y, z + thick + 0.003), turn=(0, 0, turn))
    return z + thick


def pen(at, turn, body="#1E2E36"):
    x, y, z = at
    a = math.radians(turn)
    spot = lambda t: (x + t * math.cos(a), y + t * math.sin(a), z + 0.08)  # noqa: E731
    gold = paint("#C9A65A", 0.25, metal=1)
    rod(spot(0), spot(0.95), 0.075, paint(body, 0.15, coat=1))
    rod(spot(0.93), spot(0.98), 0.08, gold)
    rod(spot(0.98), spot(1.5), 0.062, paint(body, 0.15, coat=1))
    turned([(0.05, 0), (0.045, 0.1), (0.006, 0.3)], gold, at=spot(1.5), turn=(0, 90, turn))


def ink(at, colour="#1D3557"):
    x, y, z = at
    wall = smooth([(0.42, 0), (0.47, 0.05), (0.47, 0.5), (0.4, 0.62), (0.24, 0.66), (0.24, 0.74)])
    turned(wall, paint(colour, 0.05, coat=1), at=at)
    turned(
        [(0.27, 0), (0.28, 0.02), (0.28, 0.24), (0.26, 0.26)],
        paint("#20201F", 0.35),
        at=(x, y, z + 0.72),
    )


def notebook_1():
    fresh(OAK)
    z = book((0, 0.1, 0), 1, turn=8)
    z = book((0.05, 0.12, z), 3, turn=-4)
    z = book((0, 0.1, z), 2, turn=14)
    pen((0.75, -0.85, 0), 30)
    return {"aim": (0.1, 0, 0.3), "rise": 38, "turn": -12, "away": 6.6}


def notebook_2():
    fresh(MIST)
    book((-0.8, 0.1, 0), 2, turn=-6)
    book((0.75, 0.05, 0), 4, turn=7)
    pen((-0.3, -1.3, 0), 8, "#5B2C22")
    return {"aim": (0, -0.1, 0.1), "rise": 66, "away": 8.2}


def grid_1():
    fresh(ROSE)
    book((-0.15, 0.1, 0), 3, turn=10)
    leaf((0.75, -0.6, 0.03), (0, -6, 40), 1.1, "#71805B")
    return {"aim": (0.1, 0, 0.1), "rise": 54, "away": 5.8}


def planner_1():
    fresh(MOSS)
    book((0, 0.1, 0), 5, turn=-12, size=(1.3, 1.82, 0.3))
    pen((-0.95, -1.2, 0), 12, "#2B2018")
    return {"aim": (0, -0.1, 0.15), "rise": 44, "away": 6.2}


def ink_1():
    fresh(OAK)
    ink((-0.4, 0.2, 0))
    pen((-0.25, -0.7, 0), 18)
    return {"aim": (0.15, -0.1, 0.36), "rise": 18, "away": 6.0}


def ink_2():
    fresh(INK)
    for i, colour in enumerate(("#1D3557", "#7A2E1D", "#2F5D50")):
        ink((-1.15 + i * 1.15, 0.1 - (i % 2) * 0.3, 0), colour)
    return {"aim": (0, 0, 0.42), "rise": 12, "away": 8.4}


def parcel(at, turn):
    top = book(at, 9, turn=turn, image="parcel.png", size=(1.3, 1.82, 0.3))
    x, y, _ = at
    string, a = paint("#E9DFC8", 0.9), math.radians(turn)
    for dx, dy, length in ((1, 0, 0.66), (0, 1, 0.92)):
        ux, uy = dx * math.cos(a) - dy * math.sin(a), dx * math.sin(a) + dy * math.cos(a)
        rod(
            (x - ux * length, y - uy * length, top + 0.012),
            (x + ux * length, y + uy * length, top + 0.012),
            0.016,
            string,
        )
    return top


def blind_1():
    fresh(MIST)
    z = book((0.1, 0.15, 0), 4, turn=-14, size=(1.4, 1.9, 0.28))
    z = book((0.05, 0.12, z), 2, turn=4, size=(1.35, 1.86, 0.24))
    parcel((0, 0.1, z), 16)
    return {"aim": (0, 0, 0.42), "rise": 36, "turn": 14, "away": 6.8}


def blind_2():
    fresh(ROSE)
    parcel((-0.1, 0, 0), -8)
    leaf((0.75, -0.5, 0.03), (0, -6, 60), 1.2, "#71805B")
    return {"aim": (0.1, 0, 0.1), "rise": 62, "away": 6.4}


def pencils_1():
    fresh(MOSS)
    glaze = paint("#DFE3DC", 0.25, other="#B9C4BC", scale=3, coat=0.6)
    turned(
        smooth(
            [
                (0.4, 0),
                (0.46, 0.06),
                (0.48, 0.5),
                (0.47, 1.0),
                (0.42, 1.02),
                (0.41, 0.5),
                (0.38, 0.1),
                (0.02, 0.08),
            ]
        ),
        glaze,
    )
    colours = ("#C8553D", "#D9A441", "#3D5470", "#4F6D4A", "#8A5A44", "#2B2B2B", "#C9B79C")
    for i, colour in enumerate(colours):
        a = i * 0.9
        foot, tip = (
            (0.16 * math.cos(a + 3), 0.16 * math.sin(a + 3), 0.1),
            (0.36 * math.cos(a), 0.36 * math.sin(a), 1.75 + (i % 3) * 0.12),
        )
        rod(foot, tip, 0.055, paint(colour, 0.35, coat=0.4))
        step = [(t - f) * 0.1 for f, t in zip(foot, tip, strict=True)]
        end = tuple(t + s for t, s in zip(tip, step, strict=True))
        cone = turned([(0.054, 0), (0.012, 0.16), (0.003, 0.2)], paint("#D9B58A", 0.7), at=tip)
        cone.rotation_euler = rod(tip, end, 0.004, paint("#2B2B2B", 0.6)).rotation_euler
    return {"aim": (0, 0, 0.95), "rise": 14, "away": 7.2}


def postcards_1():
    fresh(OAK)
    cards = ("photo-china.png", "photo-flower.png", "photo-chelsea.png", "photo-rocket.png")
    spots = ((-0.75, 0.5, -9), (0.7, 0.6, 7), (-0.6, -0.55, 5), (0.75, -0.5, -6))
    for i, (name, (x, y, turn)) in enumerate(zip(cards, spots, strict=True)):
        box(
            (1.42, 0.98, 0.012),
            paint("#FBF7EE", 0.8),
            at=(x, y, i * 0.014),
            turn=(0, 0, turn),
            bevel=0.003,
        )
        sheet(
            1.28,
            0.85,
            paint("#FFFFFF", 0.45, image=name),
            at=(x, y, i * 0.014 + 0.0145),
            turn=(0, 0, turn),
        )
    return {"aim": (0, 0, 0), "rise": 68, "away": 7.6}


def bookshop():
    fresh("#C9B89A", 1.05)
    wood = paint("#9C6F44", 0.6, other="#845A34", scale=2, bump=(20, 0.1))
    box((5.4, 1.2, 0.14), wood)
    box((5.4, 1.2, 0.14), wood, at=(0, 0, 2.35))
    widths, x = (0.24, 0.3, 0.2, 0.26, 0.34, 0.22, 0.28, 0.24, 0.3, 0.2, 0.26), -2.4
    colours = [*CLOTH.values(), "#7C3F3A", "#E6D9BC", "#5D6B4E", "#A9794B", "#243B4A", "#C98E7A"]
    for width, colour in zip(widths, colours, strict=True):
        tall = 1.5 + (width * 37 % 0.4)
        box(
            (width, 0.95, tall),
            paint(colour, 0.9, bump=(150, 0.2)),
            at=(x + width / 2, -0.05, 0.14),
            bevel=0.02,
        )
        box(
            (width * 0.5, 0.01, 0.05),
            paint("#E9DDBF", 0.6),
            at=(x + width / 2, -0.53, 0.14 + tall * 0.72),
            bevel=0.002,
        )
        x += width + 0.008
    z = 0.14
    for number in (3, 4, 1):
        z = book((1.55, 0, z), number, turn=90 + number * 2, size=(0.9, 1.3, 0.2))
    ink((1.5, 0, z))
    ink((-1.6, 0, 2.49), "#7A2E1D")
    return {"aim": (0, 0, 1.35), "rise": 6, "away": 12.6}


SHOTS = {
    "shelf-notebook-1": notebook_1, "shelf-notebook-2": notebook_2, "shelf-grid-1": grid_1,
    "shelf-planner-1": planner_1, "shelf-ink-1": ink_1, "shelf-ink-2": ink_2,
    "shelf-blind-1": blind_1, "shelf-blind-2": blind_2, "shelf-pencils-1": pencils_1,
    "shelf-postcards-1": postcards_1, "shop-bookshop": bookshop,
}  # fmt: skip

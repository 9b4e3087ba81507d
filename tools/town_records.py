"""The record shop's still lifes: vinyl, cameras, film and tape."""

from __future__ import annotations

import math

from mathutils import Vector
from town_scenes import arc, box, disc, fresh, paint, rod, sheet, turned

MOSS = "#B9BEA4"


def record(at, label, turn=(0, 0, 0)):
    """Three decimetres of vinyl with its grooves."""
    vinyl = paint("#0B0B0C", 0.22, coat=0.4)
    rows = [(0.02, 0.02)]
    rows += [(r, 0.02 + (0.006 if i % 2 else 0)) for i, r in enumerate(arc(0.56, 1.42, 60))]
    turned([*rows, (1.5, 0.02), (1.5, 0)], vinyl, at=at, turn=turn)
    x, y, z = at
    if turn == (0, 0, 0):
        disc(0.5, paint("#FFFFFF", 0.7, image=label), at=(x, y, z + 0.03), turn=turn)
    else:
        disc(0.5, paint("#FFFFFF", 0.7, image=label), at=(x, y - 0.035, z + 0.002), turn=turn)


def sleeve(at, image, turn=(0, 0, 0)):
    box((3.1, 3.1, 0.05), paint("#E8DFCC", 0.8), at=at, turn=turn, bevel=0.006)
    flat = sheet(3.1, 3.1, paint("#FFFFFF", 0.4, image=image, bump=(200, 0.05)), at=at, turn=turn)
    flat.location = flat.matrix_basis @ Vector((0, 0, 0.053))


def lp_flat(number, wall, label=None):
    def scene():
        fresh(wall)
        record((1.0, 0.1, 0.0), f"label-{label or number}.png")
        sleeve((-0.7, 0, 0.05), f"sleeve-{number}.png", (0, 0, 4))
        return {"aim": (0.1, 0, 0), "rise": 64, "away": 13.0}

    return scene


def lp_stand(number, wall):
    def scene():
        fresh(wall)
        record((0.95, 0.62, 1.5), f"label-{number if number != 5 else 2}.png", (84, 0, 0))
        sleeve((-0.35, 0.55, 1.56), f"sleeve-{number}.png", (84, 0, 0))
        return {"aim": (0.15, 0.4, 1.45), "rise": 6, "turn": 8, "away": 13.5}

    return scene


def turntable_1():
    fresh("#B9C1BF")
    box(
        (4.4, 3.5, 0.5),
        paint("#8A5A34", 0.35, other="#74482A", scale=2, coat=0.5),
        at=(0, 0, 0.14),
        bevel=0.06,
    )
    for x, y in ((-1.8, -1.4), (-1.8, 1.4), (1.8, -1.4), (1.8, 1.4)):
        turned([(0.2, 0), (0.22, 0.16)], paint("#1C1C1C", 0.6), at=(x, y, 0))
    turned(
        [(1.56, 0), (1.58, 0.03), (1.58, 0.12), (1.55, 0.13)],
        paint("#B8B8B4", 0.25, metal=1),
        at=(-0.4, 0, 0.64),
    )
    record((-0.4, 0, 0.77), "label-2.png")
    steel = paint("#D8D8D4", 0.18, metal=1)
    turned([(0.3, 0), (0.3, 0.22), (0.18, 0.26), (0.18, 0.42)], steel, at=(1.6, 1.1, 0.64))
    rod((1.6, 1.1, 1.0), (1.35, -0.5, 1.0), 0.045, steel)
    rod((1.35, -0.5, 1.0), (0.75, -0.95, 0.9), 0.045, steel)
    box((0.16, 0.36, 0.12), paint("#1C1C1C", 0.4), at=(0.72, -0.98, 0.83), turn=(0, 0, -40))
    for y in (-1.2, -0.75):
        turned([(0.16, 0), (0.15, 0.12)], steel, at=(1.75, y, 0.64))
    return {"aim": (0, 0, 0.55), "rise": 32, "turn": -18, "away": 14.5}


def camera(at=(0, 0, 0), skin="#1B1A19", metal="#CFCDC6", turn=0):
    """A rangefinder of the sixties."""
    x, y, z = at
    chrome, leather = paint(metal, 0.28, metal=1), paint(skin, 0.75, bump=(85, 0.6))
    glass, dark = paint("#141C2B", 0.02, coat=1), paint("#121212", 0.35)
    box((2.7, 0.62, 0.2), chrome, at=(x, y, z), bevel=0.08)
    box((2.74, 0.6, 0.95), leather, at=(x, y, z + 0.18), bevel=0.12)
    box((2.7, 0.62, 0.42), chrome, at=(x, y, z + 1.1), bevel=0.08)
    for wx, w, h in ((-0.95, 0.42, 0.2), (0.1, 0.3, 0.18), (0.95, 0.5, 0.26)):
        box((w, 0.03, h), glass, at=(x + wx, y - 0.31, z + 1.2), bevel=0.01)
    front = (90, 0, 0)
    for radius, start, end, material in (
        (0.62, 0.28, 0.4, chrome),
        (0.56, 0.38, 0.62, dark),
        (0.5, 0.6, 0.78, chrome),
        (0.44, 0.76, 0.9, dark),
    ):
        turned(
            [(radius, 0), (radius, end - start)], material, at=(x, y - start, z + 0.64), turn=front
        )
    turned(
        [(0.3, 0), (0.26, 0.05), (0.16, 0.09), (0.01, 0.1)],
        glass,
        at=(x, y - 0.88, z + 0.64),
        turn=front,
    )
    for wx, r, h in ((-1.05, 0.24, 0.16), (0.55, 0.26, 0.18), (1.05, 0.2, 0.14)):
        turned([(r, 0), (r, h), (r * 0.9, h + 0.02)], chrome, at=(x + wx, y, z + 1.52))
    turned([(0.08, 0), (0.08, 0.2)], chrome, at=(x + 0.15, y, z + 1.5))


def film(at, colour, turn=(0, 0, 0)):
    rows = [(0.24, 0), (0.25, 0.02), (0.25, 0.1), (0.24, 0.12), (0.24, 0.82), (0.25, 0.84)]
    turned([*rows, (0.25, 0.92), (0.1, 0.93), (0.1, 1.02)],
           paint(colour, 0.35, coat=0.3), at=at, turn=turn)  # fmt: skip


def camera_1():
    fresh("#CDB79B")
    camera()
    return {"aim": (0, 0, 0.78), "rise": 14, "turn": -22, "away": 9.4}


def camera_2():
    fresh("#AEB8B4")
    camera()
    film((1.75, -0.7, 0), "#D9A441")
    film((2.15, -0.2, 0), "#D9A441")
    return {"aim": (0.25, 0, 0.75), "rise": 22, "turn": 24, "away": 10.8}


def camera_3():
    fresh("#BFC6CC")
    camera(skin="#6E3B1F", metal="#2A2A2B")
    return {"aim": (0, 0, 0.78), "rise": 18, "turn": 16, "away": 9.4}


def film_1():
    fresh("#D9C9AE")
    for i, colour in enumerate(("#D9A441", "#3E6B4F", "#2B4C7E", "#D9A441", "#A83A2C")):
        film((-1.1 + i * 0.56, 0.25 - (i % 2) * 0.4, 0), colour)
    film((0.1, -0.95, 0.25), "#3E6B4F", (90, 0, 60))
    return {"aim": (0, -0.1, 0.45), "rise": 18, "away": 6.8}


def tapes_1():
    fresh(MOSS)
    for i, (ground, line) in enumerate(
        (("#E9DDBF", "#C8553D"), ("#DDE3E1", "#3E5C76"), ("#2C2A28", "#D9A441"))
    ):
        z, turn = i * 0.14, (-8, 6, 18)[i]
        box(
            (1.6, 1.02, 0.13),
            paint(ground, 0.4, coat=0.3),
            at=(0, 0, z),
            turn=(0, 0, turn),
            bevel=0.02,
        )
        box(
            (1.36, 0.34, 0.006),
            paint(line, 0.6),
            at=(0, 0.02, z + 0.13),
            turn=(0, 0, turn),
            bevel=0.002,
        )
        a = math.radians(turn)
        for side in (-0.34, 0.34):
            turned(
                [(0.12, 0), (0.12, 0.008), (0.06, 0.009)],
                paint("#F3EFE6", 0.5),
                at=(side * math.cos(a), side * math.sin(a), z + 0.137),
            )
    return {"aim": (0, 0, 0.2), "rise": 40, "turn": -14, "away": 5.6}


def record_shop():
    fresh("#A9B3AE")
    wood = paint("#A97B4B", 0.6, other="#8F6438", scale=2, bump=(20, 0.1))
    for z in (0.05, 0.8, 1.55):
        box((3.7, 0.12, 0.55), wood, at=(0, -1.3, z))
    for x in (-1.8, 1.8):
        box((0.12, 2.7, 2.05), wood, at=(x, 0, 0.05))
    box((3.7, 2.7, 0.1), wood)
    for i, number in enumerate((1, 5, 2, 3, 6, 4, 5, 1, 6, 2)):
        lean = 78 if i < 3 else 97
        sleeve((0, 1.15 - i * 0.24, 1.78), f"sleeve-{number}.png", (lean, 0, 0))
    return {"aim": (0, 0, 1.65), "rise": 30, "turn": -24, "away": 17}


SHOTS = {
    "lp-harbour-1": lp_flat(1, "#D6C4A8"), "lp-harbour-2": lp_stand(1, "#B9C1BF"),
    "lp-trains-1": lp_flat(2, "#C3C9B4"), "lp-trains-2": lp_stand(2, "#D6C4A8"),
    "lp-late-1": lp_flat(3, "#CFB9A4"), "lp-plastic-1": lp_flat(5, "#C9CED0", 2),
    "lp-night-1": lp_flat(6, "#D3CBB8"), "lp-night-2": lp_stand(6, "#C8B9A4"),
    "player-1": turntable_1, "camera-1": camera_1, "camera-2": camera_2, "camera-3": camera_3,
    "film-1": film_1, "tapes-1": tapes_1, "shop-records": record_shop,
}  # fmt: skip

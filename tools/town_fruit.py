"""The orchard's still lifes: each function sets a scene and answers how to shoot it."""

from __future__ import annotations

import math
import random

from town_scenes import arc, box, disc, fresh, leaf, paint, rod, sheet, turned

LINEN, SAGE, STONE, STRAW, CLAY = "#E6DAC6", "#C3C9B4", "#CFC8BC", "#E0C48F", "#D7B49A"


def ball(flat=0.9, top=0.06, foot=0.06, power=1.0):
    """Profile of a round fruit of radius 1 with a dimple above and below."""
    rows = []
    for t in arc(0.02, math.pi - 0.02, 28):
        r, z = math.sin(t) ** power, -math.cos(t) * flat
        near_top, near_foot = math.exp(-(((math.pi - t) * 3) ** 2)), math.exp(-((t * 3) ** 2))
        rows.append((r, z - near_top * top * 2 + near_foot * foot * 2))
    return rows


def sized(rows, size):
    return [(r * size, z * size) for r, z in rows]


def orange(at, size=0.42, seed=1, colour="#E0700F", neck=False, turn=(0, 0, 0), leaves=0):
    rows = ball(0.88, 0.03, 0.05)
    if neck:  # a Dekopon keeps its knob
        rows = [
            *ball(0.82, -0.05)[:-5],
            (0.34, 0.86),
            (0.27, 0.98),
            (0.22, 1.03),
            (0.1, 1.05),
            (0.01, 1.0),
        ]
    skin = paint(colour, 0.42, other="#EE8E22", scale=3, bump=(26 / size, 0.34), coat=0.12)
    x, y, z = at
    top = z + size * (1.85 if neck else 1.72)
    turned(sized(rows, size), skin, at=(x, y, z + size * 0.86), seed=seed, wobble=0.012, turn=turn,
           lobes=9 if neck else 0)  # fmt: skip
    if turn == (0, 0, 0):
        turned([(0.05, 0), (0.035, 0.05)], paint("#6C6A35", 0.7), at=(x, y, top - 0.02))
    for i in range(leaves):
        leaf((x, y, top), (0, -12, 40 + seed * 50 + i * 150), 0.75)


def half(at, size, image, skin, turn=(62, 0, 12)):
    """A cut fruit leaning towards us: half a shell and the drawn face."""
    rows = sized([(math.sin(t), -math.cos(t)) for t in arc(0.02, math.pi / 2, 14)], size)
    turned(rows, skin, at=at, turn=turn)
    face = disc(size, paint("#FFFFFF", 0.25, image=image, coat=0.3), at=at, turn=turn)
    face.location.z += 0.004
    face.location.y -= 0.004


def heap(place, spots, size, seed=3, **more):
    chance = random.Random(seed)
    for i, (x, y, z) in enumerate(spots):
        s = size * chance.uniform(0.93, 1.07)
        place((x, y, z), s, seed=i + seed, **more)


THREE = [(-0.62, 0.15, 0), (0.38, 0.3, 0), (0.1, -0.55, 0)]
PILE = [
    (-0.9, 0.1, 0),
    (0, 0.2, 0),
    (0.9, 0.15, 0),
    (-0.45, -0.6, 0),
    (0.45, -0.6, 0),
    (0.02, -0.15, 0.62),
]


def crate(width=3.55, depth=2.55, height=0.9):
    wood = paint("#C49A63", 0.8, other="#BA8E57", scale=2, bump=(24, 0.12))
    for z in (0.02, 0.34, 0.66):
        for y in (-depth / 2, depth / 2):
            box((width, 0.08, 0.27), wood, at=(0, y, z))
        for x in (-width / 2, width / 2):
            box((0.08, depth, 0.27), wood, at=(x, 0, z))
    box((width, depth, 0.05), wood)
    return height


def rows_in_crate(place, size, layers=1, step=0.86, z0=0.1):
    for x in range(4):
        for y in range(3):
            place(((x - 1.5) * step * 0.92, (y - 1) * step * 0.84, z0), size, x * 3 + y)


def jelly_1():
    fresh(LINEN)
    heap(orange, PILE, 0.45, colour="#E2640A")
    leaf((0.9, -0.9, 0.05), (0, -8, 20))
    return {"aim": (0, -0.1, 0.52), "rise": 18, "away": 8.2}


def jelly_2():
    fresh(STRAW)
    orange((-0.75, 0.35, 0), 0.5, 2, "#E2640A", leaves=2)
    skin = paint("#E2640A", 0.45, other="#EE8E22", bump=(50, 0.3))
    half((0.42, -0.2, 0.42), 0.47, "slice-orange.png", skin)
    half((-0.35, -0.75, 0.36), 0.4, "slice-orange.png", skin, (20, 10, 40))
    return {"aim": (-0.1, -0.1, 0.42), "rise": 26, "away": 6.2}


def ponkan_1():
    fresh(SAGE)
    for i, (x, y, z) in enumerate(THREE):
        orange((x, y, z), 0.5, i + 2, "#E58A14", neck=True)
    leaf((-0.9, -0.6, 0.04), (0, -8, -30))
    return {"aim": (-0.05, 0, 0.5), "rise": 15, "away": 6.6}


def ponkan_2():
    fresh(CLAY)
    crate()
    rows_in_crate(lambda at, s, i: orange(at, s, i, "#E58A14", neck=True), 0.41, z0=0.25)
    return {"aim": (0, 0, 0.55), "rise": 52, "turn": 14, "away": 10.2}


def kiwi(at, size=0.34, seed=1, turn=None):
    skin = paint("#6B5128", 0.95, other="#8D7442", scale=8, bump=(130, 0.7))
    x, y, z = at
    turned([(r * size * 0.84, h * size * 1.12) for r, h in ball(1, 0.02, 0.02)], skin,
           at=(x, y, z + size * 0.82), turn=turn or (80, 0, seed * 47),
           seed=seed, wobble=0.02)  # fmt: skip


def kiwi_1():
    fresh("#D8D5C4")
    heap(kiwi, [(-0.85, 0.35, 0), (0.05, 0.45, 0), (0.8, 0.3, 0), (-0.5, -0.25, 0)], 0.38)
    skin = paint("#6B5128", 0.95, bump=(130, 0.7))
    half((0.32, -0.4, 0.33), 0.36, "slice-kiwi.png", skin)
    return {"aim": (0, 0, 0.34), "rise": 24, "away": 6.4}


def kiwi_2():
    fresh(STONE)
    skin = paint("#6B5128", 0.95, bump=(130, 0.7))
    for i, (x, y) in enumerate(
        [(-0.5, 0.3), (0.42, 0.42), (-0.1, -0.45), (0.75, -0.4), (-0.95, -0.45)]
    ):
        half((x, y, 0.36), 0.38, "slice-kiwi.png", skin, (8 * (i % 3), 6 * (i % 2), i * 40))
    return {"aim": (0, 0, 0.3), "rise": 58, "away": 6.2}


def lemon(at, size=0.36, seed=1, turn=None):
    rows = [(r * size * 0.8, z * size * 1.02) for r, z in ball(1, 0, 0)][2:-2]
    rows = [
        (0.01, -1.26 * size),
        (0.1 * size, -1.2 * size),
        *rows,
        (0.13 * size, 1.2 * size),
        (0.02, 1.32 * size),
    ]
    skin = paint("#EDC015", 0.4, other="#F3D03A", scale=3, bump=(70, 0.3), coat=0.15)
    x, y, z = at
    turned(
        rows,
        skin,
        at=(x, y, z + size * 0.78),
        turn=turn or (84, 0, seed * 61 + 20),
        seed=seed,
        wobble=0.01,
    )


def lemon_1():
    fresh("#C9D2D0")
    heap(lemon, PILE, 0.42)
    leaf((-0.9, -0.75, 0.04), (0, -8, -40))
    return {"aim": (0, -0.1, 0.45), "rise": 20, "away": 7.4}


def lemon_2():
    fresh(LINEN)
    lemon((-0.65, 0.3, 0), 0.44, 3)
    skin = paint("#EDC015", 0.4, bump=(70, 0.3))
    half((0.35, -0.1, 0.38), 0.4, "slice-lemon.png", skin)
    half((-0.3, -0.75, 0.3), 0.38, "slice-lemon.png", skin, (12, 0, 80))
    return {"aim": (-0.05, -0.1, 0.34), "rise": 28, "away": 5.8}


def persimmon(at, size=0.45, seed=1):
    rows = sized(ball(0.68, 0.05, 0.04, 0.8), size)
    skin = paint("#D2500F", 0.3, other="#E27A22", scale=2, bump=(6, 0.08), coat=0.3)
    x, y, z = at
    turned(rows, skin, at=(x, y, z + size * 0.68), seed=seed, lobes=4)
    for k in range(4):
        leaf((x, y, z + size * 1.24), (0, -4, 45 + k * 90 + seed * 20), size * 0.78, "#6B6B3C")
    rod((x, y, z + size * 1.2), (x + 0.03, y, z + size * 1.55), 0.035, paint("#5A4528", 0.8))


def persimmon_1():
    fresh("#CDD3CC")
    heap(persimmon, THREE, 0.52)
    return {"aim": (-0.05, 0, 0.42), "rise": 20, "away": 6.4}


def persimmon_2():
    fresh(LINEN)
    crate()
    rows_in_crate(lambda at, s, i: persimmon(at, s, i), 0.42, z0=0.3)
    return {"aim": (0, 0, 0.55), "rise": 46, "turn": -16, "away": 10.2}


def pear(at, size=0.5, seed=1):
    rows = sized([(0.02, 0.04), (0.25, 0.0), (0.55, 0.08), (0.78, 0.35), (0.84, 0.65), (0.76, 0.98),
                  (0.58, 1.25), (0.42, 1.48), (0.33, 1.66), (0.22, 1.78),
                  (0.06, 1.76)], size)  # fmt: skip
    skin = paint("#C7A648", 0.5, other="#B08A35", scale=30, bump=(90, 0.12), coat=0.1)
    turned(smooth(rows), skin, at=at, seed=seed, wobble=0.015)
    x, y, z = at
    rod((x, y, z + size * 1.7), (x + 0.08, y, z + size * 2.15), 0.03, paint("#5A4528", 0.8))


def smooth(rows, steps=5):
    """Catmull-Rom through a profile."""
    out = []
    for i in range(len(rows) - 1):
        a, b, c, d = rows[max(i - 1, 0)], rows[i], rows[i + 1], rows[min(i + 2, len(rows) - 1)]
        for k in range(steps):
            t = k / steps
            out.append(tuple(
                0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t * t
                       + (3 * q - p - 3 * r + s) * t**3)
                for p, q, r, s in zip(a, b, c, d, strict=True)))  # fmt: skip
    return [(max(r, 0.004), z) for r, z in [*out, rows[-1]]]


def pear_1():
    fresh("#C8C4B2")
    heap(pear, THREE, 0.58)
    leaf((0.75, -0.7, 0.04), (0, -8, 10))
    return {"aim": (-0.05, 0, 0.58), "rise": 12, "away": 7.2}


def apple(at, size=0.46, seed=1):
    skin = paint("#A81F1C", 0.32, other="#D0632E", scale=2.2, bump=(5, 0.06), coat=0.35)
    x, y, z = at
    turned(
        sized(ball(0.86, 0.17, 0.1, 0.86), size),
        skin,
        at=(x, y, z + size * 0.72),
        seed=seed,
        wobble=0.02,
    )
    rod((x, y, z + size * 1.2), (x + 0.07, y, z + size * 1.72), 0.028, paint("#4A3720", 0.8))


def apple_1():
    fresh("#D9CDBB")
    heap(apple, [(-0.85, 0.1, 0), (0.05, 0.35, 0), (0.85, 0, 0), (-0.2, -0.6, 0)], 0.5)
    return {"aim": (0, 0, 0.46), "rise": 16, "away": 7.2}


def apple_2():
    fresh(SAGE)
    crate()
    rows_in_crate(lambda at, s, i: apple(at, s, i), 0.42, z0=0.3)
    return {"aim": (0, 0, 0.55), "rise": 50, "turn": 20, "away": 10.2}


def jar(at, fruit, label):
    x, y, z = at
    wall = smooth(
        [(0.4, 0), (0.46, 0.05), (0.47, 0.2), (0.47, 0.85), (0.44, 0.98), (0.38, 1.04), (0.38, 1.1)]
    )
    turned(wall, paint(fruit, 0.08, coat=1, other=fruit, bump=(9, 0.1)), at=at)
    turned([(0.42, 0), (0.43, 0.02), (0.43, 0.18), (0.41, 0.2)], paint("#C9A65A", 0.3, metal=0.9),
           at=(x, y, z + 1.06))  # fmt: skip
    tag = sheet(
        0.62, 0.46, paint("#F3ECDC", 0.9, image=label), at=(x, y - 0.475, z + 0.5), turn=(90, 0, 0)
    )
    tag.data.materials[0].use_backface_culling = False


def jam_1():
    fresh(LINEN)
    jar((-0.95, 0.1, 0), "#C4560C", "label-jam-1.png")
    jar((0.05, 0, 0), "#D69A12", "label-jam-2.png")
    jar((1.05, 0.1, 0), "#7C2A10", "label-jam-3.png")
    return {"aim": (0.05, 0, 0.6), "rise": 10, "away": 8.2}


def jam_2():
    fresh(STRAW)
    jar((-0.35, 0.15, 0), "#C4560C", "label-jam-1.png")
    orange((0.65, 0.1, 0), 0.42, 3, leaves=1)
    half((0.45, -0.75, 0.3), 0.36, "slice-orange.png", paint("#E2640A", 0.45, bump=(50, 0.3)))
    return {"aim": (0.1, 0, 0.55), "rise": 16, "away": 7.2}


def orchard():
    fresh(SAGE)
    crate(4.6, 2.7)
    for i in range(5):
        orange((-1.75 + (i % 2) * 0.8, -0.7 + (i // 2) * 0.75, 0.3), 0.42, i, "#E2640A")
        apple((0.05 + (i % 2) * 0.1, -0.75 + i * 0.42, 0.3), 0.42, i)
        lemon((1.05, -0.85 + i * 0.42, 0.45), 0.36, i + 2)
        persimmon((1.75, -0.8 + i * 0.42, 0.3), 0.38, i)
    leaf((-1.4, -1.5, 0.04), (0, -8, 10))
    return {"aim": (0, 0, 0.5), "rise": 34, "turn": 12, "away": 12.5}


SHOTS = {
    "fruit-jelly-1": jelly_1, "fruit-jelly-2": jelly_2, "fruit-ponkan-1": ponkan_1,
    "fruit-ponkan-2": ponkan_2, "fruit-kiwi-1": kiwi_1, "fruit-kiwi-2": kiwi_2,
    "fruit-lemon-1": lemon_1, "fruit-lemon-2": lemon_2, "fruit-persimmon-1": persimmon_1,
    "fruit-persimmon-2": persimmon_2, "fruit-pear-1": pear_1, "fruit-apple-1": apple_1,
    "fruit-apple-2": apple_2, "fruit-jam-1": jam_1, "fruit-jam-2": jam_2, "shop-orchard": orchard,
}  # fmt: skip

"""Still lifes for the demo town, built in space and rendered with Blender's path tracer.

A tool for makers of the town, not part of the program: needs `pip install bpy` (Python 3.11).
`python tools/town_scenes.py TEXTURES OUT [NAME ...]` renders the named shots (or all) as PNG.
Lengths are decimetres: an orange is about 0.8 across. The window is always at the upper left.
"""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path

import bpy
from mathutils import Vector

PIXELS, SAMPLES = 640, 6
TEXTURES = Path()


def fresh(wall: str, light: float = 1.0) -> None:
    """An empty studio: a curved backdrop in one colour and a soft window."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.max_bounces = SAMPLES, 3
    scene.cycles.use_denoising = True
    scene.render.resolution_x = scene.render.resolution_y = PIXELS
    scene.view_settings.view_transform = "Khronos PBR Neutral"
    world = bpy.data.worlds.new("sky")
    scene.world = world
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs[0].default_value = (*rgb("#E8E2D8"), 1)
    world.node_tree.nodes["Background"].inputs[1].default_value = 0.5 * light
    calm = "#" + "".join(f"{(int(wall[i : i + 2], 16) * 5 + 0xDA * 4) // 9:02x}" for i in (1, 3, 5))
    curve = [(-8, 0)] + [(3 + 2 * math.sin(a), 2 - 2 * math.cos(a)) for a in arc(0, 1.57, 10)]
    points = [(x, y, z) for y, z in [*curve, (5, 14)] for x in (-16, 16)]
    faces = [(i, i + 1, i + 3, i + 2) for i in range(0, len(points) - 2, 2)]
    mesh(points, faces, paint(calm, 0.9))
    lamp((-5.5, -3.0, 6.5), 1.7, 1250 * light, "#FFF6EA")
    lamp((6, -5, 3), 5, 60 * light, "#DCE6F2")


def arc(start: float, end: float, steps: int) -> list[float]:
    return [start + (end - start) * i / steps for i in range(steps + 1)]


def rgb(code: str) -> tuple[float, float, float]:
    """Linear light of a CSS colour."""
    parts = (int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c < 0.04 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return red, green, blue


def lamp(at: tuple[float, float, float], size: float, watts: float, colour: str) -> None:
    light = bpy.data.lights.new("window", "AREA")
    light.energy, light.size, light.color = watts, size, rgb(colour)
    thing = bpy.data.objects.new("window", light)
    thing.location = at
    thing.rotation_euler = (Vector((0, 0, 0.4)) - Vector(at)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.collection.objects.link(thing)


def paint(colour: str, rough: float = 0.5, *, other: str = "", scale: float = 4,
          bump: tuple[float, float] = (0, 0), metal: float = 0, coat: float = 0,
          image: str = "") -> bpy.types.Material:  # fmt: skip
    """A material: one colour or two mixed by noise, grain as bump, or an image on UVs."""
    made = bpy.data.materials.new("paint")
    made.use_nodes = True
    nodes, link = made.node_tree.nodes, made.node_tree.links.new
    body = nodes["Principled BSDF"]
    body.inputs["Base Color"].default_value = (*rgb(colour), 1)
    body.inputs["Roughness"].default_value = rough
    body.inputs["Metallic"].default_value = metal
    body.inputs["Coat Weight"].default_value = coat
    where = nodes.new("ShaderNodeTexCoord").outputs["Object"]
    if other:
        noise, mix = nodes.new("ShaderNodeTexNoise"), nodes.new("ShaderNodeValToRGB")
        noise.inputs["Scale"].default_value = scale
        noise.inputs["Detail"].default_value = 6
        link(where, noise.inputs["Vector"])
        link(noise.outputs["Fac"], mix.inputs["Fac"])
        mix.color_ramp.elements[0].color, mix.color_ramp.elements[0].position = (
            (*rgb(colour), 1),
            0.4,
        )
        mix.color_ramp.elements[1].color, mix.color_ramp.elements[1].position = (
            (*rgb(other), 1),
            0.65,
        )
        link(mix.outputs["Color"], body.inputs["Base Color"])
    if image:
        picture = nodes.new("ShaderNodeTexImage")
        picture.image = bpy.data.images.load(str(TEXTURES / image), check_existing=True)
        link(picture.outputs["Color"], body.inputs["Base Color"])
    if bump[1]:
        grain, relief = nodes.new("ShaderNodeTexNoise"), nodes.new("ShaderNodeBump")
        grain.inputs["Scale"].default_value = bump[0]
        link(where, grain.inputs["Vector"])
        relief.inputs["Strength"].default_value, relief.inputs["Distance"].default_value = (
            bump[1],
            0.05,
        )
        link(grain.outputs["Fac"], relief.inputs["Height"])
        link(relief.outputs["Normal"], body.inputs["Normal"])
    return made


def mesh(points, faces, material, *, smooth=False, at=(0, 0, 0), turn=(0, 0, 0), bevel=0.0):
    """An object of points and faces; `turn` in degrees, `bevel` rounds its edges."""
    shape = bpy.data.meshes.new("shape")
    shape.from_pydata(points, [], faces)
    shape.materials.append(material)
    for polygon in shape.polygons:
        polygon.use_smooth = smooth
    thing = bpy.data.objects.new("thing", shape)
    thing.location, thing.rotation_euler = at, [math.radians(t) for t in turn]
    if bevel:
        edge = thing.modifiers.new("edge", "BEVEL")
        edge.width, edge.segments = bevel, 3
    bpy.context.collection.objects.link(thing)
    return thing


def turned(profile, material, *, at=(0, 0, 0), turn=(0, 0, 0), wobble=0.0, seed=1, lobes=0):
    """A body thrown on a wheel from [(radius, height)]; `lobes` and `wobble` for fruit."""
    chance, around = random.Random(seed), 72
    phase = [chance.uniform(0, 6.28) for _ in range(4)]
    points = []
    for radius, z in profile:
        for i in range(around):
            a = 6.2832 * i / around
            swell = 1 + wobble * (math.sin(2 * a + phase[0] + z) + 0.6 * math.sin(3 * a + phase[1]))
            swell += 0.03 * math.cos(lobes * a) if lobes else 0
            points.append((radius * swell * math.cos(a), radius * swell * math.sin(a), z))
    faces = [
        (r * around + i, r * around + (i + 1) % around,
         (r + 1) * around + (i + 1) % around, (r + 1) * around + i)
        for r in range(len(profile) - 1) for i in range(around)
    ]  # fmt: skip
    faces += [tuple(range(around))[::-1], tuple(range(len(points) - around, len(points)))]
    return mesh(points, faces, material, smooth=True, at=at, turn=turn)


def box(size, material, *, at=(0, 0, 0), turn=(0, 0, 0), bevel=0.02):
    """A box standing on its underside."""
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    points = [(a, b, c) for c in (0, z) for b in (-y, y) for a in (-x, x)]
    faces = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    return mesh(points, faces, material, at=at, turn=turn, bevel=bevel)


def sheet(width, depth, material, *, at=(0, 0, 0), turn=(0, 0, 0)):
    """A flat rectangle that shows a whole image."""
    x, y = width / 2, depth / 2
    flat = mesh([(-x, -y, 0), (x, -y, 0), (x, y, 0), (-x, y, 0)], [(0, 1, 2, 3)], material,
                at=at, turn=turn)  # fmt: skip
    layer = flat.data.uv_layers.new(name="uv")
    for corner, uv in zip(layer.data, [(0, 0), (1, 0), (1, 1), (0, 1)], strict=True):
        corner.uv = uv
    return flat


def disc(radius, material, *, at=(0, 0, 0), turn=(0, 0, 0)):
    """A flat circle that shows the circle inside a square image."""
    ring = [(math.cos(a), math.sin(a)) for a in arc(0, 2 * math.pi, 96)[:-1]]
    flat = mesh([(x * radius, y * radius, 0) for x, y in ring], [tuple(range(96))], material,
                at=at, turn=turn)  # fmt: skip
    layer = flat.data.uv_layers.new(name="uv")
    for corner, (x, y) in zip(layer.data, ring, strict=True):
        corner.uv = (0.5 + x / 2, 0.5 + y / 2)
    return flat


def rod(start, end, radius, material):
    """A straight round bar between two points."""
    a, b = Vector(start), Vector(end)
    length = (b - a).length
    bar = turned([(radius, 0), (radius, length)], material, at=start)
    bar.rotation_euler = (b - a).to_track_quat("Z", "Y").to_euler()
    return bar


def leaf(at, turn, length=0.9, colour="#4E6B2F"):
    """A bent leaf."""
    points, faces, steps = [], [], 10
    for i in range(steps + 1):
        t = i / steps
        half = 0.24 * length * math.sin(math.pi * t**0.8) + 0.004
        z = 0.16 * length * math.sin(t * 2.4)
        points += [
            (t * length, -half, z + half * 0.3),
            (t * length, 0, z),
            (t * length, half, z + half * 0.3),
        ]
        if i:
            k = 3 * i
            faces += [(k - 3, k - 2, k + 1, k), (k - 2, k - 1, k + 2, k + 1)]
    return mesh(
        points, faces, paint(colour, 0.42, other="#6F8A45", scale=3), smooth=True, at=at, turn=turn
    )


def shoot(out: Path, *, aim=(0, 0, 0.5), turn=0.0, rise=20.0, away=7.0, lens=86.0, stop=5.6):
    """Take the picture: `turn` and `rise` in degrees around the aim, `away` from it."""
    scene, camera = bpy.context.scene, bpy.data.cameras.new("camera")
    a, e = math.radians(turn - 90), math.radians(rise)
    offset = Vector((math.cos(a) * math.cos(e), math.sin(a) * math.cos(e), math.sin(e))) * away
    thing = bpy.data.objects.new("camera", camera)
    thing.location = Vector(aim) + offset
    thing.rotation_euler = (-offset).to_track_quat("-Z", "Y").to_euler()
    camera.lens, camera.dof.use_dof, camera.dof.focus_distance = lens, True, away - 0.4
    camera.dof.aperture_fstop = stop / 10  # decimetres, not metres
    bpy.context.collection.objects.link(thing)
    scene.camera = thing
    scene.render.filepath = str(out)
    bpy.ops.render.render(write_still=True)


def main() -> None:
    """Render the shots asked for."""
    global TEXTURES
    import town_fruit
    import town_records
    import town_shelf

    TEXTURES, out = Path(sys.argv[1]), Path(sys.argv[2])
    shots = {**town_fruit.SHOTS, **town_shelf.SHOTS, **town_records.SHOTS}
    for name in sys.argv[3:] or list(shots):
        if not (out / f"{name}.png").exists():
            shoot(out / f"{name}.png", **shots[name]())


if __name__ == "__main__":
    sys.modules["town_scenes"] = sys.modules["__main__"]
    main()

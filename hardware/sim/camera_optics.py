"""How a sheet of paper looks to the kiosk's camera: perspective, shadow, blur and noise, the same for the same seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageFilter

FRAME = (1600, 1200)
_DESK = 96  # grey of the shelf under the camera
_PAPER_PERMILLE = 900  # how much of the frame a sheet takes


@dataclass(frozen=True)
class Hold:
    """How the sheet is held: `tilt_deg` in its plane, `skew_permille` of perspective; `noise` in grey levels."""

    tilt_deg: float = 3.0
    skew_permille: int = 15
    blur_px: float = 0.6
    noise: int = 6
    seed: int = 1


def desk(noise: int = 6, seed: int = 1) -> Image.Image:
    """Return what the camera sees when nobody holds anything."""
    return _noisy(_lit(Image.new("L", FRAME, _DESK)), noise, random.Random(seed))


def photograph(sheet: Image.Image, hold: Hold) -> Image.Image:
    """Return a frame of the grey `sheet` held to the camera."""
    chance = random.Random(hold.seed)
    turned = sheet.rotate(hold.tilt_deg, Image.Resampling.BICUBIC, expand=True, fillcolor=_DESK)
    scale = _PAPER_PERMILLE / 1000 * min(FRAME[0] / turned.width, FRAME[1] / turned.height)
    # A code alone is not blown up beyond what a near bill shows.
    scale = min(scale, 2.0)
    size = (max(1, round(turned.width * scale)), max(1, round(turned.height * scale)))
    scene = Image.new("L", FRAME, _DESK)
    scene.paste(turned.resize(size, Image.Resampling.LANCZOS), ((FRAME[0] - size[0]) // 2, (FRAME[1] - size[1]) // 2))
    skewed = scene.transform(
        FRAME, Image.Transform.PERSPECTIVE, _skew(hold.skew_permille, chance), Image.Resampling.BICUBIC, fillcolor=_DESK
    )
    blurred = skewed.filter(ImageFilter.GaussianBlur(hold.blur_px)) if hold.blur_px else skewed
    return _noisy(_lit(blurred), hold.noise, chance)


def _skew(permille: int, chance: random.Random) -> tuple[float, ...]:
    """Return Pillow's eight coefficients for corners moved by up to `permille` of the frame."""
    width, height = FRAME
    corners = [(0.0, 0.0), (float(width), 0.0), (float(width), float(height)), (0.0, float(height))]
    reach = permille / 1000
    moved = [
        (x + chance.uniform(-reach, reach) * width, y + chance.uniform(-reach, reach) * height) for x, y in corners
    ]
    return perspective(corners, moved)


def perspective(output: Sequence[tuple[float, float]], source: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """Return the eight coefficients that carry the four `output` points to the `source` points."""
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(output, source, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, v])
    return tuple(_solve(rows))


def _solve(rows: list[list[float]]) -> list[float]:
    """Gauss-Jordan on an augmented matrix; ValueError when three of the points lie on a line."""
    for column in range(len(rows)):
        pivot = max(range(column, len(rows)), key=lambda row: abs(rows[row][column]))
        if abs(rows[pivot][column]) < 1e-9:
            raise ValueError("the corners are no quadrangle")
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [value / rows[column][column] for value in rows[column]]
        for row in range(len(rows)):
            if row != column:
                factor = rows[row][column]
                rows[row] = [value - factor * base for value, base in zip(rows[row], rows[column], strict=True)]
    return [row[-1] for row in rows]


def _lit(scene: Image.Image) -> Image.Image:
    """Lobby light from one side: a fifth darker at the right."""
    fall = Image.linear_gradient("L").rotate(90).resize(FRAME).point(lambda value: 204 + value // 5)
    return ImageChops.multiply(scene, fall)


def _noisy(scene: Image.Image, noise: int, chance: random.Random) -> Image.Image:
    if not noise:
        return scene
    grain = Image.frombytes("L", FRAME, chance.randbytes(FRAME[0] * FRAME[1]))
    grain = grain.point(lambda value: 128 + (value - 128) * noise // 128)
    return ImageChops.add(scene, grain, offset=-128)

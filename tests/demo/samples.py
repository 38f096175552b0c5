"""Files to upload: drawn and written here, so that the demo needs none from elsewhere."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

__all__ = ["landscape", "table"]


def landscape(width: int, height: int, hour: float) -> bytes:
    """Return a PNG of hills under the sun.

    :param hour: where the sun stands, from 0.0 (left) to 1.0 (right).
    """
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for y in range(height):
        share = y / height
        draw.line(
            [(0, y), (width, y)], fill=(int(110 + 130 * share), int(165 + 40 * share), int(215 - 60 * share))
        )
    sun_x, sun_y, radius = width * hour, height * (0.25 + (hour - 0.5) ** 2), height * 0.09
    draw.ellipse((sun_x - radius, sun_y - radius, sun_x + radius, sun_y + radius), fill=(255, 236, 160))
    for left, top, shade in (
        (-0.3, 0.62, (74, 124, 89)),
        (0.3, 0.7, (50, 98, 74)),
        (-0.1, 0.8, (29, 66, 52)),
    ):
        draw.ellipse((width * left, height * top, width * (left + 1.1), height * (top + 0.9)), fill=shade)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def table() -> bytes:
    """Return a csv of a few rows."""
    return "city,country,inhabitants\nWrocław,PL,673531\nGhent,BE,265086\nTartu,EE,97759\n".encode()

"""Words over a frame: who acts, where, and how it goes.

Text is drawn with FreeType (Pillow): OpenCV's stroke fonts are not legible at the size that fits a
224-pixel frame.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from fedarm.errors import MachineError
from fedarm.rollout.layers import Colour, Layer, flatten

WHITE: Colour = (255, 255, 255)
GREEN: Colour = (142, 240, 160)
GREY: Colour = (205, 210, 218)

# Shares of the frame's side: 11 px letters on a 240 px frame.
_TEXT_HEIGHT = 0.046
_LINE_HEIGHT = 0.056
_MARGIN = 0.025
_SCRIM_HEIGHT = 0.18
_SCRIM_COLOUR: Colour = (12, 14, 20)
_SCRIM_ALPHA = 0.72
_PLATE_ALPHA = 0.5
_MIN_TEXT_HEIGHT_PX = 9
_LINES = 2
# Left and right text of a line share its width like this.
_LEFT_SHARE, _RIGHT_SHARE = 0.55, 0.38


@lru_cache(maxsize=512)
def text_layer(
    text: str, *, size: int, line: int = 0, right: bool = False, colour: Colour = WHITE
) -> Layer:
    """Return a text at the bottom of a square frame; what is too long ends in an ellipsis.

    Args:
        text: The words.
        size: Side of the frame, in pixels.
        line: 0 for the first line, 1 for the second and last.
        right: At the right edge instead of the left one.
        colour: Of the letters.
    """
    mask = _text_mask(fit_text(text, size=size, right=right), _font(size))
    return Layer.tinted(
        mask,
        colour,
        top=size - margin_px(size) - (_LINES - line) * round(_LINE_HEIGHT * size),
        left=size - margin_px(size) - mask.shape[1] if right else margin_px(size),
    )


@lru_cache(maxsize=8)
def plate(text: str, *, size: int, top: int, left: int, height: int) -> Layer:
    """Return a dark plate in the upper right corner with a word on it, left of what it says.

    Args:
        text: The word.
        size: Side of the frame, in pixels.
        top: First row of what the word is about.
        left: Its first column.
        height: Its rows.
    """
    word, margin = _text_mask(text, _font(size)), margin_px(size)
    first = left - 2 * margin - word.shape[1]
    dark = np.full((height + 2 * margin, size - margin - first), _PLATE_ALPHA, dtype=np.float32)
    word_top = top + round((height - word.shape[0]) / 2)
    return flatten(
        [
            Layer.tinted(dark, _SCRIM_COLOUR, top=top - margin, left=first),
            Layer.tinted(word, GREY, top=word_top, left=first + margin),
        ]
    )


@lru_cache(maxsize=8)
def scrim(size: int) -> Layer:
    """Return the soft dark edge at the bottom that keeps text legible on any table."""
    height = round(_SCRIM_HEIGHT * size)
    rise = np.linspace(0.0, 1.0, height, dtype=np.float32) ** 0.7 * _SCRIM_ALPHA
    mask = np.repeat(rise[:, None], size, axis=1)
    return Layer.tinted(mask, _SCRIM_COLOUR, top=size - height, left=0)


def margin_px(size: int) -> int:
    """Return the distance of text from the frame's edge."""
    return round(_MARGIN * size)


def fit_text(text: str, *, size: int, right: bool = False) -> str:
    """Return a text, or its beginning and an ellipsis when its side of a line is too narrow."""
    font, room_px = _font(size), (_RIGHT_SHARE if right else _LEFT_SHARE) * size
    if font.getlength(text) <= room_px:
        return text
    while text and font.getlength(f"{text}…") > room_px:
        text = text[:-1]
    return f"{text}…"


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(max(_MIN_TEXT_HEIGHT_PX, round(_TEXT_HEIGHT * size)))
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise MachineError(
            "Pillow was built without FreeType, so captions cannot be drawn",
            remedy="install the `pillow` wheel from PyPI",
        )
    return font


def _text_mask(text: str, font: ImageFont.FreeTypeFont) -> NDArray[np.float32]:
    """Return the coverage `(height, width)` of a line of text, 0 to 1.

    The height is that of the font, not of these letters, so lines share a baseline.
    """
    width = max(1, round(font.getlength(text)) + 2)
    picture = Image.new("L", (width, round(font.size * 1.3)))
    ImageDraw.Draw(picture).text((1, 0), text, fill=255, font=font)
    return np.asarray(picture, dtype=np.float32) / 255.0

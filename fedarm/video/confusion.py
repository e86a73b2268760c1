"""Judgements against what was really so."""

from __future__ import annotations

from collections.abc import Sequence

_CELLS = {
    (True, True): "true_positive",
    (True, False): "false_positive",
    (False, True): "false_negative",
    (False, False): "true_negative",
}


def confusion(judged: Sequence[bool | None], flags: Sequence[bool | None]) -> dict[str, int]:
    """Count judgements by what was so; a judgement that is None is `undetermined`, without a flag none.

    Args:
        judged: What was judged, one a video.
        flags: What was so.
    """
    counts = dict.fromkeys((*_CELLS.values(), "undetermined"), 0)
    for verdict, flag in zip(judged, flags, strict=True):
        if flag is not None:
            counts["undetermined" if verdict is None else _CELLS[verdict, flag]] += 1
    return counts

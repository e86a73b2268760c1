"""The grid of figures that show each candidate for itself: a row a candidate, a column a case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fedarm.report.figures.style import FAINT, new_figure
from fedarm.report.inputs import ComparisonSettings
from fedarm.report.wording import label

_FEW = 2
_ROW_IN, _LOW_ROW_IN = 2.3, 1.35
_AROUND_IN = 1.0


def candidate_panels(
    settings: ComparisonSettings, titles: Sequence[str], *, ordinate: str
) -> tuple[Figure, NDArray[Any]]:
    """Return a figure and its panels `(candidate, case)`, cases named above, candidates at the left.

    Args:
        settings: What is compared, with at least one candidate.
        titles: The cases.
        ordinate: What all panels show upward.
    """
    rows = len(settings.candidates)
    figure = new_figure(_AROUND_IN + rows * (_ROW_IN if rows <= _FEW else _LOW_ROW_IN))
    panels = figure.subplots(rows, len(titles), sharex=True, sharey=True, squeeze=False)
    for panel in panels.ravel():
        panel.grid(color=FAINT)
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
    for panel, title in zip(panels[0], titles, strict=True):
        panel.set_title(title)
    for panel, name in zip(panels[:, 0], settings.candidates, strict=True):
        panel.set_ylabel(label(name), fontweight="bold")
    figure.supylabel(ordinate, fontsize=8.5)
    return figure, np.asarray(panels)

"""The look that all figures share, and how they become SVG."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedarm.report.inputs import ComparisonSettings

INK = "#23282e"
MUTED = "#6b7480"
FAINT = "#d9dde2"

WIDTH_IN = 8.2

_KIND_COLOURS = {"base": "#9aa3ad", "local": "#c2a878", "central": "#2b3a55"}
# The first six are distinct for colour-blind eyes and in grey print.
_FEDERATED_COLOURS = (
    "#0f8b8d",
    "#d1603d",
    "#8a5a9e",
    "#7a9e2f",
    "#c2477f",
    "#4a7fd6",
    "#c29a1b",
    "#7b3f1d",
    "#6fb7dd",
    "#2f6b3c",
)
# Inches of an entry of a legend: of its mark with what is around it, and of a letter.
_ENTRY_IN, _LETTER_IN = 0.6, 0.075

# Shown in the page's own sans-serif; laid out with a wider font that matplotlib ships, so that nothing
# depends on the machine's fonts and nothing overlaps.
_LAYOUT_FONT = "DejaVu Sans"
_PAGE_FONTS = "'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"

_RC: Any = {
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 8.5,
    "axes.linewidth": 0.6,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 6,
    "axes.titlesize": 9,
    "font.family": [_LAYOUT_FONT],
    "font.size": 8.5,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "lines.solid_capstyle": "round",
    "savefig.transparent": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "fedarm",
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8,
    "xtick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8,
    "ytick.major.size": 0,
}


def colours(settings: ComparisonSettings) -> dict[str, str]:
    """Return a colour for each run's name, the same in all figures, whichever runs they show."""
    # A real arm may have tried a few of those that were replayed.
    kinds = {run.name: run.kind for run in settings.replayed_runs or settings.runs}
    federated = [name for name, kind in kinds.items() if kind == "federated"]
    found = {name: _KIND_COLOURS[kind] for name, kind in kinds.items() if kind != "federated"}
    for index, name in enumerate(federated):
        found[name] = _FEDERATED_COLOURS[index % len(_FEDERATED_COLOURS)]
    return found


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw and save within this style; nothing of it stays afterwards."""
    with sns.axes_style("ticks"), mpl.rc_context(_RC):
        yield


def new_figure(height_in: float, *, width_in: float = WIDTH_IN) -> Figure:
    """Return an empty figure that no global list of figures keeps alive."""
    return Figure(figsize=(width_in, height_in), layout="constrained")


def to_svg(figure: Figure) -> str:
    """Return a figure as SVG: the same figure gives the same text."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text.replace(f"'{_LAYOUT_FONT}'", _PAGE_FONTS)
    # The metadata say nothing but name a web address; a report that makes no requests has none.
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def percent_axis(axes: Axes, axis: str, *, label: str) -> None:
    """Make an axis of shares from 0 to 1 read in percent."""
    ticks = (0, 0.25, 0.5, 0.75, 1)
    names = ("0", "", "50 %", "", "100 %")
    if axis == "x":
        axes.set(xlim=(-0.02, 1.02), xlabel=label)
        axes.set_xticks(ticks, names)
    else:
        axes.set(ylim=(-0.02, 1.02), ylabel=label)
        axes.set_yticks(ticks, names)


def add_legend(figure: Figure, handles: Sequence[Any], **options: Any) -> None:
    """Add a legend above the panels, at the left, where a phone begins; without handles none.

    Args:
        figure: The figure.
        handles: What has a label.
        options: Of matplotlib's legend.
    """
    if handles:
        longest = max(len(str(handle.get_label())) for handle in handles)
        fitting = int(figure.get_figwidth() / (_ENTRY_IN + _LETTER_IN * longest))
        columns = max(1, min(len(handles), fitting))
        figure.legend(handles=handles, loc="outside upper left", ncols=columns, **options)


def write_message(axes: Axes, text: str) -> None:
    """Say in a panel why it is empty."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", color=MUTED, transform=axes.transAxes)


def empty_figure(reason: str) -> Figure:
    """Return a figure that says why it shows nothing."""
    figure = new_figure(1.0)
    write_message(figure.add_subplot(), reason)
    return figure

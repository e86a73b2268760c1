"""Planted defects, each known from public robot datasets, put into a clean LeRobot v3 dataset.

    defect.py       what a defect is, and what planting one gives; the registry
    tables.py       reading and rewriting rows, episodes, metadata and statistics
    rebuild.py      a dataset made anew from runs of its rows
    film.py         decoding and encoding a dataset's videos
    layout.py       files and pointers: doubled rows, stale pointers, totals, truncation
    timing.py       rates and timestamps
    meaning.py      joints' names and units, cameras' names, tasks
    values.py       values of joints that no sound arm gives
    motion.py       movement over time that no sound arm makes
    episodes.py     which episodes a set has
    pictures.py     what the cameras show, and when
    stored.py       statistics and metadata that disagree with the rows

Planting is done at the level of files, without LeRobot and without fedarm's own readers: a reader that
shared a mistake with the checks would hide it.
"""

from . import episodes, layout, meaning, motion, pictures, stored, timing, values
from .defect import DEFECTS, STRENGTHS, Defect, Planted, Strength

__all__ = [
    "DEFECTS",
    "STRENGTHS",
    "Defect",
    "Planted",
    "Strength",
    "episodes",
    "layout",
    "meaning",
    "motion",
    "pictures",
    "stored",
    "timing",
    "values",
]

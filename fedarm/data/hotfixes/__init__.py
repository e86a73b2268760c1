"""Repairs of known defects, on a private copy, each with an account of what it changed and why.

    hotfix.py             what a hotfix is; the registry
    apply.py              runs them on a copy and makes `hotfixes.json`
    suggest.py            which of them mend what the checks found
    rows.py               declared_rows, restamp_timestamps
    undeclared.py         files that no metadata declares
    pointers.py           mend_pointers
    totals.py             mend_totals
    tasks.py              fill_tasks
    rate.py               correct_fps
    cutting.py            frames left out of videos, and what points to the others
    thinning.py           rows repeated to reach a stamped rate
    cameras.py            rename_cameras
    joints.py             rename_joints, convert_era
    dropping.py           drop_episodes
    statistics.py         recompute_statistics
    camera_statistics.py  statistics of pixels over some episodes
    tables.py             reading and writing tables in place
    packets.py            cutting and re-timing videos

To add a hotfix, write a function with the `hotfix` decorator in one of these files, or in a new one that
is imported here, and its section in `fedarm.config_hotfixes`.
"""

from fedarm.data.hotfixes import (
    cameras,
    dropping,
    joints,
    pointers,
    rate,
    rows,
    statistics,
    tasks,
    totals,
)
from fedarm.data.hotfixes.apply import HotfixReport, apply_hotfixes, apply_in_place
from fedarm.data.hotfixes.hotfix import HOTFIXES, Hotfix, Touched, hotfix
from fedarm.data.hotfixes.suggest import suggest_hotfixes

__all__ = [
    "HOTFIXES",
    "Hotfix",
    "HotfixReport",
    "Touched",
    "apply_hotfixes",
    "apply_in_place",
    "cameras",
    "dropping",
    "hotfix",
    "joints",
    "pointers",
    "rate",
    "rows",
    "statistics",
    "suggest_hotfixes",
    "tasks",
    "totals",
]

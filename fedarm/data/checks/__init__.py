"""Is a dataset sound? Registered checks, each with evidence and a remedy, and one report.

    finding.py      what a check is and what it finds; the registry
    subject.py      what checks look at, each part read once
    footage.py      what is measured of a video, once for all checks
    series.py       arithmetic that several checks share
    readable.py     which files cannot be read
    report.py       runs all checks and makes the report

    metadata.py     meta/ and the folder
    tables.py       rows
    timing.py       timestamps and rate
    joints.py       single joints: names, units, range
    following.py    how joints answer their commands
    motion.py       how joints move
    calibration.py  eras
    videos.py       videos as files
    images.py       what videos show
    statistics.py   stored statistics
    episodes.py     episodes as a set
    tasks.py        task strings

To add a check, write a function with the `check` decorator in one of these files, or in a new one that
is imported here.
"""

from fedarm.data.checks import (
    calibration,
    episodes,
    following,
    images,
    joints,
    metadata,
    motion,
    statistics,
    tables,
    tasks,
    timing,
    videos,
)
from fedarm.data.checks.finding import CHECKS, Check, Evidence, check
from fedarm.data.checks.report import CheckReport, run_checks
from fedarm.data.checks.subject import Subject

__all__ = [
    "CHECKS",
    "Check",
    "CheckReport",
    "Evidence",
    "Subject",
    "calibration",
    "check",
    "episodes",
    "following",
    "images",
    "joints",
    "metadata",
    "motion",
    "run_checks",
    "statistics",
    "tables",
    "tasks",
    "timing",
    "videos",
]

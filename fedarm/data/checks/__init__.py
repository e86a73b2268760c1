"""Is a dataset sound? Registered checks, each with evidence and a remedy, and one report.

    finding.py      what a check is and what it finds; the registry
    tables.py       checks of the metadata and of the tables
    videos.py       checks of the videos, against a full decode
    report.py       runs them all and makes the report

To add a check, write a function with the `check` decorator in one of these files, or in a new one that
is imported here.
"""

from fedarm.data.checks import episodes, joints, motion, tables, tasks, videos
from fedarm.data.checks.finding import CHECKS, Check, Evidence, check
from fedarm.data.checks.report import CheckReport, run_checks
from fedarm.data.checks.subject import Subject

__all__ = [
    "CHECKS",
    "Check",
    "CheckReport",
    "Evidence",
    "Subject",
    "check",
    "run_checks",
    "tables",
    "videos",
]

"""Task strings: which of them say something."""

from __future__ import annotations

_PLACEHOLDERS = {"test", "testing", "asdf", "todo", "tbd", "n/a", "na", "none", "xxx", "task"}
_PLACEHOLDERS |= {"placeholder", "placeholder_task", "dummy", "unknown", "default", "untitled"}
# How the example commands of recorders begin.
_TEMPLATES = ("describe the task", "describe your task", "task description", "your task", "<")
_SHORTEST = 3


def is_missing(task: str) -> bool:
    """Return whether a task string is blank."""
    return not task.strip()


def says_nothing(task: str) -> bool:
    """Return whether a task string is blank, a placeholder, or too short to be an instruction."""
    text = task.strip().lower()
    return len(text) < _SHORTEST or text in _PLACEHOLDERS or text.startswith(_TEMPLATES)

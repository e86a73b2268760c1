"""What a check is and what it finds; the registry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from fedarm.data.checks.subject import Level, Subject
from fedarm.registry import Registry

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Evidence:
    """One place where a check found something.

    Attributes:
        message: What is wrong there.
        episode: The episode index, when it is about one.
        frame: The frame index in that episode.
        column: The column, feature key or file.
        value: What was found.
    """

    message: str
    episode: int | None = None
    frame: int | None = None
    column: str | None = None
    value: float | int | str | None = None


Find = Callable[[Subject], Iterable[Evidence]]


@dataclass(frozen=True)
class Check:
    """A registered check.

    Attributes:
        severity: `error` when training on such data would be wrong, `warning` when it may be.
        measures: What is measured, in one sentence.
        remedy: What to do about a finding; names the hotfix that repairs it, when one does.
        find: Yields one `Evidence` a place.
        same_as: What other checkers call it, `<checker> <their name>`.
        needs: How much of the dataset must be readable for the check to run.
    """

    severity: Severity
    measures: str
    remedy: str
    find: Find
    same_as: tuple[str, ...] = ()
    needs: Level = "rows"


CHECKS: Registry[Check] = Registry("check")


def check(
    name: str,
    *,
    severity: Severity,
    measures: str,
    remedy: str,
    same_as: tuple[str, ...] = (),
    needs: Level = "rows",
) -> Callable[[Find], Find]:
    """Return a decorator that registers a function as a check.

    Args:
        name: The check's id.
        severity: As in `Check`.
        measures: As in `Check`.
        remedy: As in `Check`.
        same_as: As in `Check`.
        needs: As in `Check`.
    """

    def decorate(find: Find) -> Find:
        CHECKS.register(name)(Check(severity, measures, remedy, find, same_as, needs))
        return find

    return decorate

"""What a rule of the gate is, what it looks at and what it finds; the registry of rules."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fedarm.data.summary import DatasetSummary
from fedarm.registry import Registry

Role = Literal["client", "pool", "unseen"]
Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Member:
    """A dataset at the gate.

    Attributes:
        summary: What is known of it.
        role: Whether a client trains on it, the base is pretrained on it, or no arm may see it.
    """

    summary: DatasetSummary
    role: Role

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.summary.name


@dataclass(frozen=True)
class HotfixProposal:
    """What would reconcile a pair, ready for the configuration.

    Attributes:
        dataset: The dataset whose section it goes into.
        hotfix: The entry of that section's `hotfixes` list.
    """

    dataset: str
    hotfix: dict[str, Any]


@dataclass(frozen=True)
class Disagreement:
    """One pair that does not fit together.

    Attributes:
        first: The dataset that most agree with.
        second: The one that differs.
        key: What they disagree on.
        values: The value of each.
        message: What is wrong, in one sentence.
        remedy: What to do about it.
        proposal: The hotfix that would reconcile them, if one would.
        doubtful: Whether it may be harmless: reported as a warning whatever the rule's severity.
    """

    first: str
    second: str
    key: str
    values: tuple[Any, Any]
    message: str
    remedy: str
    proposal: HotfixProposal | None = None
    doubtful: bool = False


Find = Callable[[Sequence[Member]], Iterable[Disagreement]]


@dataclass(frozen=True)
class GateRule:
    """A registered rule.

    Attributes:
        severity: `error` when training them together would be wrong, `warning` when it may be.
        measures: What is compared, in one sentence.
        find: Yields one `Disagreement` a pair and key.
    """

    severity: Severity
    measures: str
    find: Find


GATE_RULES: Registry[GateRule] = Registry("gate rule")


def gate_rule(name: str, *, severity: Severity, measures: str) -> Callable[[Find], Find]:
    """Return a decorator that registers a function as a rule.

    Args:
        name: The rule's id.
        severity: As in `GateRule`.
        measures: As in `GateRule`.
    """

    def decorate(find: Find) -> Find:
        GATE_RULES.register(name)(GateRule(severity, measures, find))
        return find

    return decorate


def dissenters(
    members: Sequence[Member], value_of: Callable[[Member], Hashable | None]
) -> Iterator[tuple[Member, Member]]:
    """Yield `(reference, member)` for each member whose value differs from what most clients have.

    Of values that equally many have, the one that comes first counts. Members whose value is None have
    no say. One pair a dissenter, not one a pair of all: a single odd client is named once.
    """
    known = [(member, value) for member in members if (value := value_of(member)) is not None]
    # A pool or an unseen set must fit the clients, not the other way round.
    voters = [pair for pair in known if pair[0].role == "client"] or known
    votes: dict[Hashable, int] = {}
    for _, value in voters:
        votes[value] = votes.get(value, 0) + 1
    if not votes:
        return
    agreed = max(votes, key=lambda value: votes[value])
    reference = next(member for member, value in voters if value == agreed)
    for member, value in known:
        if value != agreed:
            yield reference, member

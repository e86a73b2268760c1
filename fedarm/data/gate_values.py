"""The gate's rules on what the values are: calibration era, ranges, and episodes that stand twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, permutations
from statistics import median

from fedarm.data.calibration import base_name, is_so_arm
from fedarm.data.gate_finding import Disagreement, HotfixProposal, Member, dissenters, gate_rule
from fedarm.data.info import ACTION, STATE
from fedarm.data.sketches import SharedEpisode, shared_episodes
from fedarm.data.summary import JointRange

# Joints of one arm, teleoperated on any task, lie within one another's reach; numbers further apart
# than this (degrees, percent) count from two zeros.
_FAR_APART = 45.0
# Medians of two tasks on the same arm are rarely further apart than this.
_NEAR = 30.0
# Half of the joints spread over this many times more or less: two units, not two tasks.
_SCALED = 3.0
# A joint that moves less than this on both sides says nothing about units.
_RESTING = 0.5
_UNITS_KEY = "calibration.era"
_LISTED_EPISODES = 20
# Instead of a spread of 0, which nothing can be divided by.
_TINY = 1e-6

# Ranges by bare joint name, of the two datasets of a pair.
_Pair = tuple[Mapping[str, JointRange], Mapping[str, JointRange]]


@gate_rule(
    "units",
    severity="error",
    measures="whether the joints of all datasets are in the numbers of one calibration era",
)
def find_units(members: Sequence[Member]) -> Iterator[Disagreement]:
    """Compare calibration eras: declared, told from the values, or told from the other datasets."""
    for first, second in dissenters(members, lambda m: m.summary.calibration.era):
        eras = (first.summary.calibration, second.summary.calibration)
        yield Disagreement(
            first.name,
            second.name,
            key=_UNITS_KEY,
            values=(eras[0].era, eras[1].era),
            message=f"one pose has two numbers: {second.name}: {eras[1].reason};"
            f" {first.name}: {eras[0].reason}",
            remedy="convert one of them; to or from `normalized` it takes the `ranges` of that arm's"
            " calibration file",
            proposal=propose_conversion(first, second),
            doubtful=not (eras[0].confident and eras[1].confident),
        )
    named: set[str] = set()
    for first, second in _pairs_of_one_era(members):
        if second.name not in named and _reads_as_legacy(first, second):
            named.add(second.name)
            yield Disagreement(
                first.name,
                second.name,
                key=_UNITS_KEY,
                values=("degrees", "legacy_degrees"),
                message=f"shoulder_lift and elbow_flex of {second.name} are where {first.name} has them"
                " only when read as legacy degrees",
                remedy="convert it, after a look at when and with which LeRobot it was recorded",
                proposal=HotfixProposal(
                    second.name, {"fix": "convert_era", "from": "legacy_degrees", "to": "degrees"}
                ),
            )


def propose_conversion(first: Member, second: Member) -> HotfixProposal | None:
    """Return the conversion after which both are in one era, towards today's degrees if it can be.

    None when neither is known to be of an era that the other is not.
    """
    for member, other in ((second, first), (first, second)):
        source, target = member.summary.calibration.era, other.summary.calibration.era or "degrees"
        if source not in (None, "degrees", target) and target != "legacy_degrees":
            settings = {"fix": "convert_era", "from": source, "to": target}
            return HotfixProposal(member.name, settings)
    return None


def _pairs_of_one_era(members: Sequence[Member]) -> Iterator[tuple[Member, Member]]:
    """Yield pairs whose own values show no two eras, each with the one that may be wrong last."""
    for pair in permutations([member for member in members if _is_arm(member)], 2):
        eras = [member.summary.calibration.era for member in pair]
        # A guess from one dataset alone can take legacy degrees for today's: both pass 100.
        if (eras[0] == eras[1] or None in eras) and not pair[1].summary.calibration.declared:
            yield pair


def _reads_as_legacy(first: Member, second: Member) -> bool:
    """Whether both joints that differ between eras fit those of `first` only once converted."""
    ranges = (_by_joint(first, STATE), _by_joint(second, STATE))
    medians = [
        tuple(each[joint].q50 for joint in ("shoulder_lift", "elbow_flex"))
        for each in ranges
        if {"shoulder_lift", "elbow_flex"} <= set(each)
    ]
    if len(medians) != 2:
        return False
    (lift_a, elbow_a), (lift_b, elbow_b) = medians
    as_they_are = (abs(lift_a - lift_b), abs(elbow_a - elbow_b))
    converted = (abs(lift_a - (90.0 - lift_b)), abs(elbow_a - (elbow_b - 90.0)))
    return min(as_they_are) > _FAR_APART and max(converted) < _NEAR


@gate_rule(
    "action_range",
    severity="warning",
    measures="whether each joint's actions lie in one range and spread alike, from the 1 % to the 99 %"
    " quantile",
)
def find_action_ranges(members: Sequence[Member]) -> Iterator[Disagreement]:
    """Compare ranges joint by joint; of two units, all joints tell, of two zeros, one."""
    reference = next((m for m in members if m.role == "client"), None)
    for second in members:
        if reference is None or second is reference or not _share_units(reference, second):
            continue
        ranges = (_by_joint(reference, ACTION), _by_joint(second, ACTION))
        yield from list(_scaled(reference, second, ranges)) or _apart(reference, second, ranges)


def _scaled(first: Member, second: Member, ranges: _Pair) -> Iterator[Disagreement]:
    ratios = [
        (_spread(ranges[1][joint]) or _TINY) / (_spread(ranges[0][joint]) or _TINY)
        for joint in ranges[0]
        if joint in ranges[1]
        and max(_spread(ranges[0][joint]), _spread(ranges[1][joint])) > _RESTING
    ]
    if not ratios:
        return
    typical = median(ratios)
    if 1 / _SCALED < typical < _SCALED:
        return
    yield Disagreement(
        first.name,
        second.name,
        key=f"ranges.{ACTION}",
        values=(1.0, round(typical, 4)),
        message=f"the joints of {second.name} spread {typical:.3g} times as far: another unit"
        f"{' (radians?)' if 1 / 90 < typical < 1 / 30 else ''} or another robot",
        remedy="record it again in degrees, or leave it out; no hotfix knows its unit",
    )


def _apart(first: Member, second: Member, ranges: _Pair) -> Iterator[Disagreement]:
    for joint, a in ranges[0].items():
        b = ranges[1].get(joint)
        if b is None or _gap(a, b) <= _FAR_APART:
            continue
        yield Disagreement(
            first.name,
            second.name,
            key=f"ranges.{ACTION}.{joint}",
            values=([a.q01, a.q99], [b.q01, b.q99]),
            message=f"{joint} never comes within {_gap(a, b):.0f} of where it is in {first.name}:"
            " another zero, or a task in another place",
            remedy="compare the two arms' calibration and a picture of each at rest",
        )


@gate_rule(
    "leakage",
    severity="error",
    measures="whether an episode stands in two clients, or in training data and an unseen set",
)
def find_leakage(members: Sequence[Member]) -> Iterator[Disagreement]:
    """Compare episode sketches of every pair of which at least one side is trained on."""
    for first, second in combinations(members, 2):
        if first.role == second.role == "unseen":
            continue
        if first.summary.salt != second.summary.salt:
            yield Disagreement(
                first.name,
                second.name,
                key="salt",
                values=(first.summary.salt, second.summary.salt),
                message="sketches of two salts cannot be compared: leakage stays unknown",
                remedy="summarize both again with one `--salt`",
            )
            continue
        shared = shared_episodes(first.summary.sketches, second.summary.sketches)
        if shared:
            yield _leak(first, second, shared)


def _leak(first: Member, second: Member, shared: Sequence[SharedEpisode]) -> Disagreement:
    # Out of what is trained on: an unseen set stays what it was declared to be.
    from_first = second.role == "unseen"
    kept, cut = (second, first) if from_first else (first, second)
    episodes = [sorted({pair.first for pair in shared}), sorted({pair.second for pair in shared})]
    drop = episodes[0] if from_first else episodes[1]
    where = "trained on and held for evaluation" if kept.role == "unseen" else "held by both"
    return Disagreement(
        first.name,
        second.name,
        key="episodes",
        values=(episodes[0][:_LISTED_EPISODES], episodes[1][:_LISTED_EPISODES]),
        message=f"{len(drop)} episodes are {where}",
        remedy=f"drop them from {cut.name}",
        proposal=HotfixProposal(cut.name, {"fix": "drop_episodes", "episodes": drop}),
    )


def _by_joint(member: Member, key: str) -> dict[str, JointRange]:
    return {base_name(name): found for name, found in member.summary.ranges.get(key, {}).items()}


def _is_arm(member: Member) -> bool:
    return is_so_arm(member.summary.joints.get(STATE, ()))


def _share_units(first: Member, second: Member) -> bool:
    """Whether ranges can be compared: what the rule on units has found needs no second finding."""
    eras = (first.summary.calibration.era, second.summary.calibration.era)
    if eras[0] != eras[1] and None not in eras:
        return False
    return not (_reads_as_legacy(first, second) or _reads_as_legacy(second, first))


def _spread(joint: JointRange) -> float:
    return joint.q99 - joint.q01


def _gap(a: JointRange, b: JointRange) -> float:
    """Return how far two ranges are apart; negative when they overlap."""
    return max(a.q01, b.q01) - min(a.q99, b.q99)

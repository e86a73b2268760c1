"""Checks of the episodes as a set: lengths, copies, spread, where they begin and end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from fedarm.data.checks.finding import Evidence, check
from fedarm.data.checks.series import Series, body_joints, resample, tracking_residual
from fedarm.data.checks.subject import Subject, Track
from fedarm.data.info import STATE
from fedarm.data.sketches import shared_episodes, sketch_episodes

# An episode this many times longer or shorter than the median is worth a look; this many suffice when
# it is also many deviations away from it.
LENGTH_OUTLIER_FACTOR = 3.0
_LENGTH_FACTOR_FAR, _FAR_DEVIATIONS, _ENOUGH_LENGTHS = 1.8, 8.0, 5
_SHORT_S = 1.0
_FEW_EPISODES = 3
_ALIKE_DEGREES, _ALIKE_LENGTH = 0.25, 0.05
_DIVERSE_DEGREES, _ENOUGH_FOR_DIVERSITY = 1.2, 4
_STEPS = 32
_START_DEGREES, _END_DEGREES = 25.0, 45.0
# A held object and gravity leave a joint some degrees from where it is sent when it comes to rest.
_SENT_DEGREES, _LAST_FRAMES = 15.0, 3
_ENOUGH_STARTS, _ENOUGH_ENDS = 5, 12
_DRIFT_DEVIATIONS, _ENOUGH_FOR_DRIFT = 3.0, 12
_MAD_TO_DEVIATION = 1.4826


@check(
    "episode_lengths",
    severity="warning",
    measures=f"episodes over {LENGTH_OUTLIER_FACTOR:g} times longer or shorter than the median",
    remedy="an aborted take, or a robot left running? drop these episodes (hotfix drop_episodes)",
    same_as=(
        "lerobot-lint DURATION_OUTLIER",
        "lerobot-doctor episodes",
        "deepen-grade cross.trajectory_consistency",
    ),
    needs="metadata",
)
def find_episode_lengths(subject: Subject) -> Iterator[Evidence]:
    """Find episodes whose length is far from the others'."""
    episodes = subject.dataset.episodes
    lengths = np.array([episode.length for episode in episodes], np.float64)
    median = float(np.median(lengths))
    spread = _MAD_TO_DEVIATION * float(np.median(np.abs(lengths - median)))
    far = np.abs(lengths - median) > _FAR_DEVIATIONS * max(spread, 1.0)
    factor = np.where(
        far & (len(lengths) >= _ENOUGH_LENGTHS), _LENGTH_FACTOR_FAR, LENGTH_OUTLIER_FACTOR
    )
    outlying = (lengths > factor * median) | (lengths < np.maximum(median / factor, 2))
    for position in np.flatnonzero(outlying):
        episode = episodes[position]
        yield Evidence(
            f"{episode.length} frames where the median is {median:g}",
            episode=episode.index,
            column="length",
            value=episode.length,
        )


@check(
    "short_episode",
    severity="warning",
    measures=f"episodes shorter than {_SHORT_S:g} s",
    remedy="most likely started by mistake: drop these episodes (hotfix drop_episodes)",
    same_as=("lerobot-lint SHORT_EPISODE", "lerobot-doctor episodes", "lerobot-doctor training"),
    needs="metadata",
)
def find_short_episode(subject: Subject) -> Iterator[Evidence]:
    """Find episodes too short to hold a demonstration."""
    fps = subject.dataset.info.fps
    for episode in subject.dataset.episodes:
        if episode.length < _SHORT_S * fps:
            yield Evidence(
                f"{episode.length} frames are {episode.length / fps:.2f} s",
                episode=episode.index,
                column="length",
                value=episode.length,
            )


@check(
    "too_few_episodes",
    severity="warning",
    measures=f"sets of fewer than {_FEW_EPISODES} episodes",
    remedy="record more; for training from scratch, tens of episodes a task",
    same_as=("lerobot-lint TOO_FEW_EPISODES", "deepen-grade cross.condition_coverage"),
    needs="metadata",
)
def find_too_few(subject: Subject) -> Iterator[Evidence]:
    """Find a set that nothing can be learned from."""
    count = len(subject.dataset.episodes)
    if count < _FEW_EPISODES:
        yield Evidence(f"{count} episodes in all", column="episode_index", value=count)


@check(
    "duplicate_episodes",
    severity="error",
    measures="episodes that are copies of one another, whole, trimmed or with little noise",
    remedy="drop the copies (hotfix drop_episodes): they leak from training into evaluation",
    same_as=("lerobot-doctor anomalies", "deepen-grade cross.duplicates"),
)
def find_duplicate_episodes(subject: Subject) -> Iterator[Evidence]:
    """Find each later episode that an earlier one holds already."""
    sketches = sketch_episodes(subject.dataset)
    messages = {
        (one, other): f"episode {one} with noise of under {_ALIKE_DEGREES} degrees"
        for one, other in _alike(subject.tracks)
    }
    messages |= {
        (
            pair.first,
            pair.second,
        ): f"shares {pair.share:.0%} of its movement with episode {pair.first}"
        for pair in shared_episodes(sketches, sketches)
        if pair.first < pair.second
    }
    copies: set[int] = set()
    for one, other in sorted(messages):
        if other not in copies:
            copies.add(other)
            yield Evidence(messages[one, other], episode=other, column=STATE, value=one)


@check(
    "low_diversity",
    severity="warning",
    measures=f"sets whose trajectories differ by under {_DIVERSE_DEGREES} degrees from one another",
    remedy="vary where objects and goals are: a policy learns one path by heart",
    same_as=(
        "lerobot-lint LOW_DIVERSITY",
        "deepen-grade cross.behavioral_clustering",
        "deepen-grade cross.action_variance_profile",
    ),
)
def find_low_diversity(subject: Subject) -> Iterator[Evidence]:
    """Find tasks all of whose episodes go the same way."""
    body = body_joints(subject.dataset.info.state_names)
    for task, tracks in _by_task(subject).items():
        if len(tracks) < _ENOUGH_FOR_DIVERSITY:
            continue
        paths = np.stack([resample(track.state[:, body], _STEPS) for track in tracks])
        # To the middle path rather than pair by pair: one pass, whatever the number of episodes.
        distance = np.sqrt(np.square(paths - np.median(paths, axis=0)).mean(axis=(1, 2)))
        typical = float(np.median(distance))
        if typical < _DIVERSE_DEGREES:
            yield Evidence(
                f"the {len(tracks)} episodes of task {task} lie {typical:.2f} degrees apart",
                column=STATE,
                value=round(typical, 3),
            )


@check(
    "endpoint_agreement",
    severity="warning",
    measures="episodes that begin or end far from those of the same task, or from where they were sent",
    remedy="a take that began late or was cut: drop these episodes (hotfix drop_episodes)",
    same_as=(
        "deepen-grade cross.endpoint_agreement",
        "deepen-grade cross.trajectory_consistency",
    ),
)
def find_endpoints(subject: Subject) -> Iterator[Evidence]:
    """Find first and last poses that no other episode comes near, and ends that miss the command."""
    body = body_joints(subject.dataset.info.state_names)
    yield from _missed_ends(subject)
    for tracks in _by_task(subject).values():
        for position, enough, limit in (
            (0, _ENOUGH_STARTS, _START_DEGREES),
            (-1, _ENOUGH_ENDS, _END_DEGREES),
        ):
            if len(tracks) < enough:
                continue
            poses = np.stack([track.state[position, body] for track in tracks])
            distance = _nearest(poses)
            for index in np.flatnonzero(distance > np.maximum(limit, 6 * np.median(distance))):
                track = tracks[index]
                where = "begins" if position == 0 else "ends"
                yield Evidence(
                    f"{where} {distance[index]:.0f} degrees away from the other episodes",
                    episode=track.episode,
                    frame=int(track.frame[position]),
                    column=STATE,
                    value=round(float(distance[index]), 2),
                )


@check(
    "drift_over_episodes",
    severity="warning",
    measures="joints whose values shift between the first and the last quarter of the episodes",
    remedy="was the arm calibrated or moved in between? record again or split the dataset",
    same_as=("lerobot-doctor anomalies", "deepen-grade cross.drift"),
)
def find_drift(subject: Subject) -> Iterator[Evidence]:
    """Compare the first with the last quarter, in deviations of the first."""
    tracks = subject.tracks
    if len(tracks) < _ENOUGH_FOR_DRIFT:
        return
    quarter = len(tracks) // 4
    first = np.concatenate([track.state for track in tracks[:quarter]])
    last = np.concatenate([track.state for track in tracks[-quarter:]])
    shift = np.abs(last.mean(axis=0) - first.mean(axis=0))
    # A joint that hardly moves within its episodes may stand elsewhere in others.
    deviations = shift / np.maximum(first.std(axis=0), 2.0)
    for joint in np.flatnonzero(deviations > _DRIFT_DEVIATIONS):
        yield Evidence(
            f"the mean shifts by {shift[joint]:.1f} from the first to the last quarter",
            episode=tracks[-quarter].episode,
            column=subject.columns(STATE)[joint],
            value=round(float(deviations[joint]), 2),
        )


def _missed_ends(subject: Subject) -> Iterator[Evidence]:
    info = subject.dataset.info
    if info.state_names != info.action_names:
        return
    tracks = [track for track in subject.tracks if len(track.frame) > subject.lead + _LAST_FRAMES]
    if not tracks:
        return
    misses = np.stack(
        [np.median(tracking_residual(t, subject.lead)[-_LAST_FRAMES:], axis=0) for t in tracks]
    )
    # A whole set that stands beside its commands is another check's matter.
    apart = np.abs(misses - np.median(misses, axis=0))
    for index, joint in np.argwhere(apart > _SENT_DEGREES):
        if joint in body_joints(info.state_names):
            yield Evidence(
                "the joint ends elsewhere than it was sent",
                episode=tracks[index].episode,
                frame=int(tracks[index].frame[-1]),
                column=subject.columns(STATE)[joint],
                value=round(float(misses[index, joint]), 2),
            )


def _by_task(subject: Subject) -> dict[int, list[Track]]:
    groups: dict[int, list[Track]] = {}
    for track in subject.tracks:
        groups.setdefault(track.task, []).append(track)
    return groups


def _alike(tracks: Sequence[Track]) -> list[tuple[int, int]]:
    """Return the pairs of episodes of one course and length, the earlier one first."""
    if not tracks:
        return []
    length = np.array([len(track.frame) for track in tracks], np.float64)
    paths = np.stack([resample(track.state, _STEPS).reshape(-1) for track in tracks])
    # Around their middle, or the difference of large products would be inexact.
    paths -= paths.mean(axis=0)
    # Apart by a step or two, an arm in motion is degrees away: only copies come this close.
    close = _squared_distances(paths) / paths.shape[1] < _ALIKE_DEGREES**2
    apart = np.abs(length[:, None] - length) / np.maximum(length[:, None], length)
    pairs = np.argwhere(np.triu(close & (apart <= _ALIKE_LENGTH), k=1))
    return [(tracks[one].episode, tracks[other].episode) for one, other in pairs]


def _nearest(poses: Series) -> Series:
    """Return each pose's distance to the closest other one, in degrees over all joints."""
    distance = _squared_distances(poses)
    np.fill_diagonal(distance, np.inf)
    return np.asarray(np.sqrt(np.maximum(distance.min(axis=1), 0.0)))


def _squared_distances(points: Series) -> Series:
    """Return `(point, point)` from `(point, coordinate)`."""
    squares = np.square(points).sum(axis=1)
    return np.asarray(squares[:, None] + squares[None] - 2 * points @ points.T)

"""Checks of what the videos show: black, frozen, stale, or shifted against the joints."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fedarm.data.checks.finding import Evidence, check
from fedarm.data.checks.series import Series, body_joints, runs_of
from fedarm.data.checks.subject import Clip, Subject

_BLACK, _WHITE, _FLAT = 10.0, 245.0, 2.0
_FREEZE_S = 0.3
_FREEZE_DEGREES, _SET_OFF_DEGREES = 6.0, 1.0
# After a lossy codec a frozen picture still flickers: below this share of the usual change, it stands.
_FROZEN_SHARE, _FROZEN_GREYS = 0.08, 0.15
_MOVING_DEGREES_S = 15.0
_STALE_GREYS = 4.0
_STALE_FRAMES = 5
# A moving arm or hand changes a part of the picture; noise changes all of it, and back.
_NOISE_GREYS, _NOISE_TIMES_USUAL = 20.0, 4.0
# A camera's picture may come late by the way it is captured; it never comes early.
_LATEST_S, _EARLIEST_S = 0.12, -0.04
_SEARCH_S, _FAR_SEARCH_S, _FAR_HANDICAP = 0.6, 1.3, 0.15
_CLEAR = 0.35
_MARGIN = 0.08
# Of the other episodes' correlation: below it, the pictures are those of another episode.
_UNRELATED = 0.5


@check(
    "image_black_or_flat",
    severity="error",
    measures="frames that are black, white or of one colour",
    remedy="a covered, dead or unexposed camera: drop these episodes (hotfix drop_episodes)",
    same_as=("lerobot-lint DEGENERATE_IMAGE",),
    needs="metadata",
)
def find_flat_images(subject: Subject) -> Iterator[Evidence]:
    """Find runs of frames that show nothing."""
    for clip in subject.clips:
        luma = clip.footage.luma[clip.span]
        contrast = clip.footage.contrast[clip.span]
        nothing = (luma < _BLACK) | (luma > _WHITE) | (contrast < _FLAT)
        for begin, end in runs_of(nothing):
            yield Evidence(
                f"{end - begin} frames show nothing",
                episode=clip.episode.index,
                frame=begin,
                column=clip.camera,
                value=round(float(luma[begin]), 2),
            )


@check(
    "image_noise",
    severity="error",
    measures=f"frames over {_NOISE_GREYS:g} grey levels from both their neighbours",
    remedy="a broken transfer or a wrong decoder: drop these episodes (hotfix drop_episodes)",
)
def find_noisy_images(subject: Subject) -> Iterator[Evidence]:
    """Find runs of frames that are like nothing before and after them."""
    for camera in subject.dataset.info.cameras:
        clips = [clip for clip in subject.clips if clip.camera == camera and len(clip.change) > 2]
        changes = [clip.change[1:] for clip in clips]
        usual = float(np.median(np.concatenate(changes))) if changes else 0.0
        limit = max(_NOISE_GREYS, _NOISE_TIMES_USUAL * usual)
        for clip, change in zip(clips, changes, strict=True):
            unlike = (change[:-1] > limit) & (change[1:] > limit)
            for begin, end in runs_of(np.append(False, unlike)):
                yield Evidence(
                    f"{end - begin} frames are unlike those around them",
                    episode=clip.episode.index,
                    frame=begin,
                    column=camera,
                    value=round(float(change[begin - 1]), 2),
                )


@check(
    "frozen_camera",
    severity="error",
    measures="stretches in which the picture stands still while the arm moves",
    remedy="the camera hung: drop these episodes (hotfix drop_episodes)",
    same_as=("lerobot-lint FROZEN_CAMERA",),
)
def find_frozen_camera(subject: Subject) -> Iterator[Evidence]:
    """Find runs of unchanged frames over which the joints go a way."""
    body = body_joints(subject.dataset.info.state_names)
    fps = subject.dataset.info.fps
    shortest = max(round(_FREEZE_S * fps), 3)
    for camera in subject.dataset.info.cameras:
        pairs = [(clip, _speed(subject, clip, body)) for clip in _whole(subject, camera)]
        limit = max(_FROZEN_GREYS, _FROZEN_SHARE * _usual_change(pairs, _MOVING_DEGREES_S / fps))
        for clip, _ in pairs:
            still = clip.change < limit
            still[0] = False
            for begin, end in runs_of(still):
                # From end to end, not along the way: noise adds up to a long way.
                course = subject.track_of[clip.episode.index].state[begin - 1 : end, body]
                if end - begin < shortest - 1 or np.ptp(course, axis=0).max() < _FREEZE_DEGREES:
                    continue
                # Before the arm set off, a picture that stands still is right.
                left = np.abs(course - course[0]).max(axis=1) > _SET_OFF_DEGREES
                frame = begin - 1 + max(int(np.argmax(left)) - 1, 0)
                yield Evidence(
                    f"the picture stands still for {end - begin + 1} frames while the arm moves",
                    episode=clip.episode.index,
                    frame=frame,
                    column=camera,
                    value=end - begin + 1,
                )


@check(
    "stale_first_frame",
    severity="error",
    measures="first frames that show what was before the episode",
    remedy="the camera's buffer was not emptied: drop these episodes (hotfix drop_episodes)",
)
def find_stale_first_frame(subject: Subject) -> Iterator[Evidence]:
    """Find episodes whose picture jumps after its first frames, which show the episode before."""
    for camera in subject.dataset.info.cameras:
        clips = [clip for clip in _whole(subject, camera) if len(clip.change) >= 5]
        # From the end of one episode to the start of the next the scene is set up anew.
        borders = [clip.change[0] for clip in clips if clip.span.start > 0]
        usual = float(np.median(borders)) if len(borders) > 2 else 0.0
        for clip in clips:
            change = clip.change
            first = _first_jump(change)
            jump, rest = change[first], change[first + 1 :]
            left_over = clip.span.start > 0 and change[0] < 0.25 * jump
            not_set_up = left_over and change[0] < 0.25 * usual and jump > 0.5 * usual
            # Without other borders, or with a first frame like nothing, the jump must stand out more:
            # several alike frames may also be an arm that waits before it sets off.
            sure = not_set_up or (left_over and first == 1)
            enough = (1.6 if sure else 3.0) * max(float(np.median(rest)), 1.0)
            apart = (0.8 if first == 1 else 1.05) if sure else 1.25
            if jump > max(_STALE_GREYS, enough) and jump > apart * rest.max():
                yield Evidence(
                    f"the picture jumps after {first} frames that show what was before",
                    episode=clip.episode.index,
                    frame=0,
                    column=camera,
                    value=round(float(jump), 2),
                )


def _first_jump(change: Series) -> int:
    """Return where the picture first changes, the first frames being alike; 1 if they are not.

    Args:
        change: `(frame,)`, difference to the frame before, in grey levels.
    """
    jump = 1 + int(np.argmax(change[1 : 1 + _STALE_FRAMES]))
    alike = (change[1:jump] < 0.25 * change[jump]).all() and change[0] < 0.25 * change[jump]
    return jump if alike else 1


@check(
    "frame_shift",
    severity="error",
    measures="the delay between the joints' movement and the picture's",
    remedy="pictures and rows are paired wrongly: mend_pointers when the spans are off, otherwise "
    "drop these episodes (hotfix drop_episodes)",
    same_as=("deepen-grade hygiene.cross_modal_sync",),
)
def find_frame_shift(subject: Subject) -> Iterator[Evidence]:
    """Find episodes whose picture moves before, long after, or otherwise than the arm does."""
    fps = subject.dataset.info.fps
    least = max(round(_SEARCH_S * fps), 3)
    reach = max(round(_FAR_SEARCH_S * fps), least)
    # Far away something fits by chance more easily.
    handicap = np.where(np.abs(np.arange(-reach, reach + 1)) > least, _FAR_HANDICAP, 0.0)
    latest, earliest = int(_LATEST_S * fps + 1e-9), int(np.ceil(_EARLIEST_S * fps - 1e-9))
    for camera in subject.dataset.info.cameras:
        clips = [
            clip
            for clip in _whole(subject, camera)
            if len(clip.change) >= 2 * least + 8 and clip.change[1:].std() > 0
        ]
        if not clips:
            continue
        motions = [_motion(subject, clip) for clip in clips]
        weights = _joint_weights(clips, motions, least)
        by_clip = [
            _scores(clip.change, motion @ weights, reach)
            for clip, motion in zip(clips, motions, strict=True)
        ]
        paired = [scores[reach + earliest : reach + latest + 1].max() for scores in by_clip]
        usual = float(np.median(paired))
        for clip, scores, allowed in zip(clips, by_clip, paired, strict=True):
            best = int(np.argmax(scores - handicap)) - reach
            apart = (scores - handicap).max() >= max(_CLEAR, allowed + _MARGIN)
            if apart and not earliest <= best <= latest:
                yield Evidence(
                    f"the picture moves {abs(best)} frames {'after' if best > 0 else 'before'} the arm",
                    episode=clip.episode.index,
                    column=camera,
                    value=best,
                )
            elif allowed < _UNRELATED * usual and usual > _CLEAR:
                yield Evidence(
                    "the picture does not move with the arm, as it does in the other episodes",
                    episode=clip.episode.index,
                    column=camera,
                    value=round(float(allowed), 3),
                )


def _whole(subject: Subject, camera: str) -> list[Clip]:
    """Return a camera's clips that have one frame a row of a sound track."""
    return [
        clip
        for clip in subject.clips
        if clip.camera == camera
        and (track := subject.track_of.get(clip.episode.index)) is not None
        and len(clip.change) == len(track.frame)
    ]


def _speed(subject: Subject, clip: Clip, body: NDArray[np.intp]) -> Series:
    """Return the way of the arm's joints from the frame before, `(frame,)`, degrees."""
    state = subject.track_of[clip.episode.index].state[:, body]
    return np.append(0.0, np.abs(np.diff(state, axis=0)).sum(axis=1))


def _usual_change(pairs: list[tuple[Clip, Series]], moving: float) -> float:
    changes = [clip.change[1:][speed[1:] > moving] for clip, speed in pairs]
    together = np.concatenate(changes) if changes else np.zeros(0)
    return float(np.median(together)) if len(together) else 0.0


def _motion(subject: Subject, clip: Clip) -> Series:
    state = subject.track_of[clip.episode.index].state
    return np.vstack([np.zeros(state.shape[1]), np.abs(np.diff(state, axis=0))])


def _joint_weights(clips: list[Clip], motions: list[Series], reach: int) -> Series:
    """Return how much each joint's movement changes the picture, fitted at the delay that fits best.

    A joint near the base moves more pixels than the gripper; without weights the fit is blunt.
    """
    best, weights = np.inf, np.ones(motions[0].shape[1])
    for lag in range(-reach, reach + 1):
        pairs = [
            _aligned(clip.change, motion, lag) for clip, motion in zip(clips, motions, strict=True)
        ]
        change = np.concatenate([pair[0] for pair in pairs])
        motion = np.concatenate([pair[1] for pair in pairs])
        design = np.hstack([motion, np.ones((len(motion), 1))])
        fitted, *_ = np.linalg.lstsq(design, change, rcond=None)
        error = float(np.square(design @ fitted - change).mean())
        if error < best:
            best, weights = error, np.maximum(fitted[:-1], 0.0)
    return np.asarray(weights)


def _scores(change: Series, expected: Series, reach: int) -> Series:
    """Return the correlation of the picture's change and the expected one, by delay.

    It is 0 where less than half of the frames are left to compare.
    """
    scores = np.zeros(2 * reach + 1)
    for lag in range(-reach, reach + 1):
        seen, told = _aligned(change, expected, lag)
        if len(seen) < len(change) / 2:
            continue
        # Not `np.corrcoef`, which takes ten times as long for so few values.
        seen, told = seen - seen.sum() / len(seen), told - told.sum() / len(told)
        if scale := float((seen @ seen) * (told @ told)):
            scores[lag + reach] = float(seen @ told) / scale**0.5
    return scores


def _aligned(change: Series, motion: Series, lag: int) -> tuple[Series, Series]:
    """Return the parts in which `change[t + lag]` stands beside `motion[t]`; the first frame is out."""
    first = 1
    begin, end = max(first, first - lag), min(len(motion), len(motion) - lag)
    return change[begin + lag : end + lag], motion[begin:end]

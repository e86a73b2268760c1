"""One video measured: decoded once, each frame looked at and let go."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fedarm.errors import VideoError
from fedarm.video.commands import Commands, commanded_ldlj, frozen_findings, parse_commands
from fedarm.video.container import is_misnamed
from fedarm.video.continuity import continuity_findings
from fedarm.video.decoding import TruncatedError, VideoReader, open_reader
from fedarm.video.features import final_frame_features
from fedarm.video.findings import Finding
from fedarm.video.motion import Motion, measure_motion
from fedarm.video.quality import black_findings, is_black, is_short
from fedarm.video.records import LABELS, Record, read_record
from fedarm.video.signals import Signals, collect_signals, first_frames
from fedarm.video.smoothness import sparc
from fedarm.video.success import FinalFrameCheck, judge_last_frame, parse_check
from fedarm.video.timing import Timing, read_timing, timing_findings

# Digits kept: more would differ between builds of OpenCV.
_DIGITS = 6

_WITHOUT_RECORD = {
    "completion_time_s": "how long the episode took, and whether it succeeded",
    "success_video": "what the last frame should show",
    "ldlj_actions": "the commands",
    "frozen_share": "the commands",
}


@dataclass(frozen=True)
class VideoMeasurement:
    """What is known of a video; what is not is None.

    Attributes:
        file: The video, relative to the folder that was given.
        labels: Who acted, where, and from what, from the record.
        findings: What is wrong.
        unknown: By measure, what would have to be known for it.
        record_missing: Why there is no record; None when there is one.
        values: The measures by name: see docs/video_analysis.md.
        success_env: The environment's flag, from the record.
        features: What the fitted judgement of success sees of the last frame.
    """

    file: str
    labels: dict[str, Any]
    findings: tuple[Finding, ...]
    unknown: dict[str, str]
    record_missing: str | None
    values: dict[str, Any] = field(default_factory=dict)
    success_env: bool | None = None
    features: tuple[float, ...] | None = None

    @property
    def decodable(self) -> bool:
        """Whether every frame could be decoded."""
        return not {finding.kind for finding in self.findings} & {"undecodable", "truncated"}

    @property
    def reason(self) -> str | None:
        """What is wrong, in one line; None when nothing is."""
        messages = [finding.message for finding in self.findings]
        return (
            "; ".join([*messages, *([self.record_missing] if self.record_missing else [])]) or None
        )


MEASURES = (
    "codec",
    "width",
    "height",
    "frames",
    "fps",
    "constant_rate",
    "duration_s",
    "completion_time_s",
    "smoothness_sparc",
    "ldlj_actions",
    "path_length_px",
    "idle_share",
    "frozen_share",
    "black_share",
    "success_video",
)


def measure_video(path: Path, file: str) -> VideoMeasurement:
    """Measure a video; what is wrong with it is reported, not raised.

    Args:
        path: The video.
        file: What to call it.
    """
    record = read_record(path)
    measurement = VideoMeasurement(
        file=file,
        labels={key: record.values.get(key) for key in LABELS},
        findings=() if record.problem is None else (Finding("record", record.problem),),
        unknown={},
        record_missing=record.missing,
        values=dict.fromkeys(MEASURES),
        success_env=record.success,
    )
    try:
        with open_reader(path) as reader:
            return _measure(measurement, reader, record)
    except TruncatedError as error:
        finding = Finding("truncated", str(error).splitlines()[0])
    except VideoError as error:
        finding = Finding("undecodable", str(error).splitlines()[0])
    return dataclasses.replace(measurement, findings=(*measurement.findings, finding))


def _measure(
    measurement: VideoMeasurement, reader: VideoReader, record: Record
) -> VideoMeasurement:
    signals = collect_signals(reader, width_px=reader.width)
    timing = read_timing(signals.time_s, reader.fps)
    episode = first_frames(signals, _episode_frames(timing, record))
    motion = measure_motion(episode, timing)
    findings = [
        *measurement.findings,
        *_file_findings(reader, signals, timing, record),
        *black_findings(signals.luma),
        *continuity_findings(episode, timing.fps),
    ]
    unknown = {} if record.missing is None else dict(_WITHOUT_RECORD)
    commands = _part(findings, unknown, lambda: _commands(record), "ldlj_actions", "frozen_share")
    check = _part(findings, unknown, lambda: _check(record), "success_video")
    frozen = [] if commands is None else frozen_findings(commands, motion.time_s, motion.idle)
    last_rgb = reader.last_rgb()
    values = {
        "codec": reader.codec,
        "width": reader.width,
        "height": reader.height,
        **_motion_values(signals, timing, motion),
        "completion_time_s": record.number("duration_s") if record.success else None,
        "ldlj_actions": None if commands is None else _rounded(commanded_ldlj(commands)),
        "frozen_share": None if commands is None else _share(frozen, len(motion.idle)),
        "success_video": None if check is None else judge_last_frame(last_rgb, check),
    }
    return dataclasses.replace(
        measurement,
        findings=(*findings, *frozen),
        unknown=unknown,
        values={name: values[name] for name in MEASURES},
        features=None if check is None else final_frame_features(last_rgb, check),
    )


def _part[T](
    findings: list[Finding], unknown: dict[str, str], read: Callable[[], T | None], *measures: str
) -> T | None:
    """Return a part of the record; without it, say which measures cannot be known."""
    try:
        part = read()
    except VideoError as error:
        findings.append(Finding("record", "; ".join(str(error).splitlines()[:2])))
        part = None
    if part is None:
        unknown.update({name: _WITHOUT_RECORD[name] for name in measures})
    return part


def _commands(record: Record) -> Commands | None:
    section = record.values.get("actions")
    return None if section is None else parse_commands(section)


def _check(record: Record) -> FinalFrameCheck | None:
    hints = record.values.get("final_frame_check")
    return None if hints is None else parse_check(hints)


def _episode_frames(timing: Timing, record: Record) -> int:
    """Return how many frames show the episode: a film goes on after it, and stands still there."""
    duration_s = record.number("duration_s")
    if duration_s is None or record.problem is not None:
        return len(timing.time_s)
    return int(np.searchsorted(timing.time_s, duration_s - 0.5 / timing.fps))


def _file_findings(
    reader: VideoReader, signals: Signals, timing: Timing, record: Record
) -> Iterator[Finding]:
    """Yield what is wrong with the file as a whole, and with its length."""
    if is_misnamed(reader.file, reader.container):
        yield Finding("wrong_extension", f"it is {reader.container}, not {reader.file.suffix}")
    count = len(signals.luma)
    if count == 1:
        yield Finding("single_frame", "one frame only: no motion can be measured")
    yield from timing_findings(timing)
    recorded = record.number("frames")
    if recorded is not None and count < recorded:
        missing = int(recorded) - count
        message = f"{count} frames, its record says {recorded:.0f}"
        yield Finding("dropped", message, frames=missing)
    recorded_s = record.number("duration_s")
    if recorded_s is not None and is_short(timing.duration_s, recorded_s):
        message = f"{timing.duration_s:.2f} s long, its record says {recorded_s:.2f} s"
        yield Finding("short", message)


def _motion_values(signals: Signals, timing: Timing, motion: Motion) -> dict[str, Any]:
    return {
        "frames": len(signals.luma),
        "fps": _rounded(timing.fps),
        "constant_rate": timing.constant,
        "duration_s": _rounded(timing.duration_s),
        "smoothness_sparc": _rounded(sparc(motion.even_speed(timing.fps), timing.fps)),
        "path_length_px": _rounded(motion.path_length_px),
        "idle_share": _rounded(motion.idle_share),
        "black_share": _rounded(float(np.mean(is_black(signals.luma)))),
    }


def _share(findings: Sequence[Finding], pairs: int) -> float | None:
    return _rounded(sum(finding.frames or 0 for finding in findings) / max(pairs, 1))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)

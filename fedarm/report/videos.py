"""What was measured in a run's videos, and the clips that the report shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fedarm.checked_json import read_checked
from fedarm.report.inputs import RunFolder

_ANALYZE_AGAIN = "analyze the run's videos again"
_ROLL_OUT_AGAIN = "roll the run out again"


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class VideoMeasurement(_Record):
    """One video; what could not be measured is None."""

    file: str
    dataset: str | None = None
    round: int | None = None
    episode: int | None = None
    decodable: bool
    reason: str | None = None
    duration_s: float | None = None
    smoothness_sparc: float | None = None
    idle_share: float | None = None
    black_share: float | None = None
    success_env: bool | None = None
    success_video: bool | None = None


class VideoAnalysis(_Record):
    """All videos of a run."""

    schema_version: int
    videos: tuple[VideoMeasurement, ...]


class _ClipRecord(_Record):
    dataset: str
    round: int
    episode: int
    initial_condition_seed: int
    success: bool
    steps: int
    duration_s: float


@dataclass(frozen=True)
class Clip:
    """A rollout video of a run's final checkpoint.

    Attributes:
        name: The run's name.
        seed: The training seed.
        dataset: The dataset whose task is shown.
        initial_condition_seed: What its initial condition was drawn from.
        episode: The initial condition's number.
        success: Whether the task was done.
        steps: Control steps until success, or until the horizon.
        duration_s: The same in seconds.
        file: The MP4 file.
    """

    name: str
    seed: int
    dataset: str
    initial_condition_seed: int
    episode: int
    success: bool
    steps: int
    duration_s: float
    file: Path


def read_analysis(run: RunFolder) -> VideoAnalysis:
    """Read what was measured in a run's videos.

    Raises:
        ResultsError: The file is missing or breaks the schema.
    """
    file = run.files.video_analysis
    return read_checked(VideoAnalysis, file, remedy=_ANALYZE_AGAIN)


def find_clips(run: RunFolder, dataset: str, final_round: int) -> tuple[Clip, ...]:
    """Return the videos of a run's final checkpoint on a dataset's task, by initial condition.

    Videos without a record have been reported by the analysis and are left out.

    Raises:
        ResultsError: A record is no JSON or breaks the schema.
    """
    folder = run.files.episodes(dataset).parent / "videos"
    clips: list[Clip] = []
    for file in sorted(folder.glob("*.mp4")):
        if not file.with_suffix(".json").is_file():
            continue
        record = read_checked(_ClipRecord, file.with_suffix(".json"), remedy=_ROLL_OUT_AGAIN)
        if record.round == final_round:
            clips.append(
                Clip(
                    name=run.name,
                    seed=run.seed,
                    dataset=dataset,
                    initial_condition_seed=record.initial_condition_seed,
                    episode=record.episode,
                    success=record.success,
                    steps=record.steps,
                    duration_s=record.duration_s,
                    file=file,
                )
            )
    return tuple(sorted(clips, key=lambda clip: clip.episode))

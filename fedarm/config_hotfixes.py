"""The `hotfixes` of a dataset in the configuration: which repairs, in the user's words.

Each class is one hotfix with what it must be told; `fedarm.data.hotfixes` has one function for each.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from fedarm.config_base import Model

EraName = Literal["legacy_degrees", "normalized", "degrees"]
EpisodeIndex = Annotated[int, Field(ge=0)]
Bound = Annotated[float, Field(ge=-720, le=720, strict=False)]


class Fix(Model):
    """Base of all hotfixes."""

    model_config = ConfigDict(populate_by_name=True)


class DeclaredRows(Fix):
    """Keep the files that the metadata declares, once each row, in order."""

    fix: Literal["declared_rows"] = "declared_rows"


class ConvertEra(Fix):
    """Convert joints from one calibration era to another, and give them today's names."""

    fix: Literal["convert_era"] = "convert_era"
    to: EraName = Field(description="The era that all clients share.")
    source: EraName | None = Field(
        default=None,
        alias="from",
        description="The dataset's era, when neither its names nor its values settle it.",
    )
    ranges: dict[str, Annotated[tuple[Bound, Bound], Field(strict=False)]] = Field(
        default_factory=dict,
        description="Calibrated range of each body joint in degrees, needed for `normalized`.",
    )


class RenameCameras(Fix):
    """Give cameras the keys that the other clients use."""

    fix: Literal["rename_cameras"] = "rename_cameras"
    cameras: Annotated[dict[str, str], Field(min_length=1)] = Field(
        description="Present feature key to wanted feature key."
    )

    @field_validator("cameras")
    @classmethod
    def _distinct_image_keys(cls, cameras: dict[str, str]) -> dict[str, str]:
        if len(set(cameras.values())) != len(cameras):
            raise ValueError("two cameras cannot get one key")
        for key in cameras.values():
            if not key.startswith("observation.image") or "/" in key:
                raise ValueError(f"a camera's key begins with `observation.images.`, not {key!r}")
        if not set(cameras).isdisjoint(cameras.values()):
            raise ValueError(
                "a key cannot be both an old and a new name: a second run would rename it again"
            )
        return cameras


class RenameJoints(Fix):
    """Give joints other names; without a mapping, today's names of an SO arm."""

    fix: Literal["rename_joints"] = "rename_joints"
    joints: dict[str, str] = Field(
        default_factory=dict, description="Present name to wanted name, for states and actions."
    )

    @field_validator("joints")
    @classmethod
    def _distinct_names(cls, joints: dict[str, str]) -> dict[str, str]:
        if len(set(joints.values())) != len(joints):
            raise ValueError("two joints cannot get one name")
        if not set(joints).isdisjoint(joints.values()):
            raise ValueError(
                "a name cannot be both an old and a new one: a second run would rename it again"
            )
        return joints


class RestampTimestamps(Fix):
    """Write each row's timestamp anew: its frame index over the declared rate."""

    fix: Literal["restamp_timestamps"] = "restamp_timestamps"


class CorrectFps(Fix):
    """Replace a stamped rate by the one that was recorded, in tables and videos."""

    fix: Literal["correct_fps"] = "correct_fps"
    fps: Annotated[int, Field(gt=0, le=1000)] = Field(
        description="Frames a second that were really recorded."
    )


class DropEpisodes(Fix):
    """Leave out episodes that are broken or listed, and number the others anew."""

    fix: Literal["drop_episodes"] = "drop_episodes"
    episodes: Annotated[tuple[EpisodeIndex, ...], Field(strict=False)] = Field(
        default=(), description="Episodes to leave out, numbered as in the source."
    )
    non_finite: bool = Field(default=True, description="Leave out episodes with NaN or infinity.")
    unreadable_video: bool = Field(
        default=True, description="Leave out episodes whose frames cannot be decoded."
    )

    @model_validator(mode="after")
    def _drops_something(self) -> DropEpisodes:
        if not (self.episodes or self.non_finite or self.unreadable_video):
            raise ValueError("nothing would be dropped: list `episodes`, or leave a reason on")
        return self


class MendPointers(Fix):
    """Point each episode at the file, rows and video span that hold it."""

    fix: Literal["mend_pointers"] = "mend_pointers"


class MendTotals(Fix):
    """Count episodes, frames and lengths anew from the rows."""

    fix: Literal["mend_totals"] = "mend_totals"


class RecomputeStatistics(Fix):
    """Compute the stored statistics anew, with quantiles, from the episodes that are trained on."""

    fix: Literal["recompute_statistics"] = "recompute_statistics"
    held_out: EpisodeIndex = Field(
        default=0, description="Episodes held out of the statistics; 0 takes all."
    )
    seed: EpisodeIndex = Field(default=0, description="Seed of the draw of those episodes.")


class FillTasks(Fix):
    """Write the instructions that a recording lacks."""

    fix: Literal["fill_tasks"] = "fill_tasks"
    tasks: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1, strict=False)
    ] = Field(description="One instruction for all missing ones, or one for each task index.")

    @field_validator("tasks")
    @classmethod
    def _words(cls, tasks: tuple[str, ...]) -> tuple[str, ...]:
        if any(not task.strip() for task in tasks):
            raise ValueError("an instruction needs words")
        return tasks


AnyFix = Annotated[
    DeclaredRows
    | ConvertEra
    | RenameCameras
    | RenameJoints
    | RestampTimestamps
    | CorrectFps
    | DropEpisodes
    | MendPointers
    | MendTotals
    | RecomputeStatistics
    | FillTasks,
    Field(discriminator="fix"),
]

"""Where datasets come from: the simulator, the hub, or a folder.

A dataset's recipe is what makes it, without where it lies and without its split; the digest of the
recipe is its version. It is known before anything runs: a hub dataset's names the repository and the
revision as they are written, a folder's the digest of its content.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from fedarm.config_base import Model, Positive
from fedarm.config_hotfixes import AnyFix

# The lab's tasks and variants; `fedarm.sim.tasks` builds them and a test holds the two together.
SimTask = Literal["pickplace", "stacking", "sorting", "so101_pickplace"]
SimVariant = Literal[
    "standard", "new_look", "moved_camera", "wider_spawn", "pool_a", "pool_b", "pool_c"
]

_HELD_OUT = Field(
    default=0, description="Episodes never trained on, on which the policy loss is reported."
)


class SimDataset(Model):
    """Demonstrations of the scripted expert, recorded in the simulator."""

    source: Literal["sim"]
    tasks: Annotated[tuple[SimTask, ...], Field(min_length=1, strict=False)] = Field(
        description="Task names; a client or an unseen set has exactly one."
    )
    variants: Annotated[tuple[SimVariant, ...], Field(min_length=1, strict=False)] = Field(
        default=("standard",), description="Looks and geometries of the scene."
    )
    episodes: Positive = Field(description="Successful demonstrations a (task, variant) pair.")
    held_out: Annotated[int, Field(ge=0)] = _HELD_OUT
    image_size: Annotated[int, Field(ge=32, le=512)] = Field(
        default=128, description="Side of the square camera image, in pixels."
    )

    def recipe(self) -> dict[str, Any]:
        """Return what makes the dataset, apart from its seed."""
        return self.model_dump(mode="json", exclude={"held_out"})


class RecordedDataset(Model):
    """A LeRobot dataset that somebody recorded, of format version 2.0, 2.1 or 3.0."""

    held_out: Annotated[int, Field(ge=0)] = _HELD_OUT
    hotfixes: Annotated[tuple[AnyFix, ...], Field(strict=False)] = Field(
        default=(), description="Repairs, made on a copy; the original is never touched."
    )


class HubDataset(RecordedDataset):
    """A dataset on the Hugging Face hub."""

    source: Literal["hub"]
    repo_id: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")] = Field(
        description="The repository, `owner/name`."
    )
    revision: Annotated[str, Field(min_length=1)] = Field(
        default="main",
        description="A commit, a tag or a branch. What is not a commit is resolved to one at the first"
        " download and recorded beside the datasets, so that a rerun takes the same.",
    )

    def recipe(self) -> dict[str, Any]:
        """Return what makes the dataset."""
        return self.model_dump(mode="json", exclude={"held_out"})


class LocalDataset(RecordedDataset):
    """A dataset in a folder."""

    source: Literal["local"]
    path: Annotated[str, Field(min_length=1)] = Field(
        description="The folder that holds `meta/`, `data/` and `videos/`."
    )
    content: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = Field(
        default=None,
        description="The digest of the folder's content, filled in when the experiment is planned. Give"
        " it (from a resolved configuration) to insist on that content.",
    )

    def recipe(self) -> dict[str, Any]:
        """Return what makes the dataset: its content, wherever it lies."""
        return self.model_dump(mode="json", exclude={"held_out", "path"})


Dataset = Annotated[SimDataset | HubDataset | LocalDataset, Field(discriminator="source")]

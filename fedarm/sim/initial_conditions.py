"""The initial conditions of an experiment: a named, versioned list a scene, shared by all arms.

    pickplace-standard-seed0-v1      task, variant, the experiment's seed, version of the list
    entry 0, 1, 2, ...               the seed that `Simulation.reset` takes

Every arm, training seed and round meets the first so many entries of the same list: that is what makes
comparisons paired. The list has no end, and a longer evaluation begins as a shorter one.
"""

from __future__ import annotations

from dataclasses import dataclass

from fedarm.provenance import derive_seed

# Raise it with any change of what an entry puts where: `draw_placement`, a task's regions, or the seeds
# below. Tables of different versions must not be paired.
LIST_VERSION = 1


@dataclass(frozen=True)
class InitialConditions:
    """The list of a scene.

    Attributes:
        experiment_seed: Root of the experiment's random draws.
        task: The task's name.
        variant: The variant's name.
    """

    experiment_seed: int
    task: str
    variant: str

    @property
    def name(self) -> str:
        """The list's name, for tables and records."""
        return f"{self.task}-{self.variant}-seed{self.experiment_seed}-v{LIST_VERSION}"

    def seed(self, entry: int) -> int:
        """Return the seed of an entry, counted from 0."""
        return derive_seed(
            self.experiment_seed, "initial_condition", self.task, self.variant, entry
        )

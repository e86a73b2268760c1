"""A run in a scene: what a process of a rollout job does at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from fedarm.evaluation_settings import Look, RolloutSettings, Scene
from fedarm.paths import read_json
from fedarm.rollout.actor import Actor, load_actor
from fedarm.rollout.scene_rollout import roll_out_scene


def roll_out_part(
    settings: RolloutSettings, scene: Scene, look: Look, *, advance: Callable[[int], None]
) -> list[dict[str, Any]]:
    """Roll out one run in one scene up to a look.

    Args:
        settings: The run's settings.
        scene: Where.
        look: Up to which look, from the one before it.
        advance: Told how many more episodes are done.

    Returns:
        The new films' entries in `videos.json`.

    Raises:
        CheckpointError: A checkpoint is missing, broken, or does not fit the scene.
        ResultsError: The metrics are missing, or the scene's folder cannot be written.
        MachineError: Nothing can be rendered here.
    """
    return roll_out_scene(
        settings,
        scene,
        actors={**_load_actors(settings), **_load_own_actors(settings, scene)},
        policy_losses=_policy_losses(read_json(settings.paths.metrics), scene.dataset),
        advance=advance,
        look=look,
    )


def forget_policies() -> None:
    """Load policies anew when they are needed next: they may have been trained anew since."""
    _load_actors.cache_clear()


# A process goes through the scenes of one run after the other.
@lru_cache(maxsize=1)
def _load_actors(settings: RolloutSettings) -> Mapping[int, Actor]:
    """Return the policies by round; all of them first, so that a missing one is said at once."""
    return {
        number.round: load_actor(settings.paths.pretrained_model(number.round))
        for number in settings.rounds
    }


def _load_own_actors(settings: RolloutSettings, scene: Scene) -> dict[int, Actor]:
    """Return by round the policies of the client whose task it is, of arms that have such policies."""
    folders = {
        number.round: settings.paths.client_model(number.round, scene.dataset)
        for number in settings.rounds
    }
    return {number: load_actor(folder) for number, folder in folders.items() if folder.exists()}


def _policy_losses(metrics: Mapping[str, Any], dataset: str) -> dict[int, float]:
    """Return the held-out losses on a dataset by round, as far as training has measured them."""
    return {
        line["round"]: line["held_out_loss"][dataset]
        for line in metrics["rounds"]
        if dataset in line["held_out_loss"]
    }

"""What a policy predicts on recorded episodes, each time that it would look.

A policy that acts looks every `n_action_steps`. On a recording it is shown the frames of those moments
one after the other, whatever it predicted before: each prediction starts from what the demonstrator saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from fedarm.data.frame_cache import CachedDataset
from fedarm.errors import CheckpointError
from fedarm.policies.checkpoint import LoadedPolicy
from fedarm.policies.draws import flow_noise
from fedarm.policies.language import reader_of
from fedarm.policies.normalization import Normalizer, network_statistics
from fedarm.training.held_out import held_out_loss
from fedarm.training.rows import Rows

if TYPE_CHECKING:
    from lerobot.policies.pretrained import PreTrainedPolicy

# The same for every arm, because a product's last bits depend on how many rows it has.
_BATCH_SIZE = 64


@dataclass(frozen=True)
class Looks:
    """Predicted and recorded actions at every look, in the dataset's own units.

    Attributes:
        cached: The dataset.
        rows: `(look,)`: the rows at which the policy looks, episode after episode.
        predicted: `(look, step, joint)`.
        recorded: `(look, step, joint)`.
        is_pad: `(look, step)`: the action lies past the end of its episode.
        n_action_steps: Actions that are executed before the next look.
        policy_loss: The policy loss over these looks; its random draws are the same for every arm.
    """

    cached: CachedDataset
    rows: NDArray[np.int64]
    predicted: NDArray[np.float32]
    recorded: NDArray[np.float32]
    is_pad: NDArray[np.bool_]
    n_action_steps: int
    policy_loss: float

    @property
    def episode(self) -> NDArray[np.int64]:
        """`(look,)`: the episode of each look."""
        return self.cached.episode_index[self.rows]

    @property
    def frame(self) -> NDArray[np.int64]:
        """`(look,)`: the frame of each look in its episode."""
        return self.cached.frame_index[self.rows]

    def of_episode(self, episode: int) -> NDArray[np.int64]:
        """Return the positions of an episode's looks."""
        return np.flatnonzero(self.episode == episode)


def look_at(loaded: LoadedPolicy, cached: CachedDataset, episodes: Sequence[int]) -> Looks:
    """Show a policy some episodes and return what it predicts.

    Args:
        loaded: The policy, and the statistics that it was trained with.
        cached: The dataset.
        episodes: The episodes, of which no arm has seen any.
    """
    policy_config = loaded.policy.config
    every = int(policy_config.n_action_steps)
    rows = cached.rows_of(episodes)
    rows = rows[cached.frame_index[rows] % every == 0]
    looked_at = Rows([(cached, rows)], int(policy_config.chunk_size))
    recorded, is_pad = cached.chunks(rows, int(policy_config.chunk_size))
    return Looks(
        cached=cached,
        rows=rows,
        predicted=_predict(loaded, looked_at),
        recorded=recorded,
        is_pad=is_pad,
        n_action_steps=every,
        policy_loss=held_out_loss(loaded.policy, looked_at, loaded.statistics),
    )


def check_dataset(policy: PreTrainedPolicy, cached: CachedDataset, folder: Path) -> None:
    """Make sure that a policy sees and commands what a dataset holds.

    Args:
        policy: The policy.
        cached: The dataset.
        folder: Where the policy comes from, for messages.

    Raises:
        CheckpointError: Its cameras, image size or joints are others.
    """
    size = cached.frames.shape[2]
    cameras = {key: list(value.shape) for key, value in policy.config.image_features.items()}
    held = {
        "input_features": (cameras, {key: [3, size, size] for key in cached.cameras}),
        "input_features.observation.state": (
            list(policy.config.robot_state_feature.shape),
            [cached.state.shape[1]],
        ),
        "output_features.action": (
            list(policy.config.action_feature.shape),
            [cached.action.shape[1]],
        ),
    }
    for key, (wanted, found) in held.items():
        if wanted != found:
            raise CheckpointError(
                f"the policy does not fit the dataset in {cached.root}, which holds {found}",
                file=folder / "config.json",
                key=key,
                value=wanted,
                remedy="replay it on datasets with the cameras and joints that it was trained with",
            )


@torch.inference_mode()
def _predict(loaded: LoadedPolicy, looked_at: Rows) -> NDArray[np.float32]:
    """Return predicted actions `(look, step, joint)`; a look always has the same noise."""
    policy = loaded.policy.eval()
    normalizer = Normalizer(
        network_statistics(policy, loaded.statistics),
        cameras=looked_at.cameras,
        device=next(policy.parameters()).device,
    )
    reader = reader_of(policy)
    chunks = []
    for first in range(0, len(looked_at), _BATCH_SIZE):
        positions = np.arange(first, min(first + _BATCH_SIZE, len(looked_at)))
        batch = looked_at.batch(positions)
        observation = normalizer.observation(batch.images, batch.state)
        if reader is not None:
            observation |= reader.tokens(batch.tasks.tolist())
        noise = flow_noise(policy, positions.tolist())
        chunk = policy.predict_action_chunk(observation, **noise)
        chunks.append(normalizer.physical_action(chunk).float().cpu().numpy())
    return np.concatenate(chunks)

"""What a client remembers between rounds, on its own disk.

    checkpoints/clients/<client>/round_<0000>.safetensors

A client writes what it has after a round, and goes on from the round that the server names: the last one
of which the server has saved the client's update. So a round that was killed, or from which the client
was excluded, is as if it had never been, and the file of that round is simply written again. A Flower
client's own memory, `context.state`, would end with its process.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from fedarm.errors import CheckpointError
from fedarm.paths import atomic_file
from fedarm.settings import TrainSettings

ClientState = dict[str, NDArray[np.float32]]


def load_client_state(settings: TrainSettings, client: str, accepted_round: int) -> ClientState:
    """Return what a client had after a round; nothing before its first.

    Args:
        settings: The run's settings.
        client: The client's name.
        accepted_round: The last round of which the server has used the client's update; 0 for none.

    Raises:
        CheckpointError: The file is missing or broken.
    """
    if accepted_round == 0:
        return {}
    file = _file(settings, client, accepted_round)
    try:
        return dict(load_file(file))
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"what the client remembers of round {accepted_round} cannot be read: {error}",
            file=file,
            remedy="restore the file, or delete the run's checkpoints and train again",
        ) from error


def save_client_state(
    settings: TrainSettings,
    client: str,
    state: ClientState,
    *,
    round_number: int,
    accepted_round: int,
) -> None:
    """Keep what a client has after a round, and forget what the server cannot ask for any more.

    Args:
        settings: The run's settings.
        client: The client's name.
        state: What to keep.
        round_number: The round that the client has finished.
        accepted_round: The round that it has gone on from, which is kept too.
    """
    file = _file(settings, client, round_number)
    with atomic_file(file) as temporary:
        save_file(state, temporary)
    kept = {file, _file(settings, client, accepted_round)}
    for other in set(file.parent.glob("round_*.safetensors")) - kept:
        other.unlink()


def forget_client_states(settings: TrainSettings) -> None:
    """Remove what the clients on this machine remember of a run that is done."""
    shutil.rmtree(settings.checkpoints / "clients", ignore_errors=True)


def _file(settings: TrainSettings, client: str, round_number: int) -> Path:
    return settings.checkpoints / "clients" / client / f"round_{round_number:04d}.safetensors"

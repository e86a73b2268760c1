"""`replay/<dataset>/frames.parquet`: one row a predicted action that has a recorded one beside it.

arm, run, seed, round           whose policy
dataset, unseen                 on what
episode, frame, timestamp_s     at which recorded moment it looked
step                            which action of the chunk: 0 is that of the moment itself
executed                        whether it would be executed before the next look
predicted_<joint>               the prediction, in the dataset's units (those are in `summary.json`)
recorded_<joint>                what the demonstrator commanded at that step
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fedarm.data.calibration import base_name
from fedarm.paths import atomic_file
from fedarm.rollout.looks import Looks


def joint_labels(names: Sequence[str]) -> tuple[str, ...]:
    """Return joints' names for columns and pictures: bare ones, where they stay distinct."""
    bare = tuple(base_name(name) for name in names)
    return bare if len(set(bare)) == len(bare) else tuple(names)


def write_frames(path: Path, looks: Looks, labels: Mapping[str, Any]) -> None:
    """Write a replay's predictions; the same looks give the same bytes.

    Args:
        path: The parquet file.
        looks: The predictions.
        labels: The columns that are the same in all rows.

    Raises:
        ResultsError: The folder cannot be written.
    """
    look, step = np.nonzero(~looks.is_pad)
    constant = {name: pa.array([value] * len(look)) for name, value in labels.items()}
    columns = {
        "episode": looks.episode[look],
        "frame": looks.frame[look],
        "timestamp_s": looks.cached.timestamp[looks.rows[look]],
        "step": step,
        "executed": step < looks.n_action_steps,
    }
    for index, joint in enumerate(joint_labels(looks.cached.action_names)):
        columns[f"predicted_{joint}"] = looks.predicted[look, step, index]
        columns[f"recorded_{joint}"] = looks.recorded[look, step, index]
    table = pa.table({**constant, **{name: pa.array(value) for name, value in columns.items()}})
    with atomic_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")

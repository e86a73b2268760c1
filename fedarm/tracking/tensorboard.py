"""TensorBoard: event files in the run's folder of logs.

They are made of the run's history, so those of an earlier process are replaced and not gone on with.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fedarm.tracking.history import History

_FOLDER = "tensorboard"
_FLUSH_S = 10


class TensorBoardSink:
    """Writes `<logs>/<run>/tensorboard/`.

    Args:
        logs: The experiment's folder of logs.
    """

    label = "TensorBoard"

    def __init__(self, logs: Path) -> None:
        self._logs = logs

    def open(self, history: History) -> _Events:
        """Begin the event file of a training, in place of earlier ones."""
        folder = self._logs / history.run / _FOLDER
        for old in folder.glob("events.out.tfevents.*"):
            old.unlink()
        return _Events(folder)


class _Events:
    def __init__(self, folder: Path) -> None:
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(folder), flush_secs=_FLUSH_S)

    def write(self, number: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, number)

    def close(self) -> None:
        self._writer.close()

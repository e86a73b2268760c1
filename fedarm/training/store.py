"""A run's checkpoints and metrics by round, from which a killed job goes on.

    store.json                     what the rounds belong to
    metrics.jsonl                  one line a round
    round_<0000>/pretrained_model/ the policy after a round, in LeRobot's layout
    round_<0000>/adapter.safetensors  what was trained of it, when that are adapters
    round_<0000>/state.safetensors what training goes on with; of the newest round only
    round_<0000>/clients/<client>/pretrained_model/  a client's own policy, where it has one

A round is done when its folder stands, which is the last thing written for it. Whatever else a killed
job leaves behind is removed when the store is opened again, so that the end has the bytes of an unbroken
run.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from safetensors.torch import load_file as load_tensors
from safetensors.torch import save_file as save_tensors

from fedarm.code_digest import digest_code
from fedarm.config_training import Base, CheckpointBase
from fedarm.errors import CheckpointError, DataError, ResultsError
from fedarm.logging import get_logger
from fedarm.paths import atomic_dir, make_folder, read_json, write_atomic, write_json
from fedarm.policies.adapters import adapter_weights, load_adapters, merged
from fedarm.policies.checkpoint import (
    LoadedPolicy,
    digest_checkpoint,
    load_pretrained,
    save_pretrained,
)
from fedarm.policies.normalization import Statistics
from fedarm.provenance import canonical_json, digest_file, digest_value
from fedarm.settings import DataSource, TrainSettings
from fedarm.training.start import start_policy

if TYPE_CHECKING:
    from lerobot.policies.pretrained import PreTrainedPolicy

State = Mapping[str, NDArray[np.float32]]
MetricsLine = dict[str, Any]

_STORE = "store.json"
_METRICS = "metrics.jsonl"
_PRETRAINED = "pretrained_model"
_ADAPTER = "adapter.safetensors"
_STATE = "state.safetensors"
_ROUND_FOLDER = re.compile(r"round_(\d{4,})")
_BEGIN_ANEW = "delete the folder: training then begins anew"

_logger = get_logger(__name__)


def run_fingerprint(
    settings: TrainSettings, code: Path, *, elsewhere: Mapping[str, str] | None = None
) -> str:
    """Return the digest of all that a run's checkpoints depend on.

    Args:
        settings: The run's settings.
        code: The module that trains; what it imports counts too.
        elsewhere: What `data_digest` gives for the datasets that others hold, by name.

    Raises:
        DataError: A frame cache is missing.
        CheckpointError: The starting checkpoint is missing.
    """
    sources = {*settings.sources, *settings.evaluated, *settings.shaped_by}
    known = elsewhere or {}
    start = settings.start or _given_base(settings.base)
    return digest_value(
        {
            "settings": settings.digest(),
            "data": sorted(known.get(source.name) or data_digest(source) for source in sources),
            "start": None if start is None else digest_checkpoint(start),
            "code": digest_code(code),
            "torch": torch.__version__,
        }
    )


class RoundStore:
    """The rounds of one run, in `settings.checkpoints`; made by `RoundStore.open`."""

    def __init__(self, settings: TrainSettings) -> None:
        self._settings = settings
        self._folder = settings.checkpoints

    @classmethod
    def open(cls, settings: TrainSettings, fingerprint: str) -> RoundStore:
        """Open a run's store to go on from its newest round, or begin one.

        Rounds under another fingerprint are deleted: they belong to other data, settings or code.

        Args:
            settings: The run's settings.
            fingerprint: What `run_fingerprint` gives.

        Raises:
            ResultsError: The folder cannot be written, or its metrics were damaged.
        """
        store = cls(settings)
        file = store._folder / _STORE
        if store._folder.exists() and not _has_fingerprint(file, fingerprint):
            _logger.info("data, settings or code have changed: %s begins anew", store._folder)
            # First, or a kill in the middle would leave a store that looks whole.
            file.unlink(missing_ok=True)
            shutil.rmtree(store._folder)
        if not store._folder.exists():
            write_json(file, {"fingerprint": fingerprint})
        store._tidy()
        return store

    @property
    def last_round(self) -> int:
        """The newest round that is done; 0 when none is."""
        return max(self._rounds_on_disk(), default=0)

    def has(self, round_number: int) -> bool:
        """Return whether a round's checkpoint is on disk."""
        return round_number in self._rounds_on_disk()

    def pretrained_model(self, round_number: int) -> Path:
        """The folder of a round's checkpoint."""
        return self._round_folder(round_number) / _PRETRAINED

    def load(self) -> tuple[LoadedPolicy, dict[str, NDArray[np.float32]]]:
        """Return the newest round's policy and the state that was saved with it.

        Raises:
            CheckpointError: No round is done, or a file of it is broken.
        """
        folder = self._round_folder(self.last_round)
        loaded = load_pretrained(folder / _PRETRAINED, expected=self._settings.policy)
        file = folder / _ADAPTER
        try:
            if file.exists():
                policy = start_policy(self._settings)
                load_adapters(policy, load_tensors(file))
                loaded = replace(loaded, policy=policy)
            file = folder / _STATE
            return loaded, load_file(file) if file.exists() else {}
        except SafetensorError as error:
            raise CheckpointError(
                f"a file of the checkpoint is broken: {error}", file=file, remedy=_BEGIN_ANEW
            ) from error

    def save(
        self,
        round_number: int,
        policy: PreTrainedPolicy,
        statistics: Statistics,
        state: State,
        metrics_line: MetricsLine,
        personal: Mapping[str, State] | None = None,
    ) -> None:
        """Save a round, and forget what earlier ones no longer need.

        Args:
            round_number: The round.
            policy: The policy after it.
            statistics: What the policy is trained with.
            state: What the next round goes on with; not kept after the last round.
            metrics_line: The round's metrics, with its number under `round`.
            personal: By client, the parameters that its own policy has in place of the policy's.

        Raises:
            ResultsError: The folder cannot be written.
        """
        # Before the folder, so that a round that is done has its line.
        self.log(metrics_line)
        with atomic_dir(self._round_folder(round_number)) as folder:
            save_pretrained(merged(policy), statistics, folder / _PRETRAINED)
            adapters = adapter_weights(policy)
            if adapters:
                save_tensors(adapters, folder / _ADAPTER)
            if state and round_number < self._settings.rounds:
                save_file(dict(state), folder / _STATE)
            for client, parameters in (personal or {}).items():
                with _replaced(policy, parameters):
                    own = folder / "clients" / client / _PRETRAINED
                    save_pretrained(merged(policy), statistics, own)
        self._forget_older(round_number)

    def log(self, metrics_line: MetricsLine) -> None:
        """Append a metrics line that has no checkpoint of its own, such as that of the start."""
        make_folder(self._folder)
        with (self._folder / _METRICS).open("a", encoding="utf-8") as file:
            file.write(canonical_json(metrics_line) + "\n")

    def rows(self) -> list[MetricsLine]:
        """Return the metrics lines, in the order of the rounds."""
        file = self._folder / _METRICS
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        return [line for line in map(_parse_line, text.splitlines()) if line is not None]

    def _round_folder(self, round_number: int) -> Path:
        return self._folder / f"round_{round_number:04d}"

    def _rounds_on_disk(self) -> set[int]:
        if not self._folder.exists():
            return set()
        names = (_ROUND_FOLDER.fullmatch(path.name) for path in self._folder.iterdir())
        return {int(name[1]) for name in names if name}

    def _tidy(self) -> None:
        """Remove what a killed job has left half done."""
        for path in self._folder.glob(".*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        done = self._rounds_on_disk()
        last = max(done, default=-1)
        lines = [line for line in self.rows() if line["round"] <= last]
        numbers = [line["round"] for line in lines]
        first = numbers[0] if numbers else 0
        if done and numbers != list(range(first, last + 1)):
            raise ResultsError(
                "the metrics do not have one line for each round that is done",
                file=self._folder / _METRICS,
                key="round",
                value=numbers,
                remedy=_BEGIN_ANEW,
            )
        write_atomic(
            self._folder / _METRICS, "".join(canonical_json(line) + "\n" for line in lines)
        )
        self._forget_older(last)

    def _forget_older(self, newest: int) -> None:
        for number in sorted(self._rounds_on_disk() - {newest}):
            if self._settings.is_kept(number):
                (self._round_folder(number) / _STATE).unlink(missing_ok=True)
            else:
                shutil.rmtree(self._round_folder(number))


@contextmanager
def _replaced(policy: PreTrainedPolicy, values: State) -> Iterator[None]:
    """Give a policy other values of some parameters for a while."""
    named = dict(policy.named_parameters())
    before = {name: named[name].detach().clone() for name in values}
    with torch.no_grad():
        for name, array in values.items():
            named[name].copy_(torch.from_numpy(np.array(array)))
        yield
        for name, tensor in before.items():
            named[name].copy_(tensor)


def _given_base(base: Base) -> Path | None:
    """Return the folder of a base that is given as one: others may have trained it again since."""
    return Path(base.path) if isinstance(base, CheckpointBase) and base.path is not None else None


def data_digest(source: DataSource) -> str:
    """Return the digest of a dataset's frames and columns.

    Raises:
        DataError: Its frame cache is missing.
    """
    manifest = source.cache / "manifest.json"
    if not manifest.is_file():
        raise DataError(
            "the frame cache is missing",
            file=source.cache,
            key=f"datasets.{source.name}",
            remedy="run the dataset stage first",
        )
    return digest_file(manifest)


def _has_fingerprint(file: Path, fingerprint: str) -> bool:
    try:
        return bool(read_json(file) == {"fingerprint": fingerprint})
    except ResultsError:
        return False


def _parse_line(text: str) -> MetricsLine | None:
    """Return a metrics line, or None for one that a kill has cut short."""
    try:
        line = json.loads(text)
    except json.JSONDecodeError:
        return None
    return line if isinstance(line, dict) and "round" in line else None

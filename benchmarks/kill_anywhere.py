"""Runs killed with SIGKILL at 20 random moments, and started again: figure `survived`, 20/20.

Every kind of arm (base, local, central, federated) is killed during local steps, between rounds and
while a checkpoint is written, on made-up recordings. A run survives when, started again, it ends with
the bytes of a run that was never killed: checkpoints and metrics, but for the seconds in them.

The moments are drawn from a seed: a call of a function that the run makes, and a time after it of up to
as long as writing a checkpoint takes.
"""

from __future__ import annotations

import argparse
import copy
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

# The made-up recordings are those of the tests.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fedarm.experiment import Experiment
from fedarm.federated.run import train_federated
from fedarm.paths import read_json
from fedarm.provenance import digest_folder
from fedarm.settings import TrainSettings
from fedarm.training import store
from fedarm.training.arms import train_base, train_pooled
from fedarm.training.device import prepare_torch
from fedarm.training.loop import LocalTrainer
from fedarm.training_jobs import train_settings
from tests.unit.conftest import SMALL
from tests.unit.training.synthetic import make_experiment

MOMENTS = 20
TIMEOUT_S = 300
RUNS = {
    "base": ("base", train_base),
    "local": ("local_left", train_pooled),
    "central": ("central", train_pooled),
    "federated": ("fedprox", train_federated),
}
# When a run is killed: at a call of one of these, before it begins or while it is under way.
PLACES: dict[str, tuple[Any, str]] = {
    "during local steps": (LocalTrainer, "_step"),
    "between rounds": (store.RoundStore, "_forget_older"),
    "while a checkpoint is written": (store, "save_pretrained"),
}


@dataclass(frozen=True)
class Moment:
    """A moment to be killed at.

    Attributes:
        run: The kind of run.
        place: The key of `PLACES`.
        call: Which call of the function there, counted from 1.
        delay_s: How long after it begins.
    """

    run: str
    place: str
    call: int
    delay_s: float


@dataclass(frozen=True)
class Unbroken:
    """A run that was never killed.

    Attributes:
        settings: Its settings.
        train: What trains it.
        results: All that it wrote, but for timings.
        calls: How often it called the function at each place.
        save_s: How long writing a checkpoint took, at most.
    """

    settings: TrainSettings
    train: Callable[[TrainSettings], None]
    results: dict[str, Any]
    calls: dict[str, int]
    save_s: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    prepare_torch()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        experiment = small_experiment(folder / "results")
        unbroken = {kind: train_unbroken(experiment, kind, folder) for kind in RUNS}
        survived = 0
        for number, moment in enumerate(draw_moments(unbroken, seed=args.seed)):
            alive = survives(unbroken[moment.run], moment, folder / str(number))
            survived += alive
            print(
                f"{moment.run} {moment.place}, call {moment.call}: {'same' if alive else 'OTHER'}"
            )
    print(f"survived: {survived}/{MOMENTS}")


def small_experiment(root: Path) -> Experiment:
    raw = copy.deepcopy(SMALL)
    raw["training"] |= {"samples": 128, "held_out_rows": 4, "keep_every": 3}
    raw["rollout"] = {"episodes": 8}
    raw["arms"]["fedprox"] |= {"mu": 0.1, "optimizer_state": "average"}
    return make_experiment(raw, root)


def train_unbroken(experiment: Experiment, kind: str, folder: Path) -> Unbroken:
    """Train a run to its end, counting calls; the base is where the experiment expects it."""
    name, train = RUNS[kind]
    settings = train_settings(experiment, experiment.run(name, 0))
    if kind != "base":
        settings = elsewhere(settings, folder / f"unbroken_{kind}")
    calls = dict.fromkeys(PLACES, 0)
    saves_s: list[float] = []
    originals = {place: getattr(owner, name) for place, (owner, name) in PLACES.items()}

    def counting(place: str) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            calls[place] += 1
            start_s = time.monotonic()
            try:
                return originals[place](*args, **kwargs)
            finally:
                if place == "while a checkpoint is written":
                    saves_s.append(time.monotonic() - start_s)

        return wrapped

    for place, (owner, attribute) in PLACES.items():
        setattr(owner, attribute, counting(place))
    try:
        train(settings)
    finally:
        for place, (owner, attribute) in PLACES.items():
            setattr(owner, attribute, originals[place])
    return Unbroken(settings, train, results_of(settings), calls, max(saves_s))


def draw_moments(unbroken: dict[str, Unbroken], *, seed: int) -> list[Moment]:
    """Return moments that go through all kinds of runs and all places in turn."""
    rng = np.random.default_rng(seed)
    pairs = [(kind, place) for place in PLACES for kind in unbroken]
    moments = []
    for number in range(MOMENTS):
        kind, place = pairs[number % len(pairs)]
        run = unbroken[kind]
        call = int(rng.integers(1, run.calls[place] + 1))
        delayed = place == "while a checkpoint is written"
        moments.append(Moment(kind, place, call, float(rng.uniform(0, run.save_s) * delayed)))
    return moments


def survives(run: Unbroken, moment: Moment, folder: Path) -> bool:
    """Kill a run at a moment, start it again, and compare."""
    settings = elsewhere(run.settings, folder)
    # A forked child has everything imported already.
    child = multiprocessing.get_context("fork").Process(
        target=_train_and_die, args=(settings, run.train, moment)
    )
    child.start()
    child.join(TIMEOUT_S)
    if child.exitcode != -signal.SIGKILL:
        raise RuntimeError(f"{moment} did not kill the run: exit code {child.exitcode}")
    run.train(settings)
    same = results_of(settings) == run.results
    shutil.rmtree(folder)
    return same


def elsewhere(settings: TrainSettings, folder: Path) -> TrainSettings:
    return replace(settings, checkpoints=folder / "checkpoints", metrics=folder / "metrics.json")


def results_of(settings: TrainSettings) -> dict[str, Any]:
    metrics = read_json(settings.metrics)
    for line in metrics["rounds"]:
        line.pop("seconds")
    files = digest_folder(settings.checkpoints, exclude=["metrics.jsonl"])
    return {"metrics": metrics, "files": files}


def _train_and_die(
    settings: TrainSettings, train: Callable[[TrainSettings], None], moment: Moment
) -> None:
    owner, name = PLACES[moment.place]
    original = getattr(owner, name)
    calls = 0

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == moment.call:
            if not moment.delay_s:
                _kill()
            threading.Timer(moment.delay_s, _kill).start()
        return original(*args, **kwargs)

    setattr(owner, name, wrapped)
    train(settings)
    # The run was over before its time came.
    _kill()


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()

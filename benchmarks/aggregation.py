"""Aggregating 10 updates of 50 M parameters, over Flower's own message-API FedAvg.

Figures: `time_ratio`, at most 0.35, and `memory_ratio`, at most 0.2. Each side runs in a fresh process,
on the same serialised updates in files, from reading the first to having the new weights as a record:
Flower's strategy takes all replies at once, ours takes them as they come, and checks besides that they
are finite and of the right shape. Memory is the peak of the process above what it had after its
imports; the peak as a whole is printed too. Times do not count the reading, and are medians.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from flwr.app import Array, ArrayRecord, Message, MetricRecord, RecordDict
from flwr.supercore.task_identity import TaskIdentity
from numpy.typing import NDArray

CLIENTS = 10
ARRAY = 1_000_000
REPEATS = 7
# What reading the updates took, which is transport and counts for neither side.
READING: list[NDArray[np.float64]] = []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parameters", type=int, default=50_000_000)
    parser.add_argument("--side", choices=["ours", "flower"])
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    if args.side:
        measure(args.side, args.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        write_updates(Path(name), args.parameters)
        figures = alternate(Path(name))
    for side, (wall_s, cpu_s, peak_mb, added_mb) in figures.items():
        print(f"{side}_s: {wall_s:.2f}")
        print(f"{side}_cpu_s: {cpu_s:.2f}")
        print(f"{side}_peak_mb: {peak_mb:.0f}")
        print(f"{side}_added_mb: {added_mb:.0f}")
    time_ratio, cpu_ratio, whole_ratio, added_ratio = np.divide(figures["ours"], figures["flower"])
    print(f"cpu_time_ratio: {cpu_ratio:.3f}")
    print(f"whole_memory_ratio: {whole_ratio:.3f}")
    print(f"time_ratio: {time_ratio:.3f}")
    print(f"memory_ratio: {added_ratio:.3f}")


def write_updates(folder: Path, parameters: int) -> None:
    rng = np.random.default_rng(0)
    for client in range(CLIENTS):
        for index in range(parameters // ARRAY):
            values = rng.standard_normal(ARRAY, dtype=np.float32)
            np.save(folder / f"{client:02d}_{index:04d}.npy", values)


def alternate(folder: Path) -> dict[str, tuple[float, ...]]:
    """Return the medians over fresh processes: wall and processor seconds, peak and added megabytes.

    The sides take turns, so that what else runs on the machine meets both.
    """
    seen: dict[str, list[list[float]]] = {"flower": [], "ours": []}
    for _ in range(REPEATS):
        for side, rows in seen.items():
            command = [sys.executable, __file__, "--side", side, "--folder", str(folder)]
            # As fedarm's jobs run. Flower's average does not use it.
            environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
            answer = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, text=True, env=environment
            )
            rows.append([float(word) for word in answer.stdout.split()])
    return {
        side: tuple(statistics.median(column) for column in zip(*rows, strict=True))
        for side, rows in seen.items()
    }


def measure(side: str, folder: Path) -> None:
    """Print the figures of one side in this process."""
    TaskIdentity.task_id = TaskIdentity.run_id = TaskIdentity.node_id = 1
    aggregate = with_flower if side == "flower" else with_fedarm
    prepared = aggregate(folder)
    next(prepared)
    before_mb = peak_mb()
    READING.clear()
    start = clocks()
    next(prepared, None)
    wall_s, cpu_s = clocks() - start - sum(READING, np.zeros(2))
    print(wall_s, cpu_s, peak_mb(), peak_mb() - before_mb)


def with_flower(folder: Path) -> Iterator[None]:
    from flwr.serverapp.strategy import FedAvg

    strategy = FedAvg()
    yield
    strategy.aggregate_train(1, list(replies(folder)))


def with_fedarm(folder: Path) -> Iterator[None]:
    from fedarm.config_arms import FedAvgArm
    from fedarm.federated.faults import fault_in, same_update
    from fedarm.federated.memory import keep_freed_memory
    from fedarm.federated.strategies import FedAvg

    keep_freed_memory()
    strategy = FedAvg(FedAvgArm(kind="federated", strategy="fedavg"), [7] * CLIENTS)
    first = sorted(folder.glob("00_*.npy"))
    # Only names and shapes count here.
    shapes = {file.stem[3:]: Array("float32", (ARRAY,), "numpy.ndarray", b"") for file in first}
    check = same_update(ArrayRecord(shapes), rows={client + 2: 7 for client in range(CLIENTS)})
    strategy.meet(list(range(2, 2 + CLIENTS)))
    strategy._sent = ArrayRecord({file.stem[3:]: read(file) for file in first})

    def checked() -> Iterator[Message]:
        for reply in replies(folder):
            fault = fault_in(reply, check)
            if fault:
                raise SystemExit(str(fault))
            yield reply
            del reply

    yield
    strategy.aggregate_train(1, checked())


def replies(folder: Path) -> Iterator[Message]:
    """Yield one reply a client, read when it is asked for."""
    for client in range(CLIENTS):
        arrays = {file.stem[3:]: read(file) for file in sorted(folder.glob(f"{client:02d}_*.npy"))}
        metrics = MetricRecord({"num-examples": 7})
        question = Message(RecordDict(), client + 2, "train")
        content = RecordDict({"arrays": ArrayRecord(arrays), "metrics": metrics})
        del arrays
        reply = Message(content, reply_to=question)
        del content
        yield reply
        del reply


def read(file: Path) -> Array:
    """Return an array as it arrives, and note the time that this takes."""
    start = clocks()
    array = Array("float32", (ARRAY,), "numpy.ndarray", file.read_bytes())
    READING.append(clocks() - start)
    return array


def clocks() -> NDArray[np.float64]:
    """Return the wall clock and this process's processor time, in seconds."""
    return np.array([time.perf_counter(), time.process_time()])


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()

"""A whole experiment's results with known truth, written as the stages write them."""

import functools
import hashlib
import io
import json
from pathlib import Path

import av
import numpy as np
import pandas as pd
from scipy.stats import norm

from fedarm.report.inputs import ComparisonSettings, RunFolder

CLIENTS = ("pickplace", "stacking", "sorting", "so101_pickplace")
UNSEEN = ("pickplace_new_look", "sorting_moved_camera")
VARIANTS = {"pickplace_new_look": "new_look", "sorting_moved_camera": "moved_camera"}
ROUNDS = 15
PROGRESS = (5, 10)

# Probability of success by kind of run, near what the lab gives.
SUCCESS = {
    "base": (0.50, 0.25, 0.20, 0.65, 0.35, 0.20),
    "central": (0.95, 0.60, 0.85, 0.88, 0.65, 0.55),
    "fedprox": (0.80, 0.45, 0.72, 0.82, 0.60, 0.52),
    "fedavg": (0.75, 0.40, 0.70, 0.78, 0.55, 0.50),
    "fedavgm": (0.92, 0.58, 0.84, 0.86, 0.64, 0.54),
}
_EASY, _FOREIGN = 0.85, 0.25


def task_of(dataset):
    return dataset.replace("_new_look", "").replace("_moved_camera", "")


def digest(*parts):
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def folders(root, *, clients=CLIENTS, seeds=(0, 1, 2), federated=("fedprox",)):
    runs = [RunFolder("base", "base", "base", 0, root / "base" / "seed0")]
    for client in clients:
        name = f"local_{client}"
        runs += [RunFolder("local", name, "local", k, root / name / f"seed{k}") for k in seeds]
    runs += [
        RunFolder("central", "central", "central", k, root / f"central/seed{k}") for k in seeds
    ]
    for arm in federated:
        runs += [RunFolder(arm, arm, "federated", k, root / arm / f"seed{k}") for k in seeds]
    return tuple(runs)


def probability(run, dataset, *, clients, unseen):
    datasets = [*clients, *unseen]
    if run.kind == "local":
        own = run.name.removeprefix("local_")
        return _EASY if task_of(own) == task_of(dataset) else _FOREIGN
    return SUCCESS[run.name][datasets.index(dataset)]


def fabricate(
    root: Path,
    *,
    clients=CLIENTS,
    unseen=UNSEEN,
    seeds=(0, 1, 2),
    federated=("fedprox",),
    episodes=20,
    videos=True,
    seed=0,
) -> ComparisonSettings:
    """Write an experiment's results under `root` and return the settings of its comparison."""
    rng = np.random.default_rng(seed)
    runs = folders(root, clients=clients, seeds=seeds, federated=federated)
    datasets = (*clients, *unseen)
    hardness = {name: rng.normal(size=episodes) * np.sqrt(0.3) for name in datasets}
    for run in runs:
        last = 0 if run.kind == "base" else ROUNDS
        shift = rng.normal(0, 0.04)
        entries = []
        for dataset in datasets:
            final = probability(run, dataset, clients=clients, unseen=unseen) + shift
            rows = rollouts(run, dataset, last, final, hardness[dataset], rng)
            rows["unseen"] = dataset in unseen
            folder = run.path / "rollouts" / dataset
            folder.mkdir(parents=True)
            rows.to_parquet(folder / "episodes.parquet")
            if videos:
                entries.append(film(run, dataset, rows))
        write(run.path / "video_analysis.json", {"schema_version": 1, "videos": entries})
        file = "federated_metrics.json" if run.kind == "federated" else "metrics.json"
        write(run.path / file, metrics(run, last, clients=clients, unseen=unseen, rng=rng))
    return ComparisonSettings("lab", runs, clients, unseen)


def rollouts(run, dataset, last, final, hardness, rng):
    """Return the rows of one `episodes.parquet`: progress rounds on 8 episodes, the last on all."""
    watched = PROGRESS if run.kind in {"central", "federated"} else ()
    frames = []
    for number in (*watched, last):
        # Training gets most of the way early.
        share = 1.0 if number == last else 0.55 + 0.4 * number / ROUNDS
        threshold = norm.ppf(np.clip(final * share, 0.01, 0.99))
        count = len(hardness) if number == last else min(8, len(hardness))
        luck = rng.normal(size=count) * np.sqrt(0.7)
        success = hardness[:count] + luck < threshold
        steps = np.where(success, rng.integers(28, 60, count), 80)
        frames.append(
            pd.DataFrame(
                {
                    "arm": run.arm,
                    "run": run.name,
                    "seed": run.seed,
                    "round": number,
                    "final": number == last,
                    "dataset": dataset,
                    "task": task_of(dataset),
                    "variant": VARIANTS.get(dataset, "standard"),
                    "initial_conditions": f"{dataset}-v1",
                    "episode": range(count),
                    "initial_condition_seed": [
                        int(digest(dataset, k)[:12], 16) for k in range(count)
                    ],
                    "success": success,
                    "steps": steps,
                    "duration_s": steps / 10,
                    "return": success.astype(float),
                    "object_start_x_m": [
                        0.2 + int(digest(dataset, k)[12], 16) / 200 for k in range(count)
                    ],
                    "object_start_y_m": [
                        int(digest(dataset, k)[13], 16) / 80 - 0.1 for k in range(count)
                    ],
                    "object_goal_distance_m": np.where(success, 0.01, 0.12),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def metrics(run, last, *, clients, unseen, rng):
    own = (run.name.removeprefix("local_"),) if run.kind == "local" else clients
    samples = {"base": 38400, "local": 48000 // len(clients)}.get(run.kind, 48000)
    shares = {"+".join(own): samples}
    if run.kind == "federated":
        shares = {client: samples // len(clients) for client in clients}
    rounds = []
    for number in range(last + 1 if last else 0):
        losses = {
            name: float(0.06 + 0.2 * np.exp(-number / 4) + rng.uniform(0, 0.01))
            for name in (*own, *unseen)
        }
        if run.kind == "federated":
            losses = {name: loss * 1.15 for name, loss in losses.items()}
        rounds.append(
            {
                "round": number,
                "samples": samples // last if number else 0,
                "clients": {},
                "held_out_loss": losses,
                "bytes_up": 10_000_000 if run.kind == "federated" and number else 0,
                "bytes_down": 10_000_000 if run.kind == "federated" and number else 0,
                "seconds": float(rng.uniform(3, 4)),
            }
        )
    return {
        "schema_version": 1,
        "name": run.name,
        "arm": run.arm,
        "kind": run.kind,
        "seed": run.seed,
        "samples": samples,
        "samples_per_client": shares,
        "batch_size": 32,
        "optimizer_steps": samples // 32,
        "parameters": 631_000,
        "rounds": rounds,
        "checkpoint": {"round": last, "sha256": digest(run.name, run.seed)},
    }


def film(run, dataset, rows):
    """Write a clip of the first episode of the last round, and return its entry in the analysis."""
    row = rows[rows["final"]].iloc[0]
    file = run.path / "rollouts" / dataset / "videos" / f"round_{row['round']:04d}_episode_000.mp4"
    file.parent.mkdir(parents=True)
    file.write_bytes(clip(success=bool(row["success"])))
    record = {
        "arm": run.arm,
        "run": run.name,
        "seed": run.seed,
        "round": int(row["round"]),
        "dataset": dataset,
        "episode": int(row["episode"]),
        "initial_condition_seed": int(row["initial_condition_seed"]),
        "success": bool(row["success"]),
        "steps": int(row["steps"]),
        "duration_s": float(row["duration_s"]),
    }
    write(file.with_suffix(".json"), record)
    return {
        "file": f"{dataset}/videos/{file.name}",
        "dataset": dataset,
        "round": record["round"],
        "episode": record["episode"],
        "decodable": True,
        "reason": None,
        "duration_s": record["duration_s"],
        "smoothness_sparc": -2.5 if row["success"] else -3.4,
        "idle_share": 0.1,
        "black_share": 0.0,
        "success_env": record["success"],
        "success_video": record["success"],
    }


@functools.cache
def clip(*, success, size=240, frames=30):
    """Return an h264 clip of a cube that slides to a disc, or stops short of it."""
    file = io.BytesIO()
    rows, columns = np.mgrid[:size, :size]
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "30"})
        stream.width = stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(frames):
            picture = np.full((size, size, 3), (222, 216, 205), dtype=np.uint8)
            picture[(rows - 150) ** 2 + (columns - 170) ** 2 < 30**2] = (70, 110, 180)
            left = int(20 + (140 if success else 60) * number / frames)
            picture[135:165, left : left + 30] = (190, 60, 50)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def write(file, value):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value))

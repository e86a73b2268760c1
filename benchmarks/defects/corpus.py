"""Clean datasets of the lab, recorded once with the real recorder and kept below a folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import fedarm
from fedarm.code_digest import digest_code
from fedarm.provenance import digest_file, digest_value


@dataclass(frozen=True)
class Recipe:
    """What a clean dataset is recorded from; as `record_dataset` takes it."""

    tasks: tuple[str, ...]
    episodes: int
    variants: tuple[str, ...] = ("standard",)
    seed: int = 0
    image_size: int = 128


# Defects are planted into these.
BASES: Mapping[str, Recipe] = {
    "pickplace": Recipe(("pickplace",), 6),
    "stacking": Recipe(("stacking",), 6),
    "sorting": Recipe(("sorting",), 6),
}

# Nothing may be found in any of these: other looks, sizes, seeds, several tasks, few and many episodes.
CLEAN: Mapping[str, Recipe] = {
    **BASES,
    "so101_pickplace": Recipe(("so101_pickplace",), 6),
    "pickplace_new_look": Recipe(("pickplace",), 5, ("new_look",), image_size=64),
    "stacking_moved_camera": Recipe(("stacking",), 5, ("moved_camera",), image_size=96),
    "sorting_wider_spawn": Recipe(("sorting",), 6, ("wider_spawn",)),
    "so101_pickplace_pool": Recipe(("so101_pickplace",), 5, ("pool_a",)),
    "pickplace_3_looks": Recipe(("pickplace",), 2, ("pool_a", "pool_b", "pool_c"), image_size=64),
    "all_tasks": Recipe(("pickplace", "stacking", "sorting", "so101_pickplace"), 2, image_size=64),
    "sorting_large": Recipe(("sorting",), 5, seed=1, image_size=224),
    "stacking_12": Recipe(("stacking",), 12, seed=2, image_size=64),
    "pickplace_40": Recipe(("pickplace",), 40, seed=3, image_size=64),
    "so101_pickplace_20": Recipe(("so101_pickplace",), 20, seed=4, image_size=64),
}


def clean_datasets(cache: Path, recipes: Mapping[str, Recipe] = CLEAN) -> dict[str, Path]:
    """Return the folder of each clean dataset, recording those that the cache lacks.

    A changed recorder, expert or scene records anew: their code is part of a folder's name.
    """
    sim = Path(fedarm.__file__).parent / "sim"
    code = [digest_file(sim / "recording.py"), digest_code(sim / "expert.py")]
    folders = {
        name: cache / f"{name}_{digest_value([asdict(recipe), *code])[:12]}" / "dataset"
        for name, recipe in recipes.items()
    }
    # The longest first, so that no process is left alone with it.
    missing = sorted(
        (name for name, folder in folders.items() if not folder.is_dir()),
        key=lambda name: -recipes[name].episodes * len(recipes[name].variants),
    )
    if missing:
        workers = min(os.cpu_count() or 1, len(missing))
        # A forked process would share the graphics library's threads and locks.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            jobs = [pool.submit(_record, folders[name], recipes[name]) for name in missing]
            for job in jobs:
                job.result()
    return folders


def _record(folder: Path, recipe: Recipe) -> None:
    from fedarm.sim.recording import record_dataset

    # `record_dataset` moves the folder into place when it is whole.
    record_dataset(folder, **asdict(recipe), workers=1)

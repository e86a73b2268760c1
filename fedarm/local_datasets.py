"""Datasets in folders, as far as planning needs them: their files, and what tells two apart."""

from __future__ import annotations

import json
import os
from pathlib import Path

from fedarm.config import Config
from fedarm.config_datasets import LocalDataset
from fedarm.config_training import PretrainedBase
from fedarm.errors import ConfigError
from fedarm.evaluation_settings import Recording
from fedarm.provenance import digest_file, digest_value

# What LeRobot stores a dataset in; anything else in its folder is none of it.
DATASET_FOLDERS = ("meta", "data", "videos")
_INFO_FILE = "meta/info.json"


def dataset_files(root: Path) -> tuple[str, ...]:
    """Return the posix paths of a dataset's files below its folder, sorted."""
    found = [
        (Path(folder) / name).relative_to(root).as_posix()
        for top in DATASET_FOLDERS
        for folder, _, names in os.walk(root / top, followlinks=True)
        for name in names
    ]
    return tuple(sorted(found))


def digest_content(root: Path) -> str:
    """Return the digest of a dataset's content, wherever it lies and whenever it was touched.

    Tables and metadata count with their bytes, videos with their size: reading gigabytes at each
    planning would cost more than it tells, since a video that is cut or recorded anew has another size.
    """
    return digest_value([[name, _identity(root / name)] for name in dataset_files(root)])


def pin_local_datasets(config: Config, source: str) -> Config:
    """Return the configuration with the digest of each local dataset's content filled in.

    Args:
        config: A configuration that satisfies the schema.
        source: What to call it in messages.

    Raises:
        ConfigError: A folder that the experiment needs holds no dataset, or too few episodes.
    """
    pool = config.base.datasets if isinstance(config.base, PretrainedBase) else ()
    sections = dict(config.datasets)
    for name in {*config.clients, *config.unseen, *pool}:
        section = sections.get(name)
        if isinstance(section, LocalDataset) and section.content is None:
            trained = name not in config.unseen
            sections[name] = _pin(section, name, source, trained=trained)
    return config.model_copy(update={"datasets": sections})


def digest_recording(recording: Recording) -> str:
    """Return the digest of the content of a recording made on a real arm.

    Raises:
        ConfigError: There is no dataset in its folder.
    """
    if not (recording.folder / _INFO_FILE).is_file():
        raise ConfigError(
            "not a LeRobot dataset: no meta/info.json"
            if recording.folder.is_dir()
            else "no such folder",
            key=f"evaluation.recordings.{recording.dataset}",
            value=str(recording.folder),
            remedy="give the folder that holds `meta/`, `data/` and `videos/` of the recording",
        )
    return digest_content(recording.folder)


def _pin(section: LocalDataset, name: str, source: str, *, trained: bool) -> LocalDataset:
    root = Path(section.path)
    if not (root / _INFO_FILE).is_file():
        raise ConfigError(
            "not a LeRobot dataset: no meta/info.json" if root.is_dir() else "no such folder",
            file=source,
            key=f"datasets.{name}.path",
            value=section.path,
            remedy="give the folder that holds `meta/`, `data/` and `videos/`",
        )
    episodes = _declared_episodes(root / _INFO_FILE)
    # A hotfix may mend the totals, so only a dataset that is taken as it is can be judged by them.
    if episodes is not None and not section.hotfixes:
        _check_episodes(episodes, section, name, trained=trained)
    return section.model_copy(update={"content": digest_content(root)})


def _declared_episodes(info_file: Path) -> int | None:
    try:
        info = json.loads(info_file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(
            f"not valid JSON: {error}", file=info_file, remedy="record or export the dataset again"
        ) from None
    episodes = info.get("total_episodes") if isinstance(info, dict) else None
    return episodes if isinstance(episodes, int) else None


def _check_episodes(episodes: int, section: LocalDataset, name: str, *, trained: bool) -> None:
    if episodes == 0:
        raise ConfigError(
            "the dataset is empty",
            file=Path(section.path) / _INFO_FILE,
            key="total_episodes",
            value=episodes,
            remedy=f"record some episodes, or point `datasets.{name}.path` at another dataset",
        )
    if section.held_out > episodes - trained:
        raise ConfigError(
            f"no episode is left to train on: the dataset has {episodes}"
            if trained
            else f"more held-out episodes than the dataset has: {episodes}",
            file=Path(section.path) / _INFO_FILE,
            key=f"datasets.{name}.held_out",
            value=section.held_out,
            remedy="hold out fewer episodes, or record more",
        )


def _identity(file: Path) -> list[int | str]:
    size = file.stat().st_size
    return [size] if file.suffix == ".mp4" else [size, digest_file(file)]

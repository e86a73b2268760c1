"""Where everything lies, and how it is written there.

    results/datasets/<name>/<version>/   dataset/ cache_<size>px/ manifest.json checks.json hotfixes.json
    results/datasets/<owner>--<name>@<revision>.json   the commit that a branch of the hub was
    results/<experiment>/config.yaml, gate.json
    results/<experiment>/<run name>/seed<k>/
        checkpoints/round_<0000>/pretrained_model/
        metrics.json | federated_metrics.json
        rollouts/<dataset>/episodes.parquet, videos/*.mp4 + *.json
        replay/<dataset>/frames.parquet, summary.json, videos/*.mp4 + *.json
        video_analysis.json, video_analysis.parquet
    results/<experiment>/comparison/, reels/

Every write goes to a temporary name in the same folder and is renamed when whole.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedarm.errors import ResultsError

# A full disk or quota, a file larger than allowed, a disk that has become read-only.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})


@dataclass(frozen=True)
class DatasetPaths:
    """The files of one version of one dataset."""

    root: Path

    @property
    def dataset(self) -> Path:
        """The LeRobot v3 dataset itself."""
        return self.root / "dataset"

    @property
    def manifest(self) -> Path:
        """The recipe and the digests of the content."""
        return self.root / "manifest.json"

    @property
    def checks(self) -> Path:
        """What the checks found."""
        return self.root / "checks.json"

    @property
    def hotfixes(self) -> Path:
        """What was repaired, with digests before and after."""
        return self.root / "hotfixes.json"

    def frame_cache(self, image_size: int) -> Path:
        """The folder of frames decoded once, at the size that a policy sees."""
        return self.root / f"cache_{image_size}px"


@dataclass(frozen=True)
class RunPaths:
    """The files of one run: one arm (or one client's local arm) and one seed."""

    root: Path
    federated: bool

    @property
    def checkpoints(self) -> Path:
        """Checkpoints by round; never a Snakemake output, so a failed job keeps them."""
        return self.root / "checkpoints"

    @property
    def metrics(self) -> Path:
        """Losses, budgets and bytes by round."""
        return self.root / ("federated_metrics.json" if self.federated else "metrics.json")

    @property
    def rollouts(self) -> Path:
        """Rollouts by dataset."""
        return self.root / "rollouts"

    @property
    def videos(self) -> Path:
        """The list of all videos with their digests."""
        return self.rollouts / "videos.json"

    @property
    def video_analysis(self) -> Path:
        """What was measured in the videos."""
        return self.root / "video_analysis.json"

    def episodes(self, dataset: str) -> Path:
        """The table of rollout episodes on one dataset's task and variant."""
        return self.rollouts / dataset / "episodes.parquet"

    def replay_frames(self, dataset: str) -> Path:
        """The table of predicted and recorded actions on a dataset's held-out episodes."""
        return self.root / "replay" / dataset / "frames.parquet"

    def replay_summary(self, dataset: str) -> Path:
        """The errors of those predictions, and the policy loss; written last."""
        return self.replay_frames(dataset).with_name("summary.json")

    def pretrained_model(self, round_number: int) -> Path:
        """The checkpoint after a round, in LeRobot's own layout."""
        return self.checkpoints / f"round_{round_number:04d}" / "pretrained_model"

    def client_model(self, round_number: int, client: str) -> Path:
        """A client's own policy after a round, of the arms that have such policies."""
        own = self.checkpoints / f"round_{round_number:04d}" / "clients" / client
        return own / "pretrained_model"


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file so that it is either whole or absent.

    Raises:
        ResultsError: The folder cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    with atomic_file(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, with sorted keys and two spaces, so that equal values are equal bytes."""
    write_atomic(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        ResultsError: The file is missing or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ResultsError(
            "file is missing", file=path, remedy="run the stage that writes it again"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ResultsError(
            f"not valid JSON: {error}", file=path, remedy="delete it and run its stage again"
        ) from None


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` and rename it to `path` when the block succeeds.

    Raises:
        ResultsError: The folder cannot be written.
    """
    make_folder(path.parent)
    temporary = path.parent / f".{path.name}.{os.getpid()}.tmp{path.suffix}"
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_dir(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder and put it in the place of `folder` when the block succeeds.

    Raises:
        ResultsError: The parent folder cannot be written, or there is no room for what the block writes.
    """
    make_folder(folder.parent)
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield temporary
        temporary.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        temporary.replace(folder)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise _unwritable(folder, error) from error
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Create a folder and its parents.

    Raises:
        ResultsError: The folder cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def cache_folder() -> Path:
    """Return the folder for things built once a machine: `$FEDARM_CACHE` or `~/.cache/fedarm`."""
    return Path(os.environ.get("FEDARM_CACHE") or Path.home() / ".cache" / "fedarm")


def _unwritable(path: Path, error: OSError) -> ResultsError:
    return ResultsError(
        f"cannot write: {error.strerror or error}",
        file=path,
        remedy="free some space, or set `results_dir` to a folder that you may write",
    )

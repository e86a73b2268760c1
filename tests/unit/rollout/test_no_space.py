"""A disk without room is said, and nothing half-written stays behind.

No file may grow beyond a limit here: the kernel then refuses to write as it does on a full disk.
"""

import resource
import signal

import numpy as np
import pytest

from fedarm.errors import ResultsError
from fedarm.paths import atomic_dir
from fedarm.rollout.recording import open_video
from fedarm.rollout.run import rollout_runs
from fedarm.sim.recording import write_dataset

LIMIT_BYTES = 20_000


@pytest.fixture
def full_disk():
    """Return a function after which no file can become larger than `LIMIT_BYTES`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Otherwise the kernel ends the process.
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, before)


def noise(size):
    return np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)


def test_video(full_disk, tmp_path):
    full_disk()
    with (
        pytest.raises(ResultsError, match=r"cannot write(.|\n)*film.mp4(.|\n)*free some space"),
        open_video(tmp_path / "film.mp4", size=224) as writer,
    ):
        writer.write(noise(224), times=60)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_dataset(full_disk, tmp_path):
    """Its pictures are encoded in a thread of LeRobot's."""
    joints = np.zeros(6, np.float32)
    row = {
        "observation.images.front": noise(128),
        "observation.state": joints,
        "action": joints,
        "task": "do it",
    }
    full_disk()
    with (
        pytest.raises(ResultsError, match=r"cannot be encoded(.|\n)*free some space"),
        atomic_dir(tmp_path / "rollouts") as folder,
    ):
        write_dataset(
            folder / "dataset", [[row] * 40], repo_id="a/b", robot_type="so101", image_size=128
        )
    assert not list(tmp_path.iterdir())


def test_a_runs_rollouts(full_disk, small_run, tmp_path):
    settings = small_run("central", rounds=(1,), results=tmp_path)
    full_disk()
    with pytest.raises(ResultsError, match=r"round_0001_episode_000.mp4(.|\n)*free some space"):
        rollout_runs([settings], workers=1)
    assert not [path for path in settings.paths.rollouts.rglob("*") if path.is_file()]


def test_other_errors_of_the_system_stay_what_they_are(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_dir(tmp_path / "rollouts"):
        (tmp_path / "missing").read_text()
    assert not list(tmp_path.iterdir())

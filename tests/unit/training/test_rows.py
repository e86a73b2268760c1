import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedarm.data.frame_cache import open_frame_cache
from fedarm.errors import DataError
from fedarm.settings import DataSource
from fedarm.training.rows import load_evaluated_rows, load_held_out_rows, load_train_rows

from .synthetic import CAMERA, EPISODE_FRAMES, IMAGE_SIZE, write_cache

CHUNK = 4


def _source(cache: Path, *, held_out: int = 1, name: str = "left") -> DataSource:
    return DataSource(name=name, cache=cache, version="v", held_out=held_out, split_seed=5)


@pytest.fixture
def sources(tmp_path: Path) -> tuple[DataSource, ...]:
    for seed, name in enumerate(("left", "right")):
        write_cache(tmp_path / name, episodes=4, seed=seed)
    return (_source(tmp_path / "left"), _source(tmp_path / "right", name="right"))


def _same(batch, expected) -> bool:
    return all(np.array_equal(value, vars(expected)[key]) for key, value in vars(batch).items())


def test_train_and_held_out_rows_are_whole_episodes_and_share_none(sources):
    source = sources[0]
    cached = open_frame_cache(source.cache)
    train = load_train_rows([source], CHUNK)
    held_out = load_held_out_rows(source, CHUNK, limit=1000)
    assert len(train) == 3 * EPISODE_FRAMES
    assert len(held_out) == EPISODE_FRAMES
    states = np.concatenate([rows.batch(np.arange(len(rows))).state for rows in (train, held_out)])
    assert len(np.unique(states, axis=0)) == len(cached)


def test_a_batch_holds_what_the_cache_holds(sources):
    cached = open_frame_cache(sources[0].cache)
    rows = load_held_out_rows(replace(sources[0], held_out=4), CHUNK, limit=1000)
    wanted = np.array([23, 0, 7])
    batch = rows.batch(wanted)
    chunks, is_pad = cached.chunks(wanted, CHUNK)
    assert batch.images.shape == (3, 1, IMAGE_SIZE, IMAGE_SIZE, 3)
    np.testing.assert_array_equal(batch.images, cached.frames[wanted])
    np.testing.assert_array_equal(batch.state, cached.state[wanted])
    np.testing.assert_array_equal(batch.actions, chunks)
    np.testing.assert_array_equal(batch.is_pad, is_pad)
    # Row 23 is the last of its episode: one action and three times padding.
    assert batch.is_pad[0].tolist() == [False, True, True, True]


def test_pooled_rows_are_the_clients_rows_one_after_the_other(sources):
    pooled = load_train_rows(sources, CHUNK)
    left, right = (load_train_rows([source], CHUNK) for source in sources)
    assert len(pooled) == len(left) + len(right)
    mixed = pooled.batch(np.array([len(left) + 2, 1, len(left), 0]))
    np.testing.assert_array_equal(mixed.state[[1, 3]], left.batch(np.array([1, 0])).state)
    np.testing.assert_array_equal(mixed.images[[0, 2]], right.batch(np.array([2, 0])).images)
    np.testing.assert_array_equal(mixed.actions[[0, 2]], right.batch(np.array([2, 0])).actions)
    assert _same(pooled.batch(np.arange(3)), left.batch(np.arange(3)))


def test_pooled_sums_are_the_clients_sums_added_in_order(sources):
    left, right = (load_train_rows([source], CHUNK).sums() for source in sources)
    pooled = load_train_rows(sources, CHUNK).sums().to_arrays()
    for name, values in (left + right).to_arrays().items():
        np.testing.assert_array_equal(pooled[name], values)


def test_statistics_do_not_see_held_out_rows(sources, tmp_path: Path):
    source = sources[0]
    before = load_train_rows([source], CHUNK).sums().statistics()
    held_out = load_held_out_rows(source, CHUNK, limit=1000).batch(np.arange(EPISODE_FRAMES))
    cached = open_frame_cache(source.cache)
    touched = np.flatnonzero((cached.state[:, None] == held_out.state[None]).all(-1).any(1))
    _overwrite(source.cache, touched)
    after = load_train_rows([source], CHUNK).sums().statistics()
    for feature, moments in before.items():
        for name, values in moments.items():
            np.testing.assert_array_equal(after[feature][name], values)
    changed = load_held_out_rows(source, CHUNK, limit=1000).batch(np.arange(EPISODE_FRAMES))
    assert (changed.state == 1e6).all()


def _overwrite(cache: Path, rows: np.ndarray) -> None:
    """Change the pixels and joints of some rows, as if they had been recorded otherwise."""
    from fedarm.paths import read_json, write_json
    from fedarm.provenance import digest_file

    frames = np.load(cache / "frames.npy")
    frames[rows] = 255
    np.save(cache / "frames.npy", frames)
    columns = dict(np.load(cache / "columns.npz"))
    columns["state"][rows] = 1e6
    columns["action"][rows] = -1e6
    np.savez(cache / "columns.npz", **columns)
    manifest = read_json(cache / "manifest.json")
    manifest["columns_sha256"] = digest_file(cache / "columns.npz")
    write_json(cache / "manifest.json", manifest)


def test_held_out_rows_are_limited_and_evenly_spaced(sources):
    source = replace(sources[0], held_out=4)
    cached = open_frame_cache(source.cache)
    rows = load_held_out_rows(source, CHUNK, limit=4)
    # 24 rows: 0, 7.67, 15.33, 23.
    np.testing.assert_array_equal(rows.batch(np.arange(4)).state, cached.state[[0, 8, 15, 23]])
    assert len(load_held_out_rows(source, CHUNK, limit=100)) == 24


def test_a_pool_is_only_trained_on_and_an_unseen_set_only_evaluated(sources):
    pool = replace(sources[0], held_out=0)
    assert len(load_train_rows([pool], CHUNK)) == 4 * EPISODE_FRAMES
    with pytest.raises(DataError, match="no episode is held out"):
        load_held_out_rows(pool, CHUNK, limit=10)
    unseen = replace(sources[0], held_out=4)
    assert len(load_held_out_rows(unseen, CHUNK, limit=1000)) == 4 * EPISODE_FRAMES


def test_the_experiment_decides_what_is_evaluated(central):
    evaluated = load_evaluated_rows(central)
    assert list(evaluated) == ["left", "right", "other"]
    assert all(len(rows) <= central.training.held_out_rows for rows in evaluated.values())


def test_features_come_from_the_data(sources):
    features = load_train_rows(sources, CHUNK).features
    assert (features.state_joints, features.action_joints) == (6, 6)
    assert (features.cameras, features.image_size) == ((CAMERA,), IMAGE_SIZE)


def test_clients_with_other_cameras_cannot_be_pooled(sources, tmp_path: Path):
    write_cache(tmp_path / "wrist", camera="observation.images.wrist")
    other = _source(tmp_path / "wrist", name="wrist")
    with pytest.raises(DataError, match="differ") as error:
        load_train_rows([sources[0], other], CHUNK)
    assert "observation.images.wrist" in str(error.value)
    assert str(other.cache) in str(error.value)


def test_nothing_to_train_on_is_an_error():
    with pytest.raises(DataError, match="no dataset"):
        load_train_rows([], CHUNK)


def test_a_batch_can_be_changed_without_changing_the_data(sources):
    rows = load_train_rows(sources[:1], CHUNK)
    first = rows.batch(np.arange(3))
    kept = copy.deepcopy(first)
    first.images[:] = 0
    first.state[:] = 0
    first.actions[:] = 0
    assert _same(rows.batch(np.arange(3)), kept)

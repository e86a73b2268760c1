"""Reels show the right films in the right places, and only films that belong together."""

from dataclasses import replace

import av
import numpy as np
import pytest

from fedarm.errors import ResultsError, VideoError
from fedarm.evaluation_settings import Reel, Tile
from fedarm.paths import RunPaths, read_json, write_json
from fedarm.provenance import digest_file, digest_folder
from fedarm.rollout.recording import BARE_FRAMES, open_video
from fedarm.rollout.reels import make_reels
from fedarm.settings import Run

SIDE = 64
GAP = 4
LEVELS = {("base", 0): 40, ("central", 1): 120, ("central", 2): 200}
FRAMES = {("base", 0): 10, ("central", 1): 20, ("central", 2): 15}
BARE_LEVEL = 90


def film(paths, number, *, level, frames, condition=5):
    """Write a film: brighter by 2 with each frame, then the bare scene; and its record."""
    name = f"task/videos/round_{number:04d}_episode_000"
    file = paths.rollouts / f"{name}.mp4"
    with open_video(file, size=SIDE) as writer:
        for index in range(frames):
            writer.write(np.full((SIDE, SIDE, 3), level + 2 * index, np.uint8))
        writer.write(np.full((SIDE, SIDE, 3), BARE_LEVEL, np.uint8), times=BARE_FRAMES)
    record = {
        "run": paths.root.parent.name,
        "seed": 0,
        "round": number,
        "success": True,
        "steps": frames // 3,
        "initial_conditions": "pickplace-standard-seed0-v1",
        "episode": 0,
        "initial_condition_seed": condition,
        "frames": frames + BARE_FRAMES,
        "video_sha256": digest_file(file),
    }
    write_json(file.with_suffix(".json"), record)
    entry = {"dataset": "task", "round": number, "episode": 0}
    return {**entry, "file": f"{name}.mp4", "record": f"{name}.json"}


@pytest.fixture
def reel(tmp_path):
    """A reel of the base and two rounds of the central arm, whose films are all there."""
    tiles = []
    entries = {}
    for (name, number), level in LEVELS.items():
        kind = "base" if name == "base" else "central"
        paths = RunPaths(tmp_path / "results" / name / "seed0", federated=False)
        made = film(paths, number, level=level, frames=FRAMES[name, number])
        entries.setdefault(paths.videos, []).append(made)
        tiles.append(Tile(Run(name, name, kind, 0, ("task",)), number, paths))
    for file, videos in entries.items():
        write_json(file, {"videos": videos})
    return Reel("progress_task", "task", ((tiles[0], tiles[1]), (tiles[2],)))


def frames_of(file):
    with av.open(str(file)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_films_stand_in_their_places_and_end_on_their_last_captioned_frame(reel, tmp_path):
    make_reels([reel], tmp_path / "reels")
    frames = frames_of(tmp_path / "reels" / "progress_task.mp4")
    assert len(frames) == max(FRAMES.values())
    assert frames[0].shape == (2 * SIDE + GAP, 2 * SIDE + GAP, 3)
    middles = {("base", 0): (32, 32), ("central", 1): (32, 100), ("central", 2): (100, 32)}
    for index in (0, 9, 19):
        for film_of, (row, column) in middles.items():
            last = min(index, FRAMES[film_of] - 1)
            expected = LEVELS[film_of] + 2 * last
            assert abs(int(frames[index][row, column, 0]) - expected) <= 4
        assert frames[index][100, 100].max() < 40, "no film, no picture"


def test_record_names_every_film(reel, tmp_path):
    make_reels([reel], tmp_path / "reels")
    record = read_json(tmp_path / "reels" / "progress_task.json")
    assert record["initial_conditions"] == "pickplace-standard-seed0-v1"
    assert (record["episode"], record["initial_condition_seed"]) == (0, 5)
    assert record["video_sha256"] == digest_file(tmp_path / "reels" / "progress_task.mp4")
    assert record["frames"] == 20
    places = [(tile["row"], tile["column"], tile["run"], tile["round"]) for tile in record["tiles"]]
    assert places == [(0, 0, "base", 0), (0, 1, "central", 1), (1, 0, "central", 2)]


def test_same_films_give_the_same_bytes_and_what_is_not_asked_for_is_gone(reel, tmp_path):
    make_reels([reel, replace(reel, name="arms_task")], tmp_path / "one")
    make_reels([reel], tmp_path / "two")
    make_reels([reel], tmp_path / "one")
    assert digest_folder(tmp_path / "one") == digest_folder(tmp_path / "two")


def test_many_columns_are_made_smaller_than_the_widest_picture(reel, tmp_path):
    make_reels([replace(reel, rows=(reel.rows[0] * 20,))], tmp_path / "reels")
    height, width, _ = frames_of(tmp_path / "reels" / "progress_task.mp4")[0].shape
    assert width <= 1920
    assert height == 44


def test_films_of_different_initial_conditions_are_refused(reel, tmp_path):
    paths = reel.rows[1][0].paths
    film(paths, 2, level=0, frames=3, condition=6)
    with pytest.raises(ResultsError, match=r"different initial conditions(.|\n)*round_0002"):
        make_reels([reel], tmp_path / "reels")
    assert not (tmp_path / "reels").exists()


def test_film_that_is_not_there_is_named(reel, tmp_path):
    tile = replace(reel.rows[0][0], round=7)
    with pytest.raises(ResultsError, match=r"film is missing(.|\n)*videos.json(.|\n)*7"):
        make_reels([replace(reel, rows=((tile,),))], tmp_path / "reels")


def test_film_that_cannot_be_read_is_named(reel, tmp_path):
    videos = reel.rows[0][0].paths.rollouts / "task" / "videos"
    file = videos / "round_0000_episode_000.mp4"
    file.write_bytes(file.read_bytes()[:900])
    with pytest.raises(VideoError, match="round_0000_episode_000"):
        make_reels([reel], tmp_path / "reels")
    assert [path.name for path in tmp_path.iterdir()] == ["results"]

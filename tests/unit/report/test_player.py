"""The player's films and the failures' pictures: which they are, and that none is lost silently."""

import base64
import io

import av
import numpy as np
import pytest
from PIL import Image

from fedarm.errors import VideoError
from fedarm.report.clips import shrink_film, still_frames
from fedarm.report.experiment import read_results
from fedarm.report.filmstrips import PICTURES, failure_filmstrips
from fedarm.report.player import Film, Scene, fill_player, rollout_scenes

from .fabrication import clip


def film_file(path, **settings):
    path.write_bytes(clip(**settings))
    return path


def test_films_of_a_scene_start_alike_one_an_arm(results):
    scenes = rollout_scenes(results)
    assert [scene.task for scene in scenes][:2] == ["pickplace", "stacking"]
    assert scenes[-1].task == "sorting moved camera (unseen)"
    by_file = {clip.file: clip for clip in results.clips}
    for scene in scenes:
        clips = [by_file[film.file] for film in scene.films]
        assert [clip.name for clip in clips] == list(results.settings.names)
        assert len({(clip.dataset, clip.initial_condition_seed) for clip in clips}) == 1


def test_shrunk_films_keep_their_length_and_jump_easily(tmp_path):
    small = shrink_film(film_file(tmp_path / "a.mp4", success=True, size=320, frames=45))
    assert small.seconds == pytest.approx(1.5)
    with av.open(io.BytesIO(small.mp4)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 45
    assert (frames[0].width, frames[0].height) == (240, 240)
    keys = [number for number, frame in enumerate(frames) if frame.key_frame]
    assert max(np.diff([*keys, 45])) <= 15


def test_what_has_no_room_or_is_damaged_is_named(tmp_path):
    good = film_file(tmp_path / "good.mp4", success=True)
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(good.read_bytes()[:300])
    size = len(shrink_film(good).mp4)
    scenes = [
        Scene("sorting", f"start {k}", (Film("central", True, 30, 3.0, good),)) for k in range(3)
    ]
    player = fill_player("x", scenes, room=2 * size)
    assert len(player.clips) == 2
    assert player.left_out == ("sorting, start 2",)
    broken = fill_player("x", [Scene("sorting", "start", (Film("c", True, 1, 1.0, damaged),))])
    assert broken.tasks == ()
    assert broken.damaged == ("c on sorting, start",)
    with pytest.raises(VideoError, match="not a readable video"):
        shrink_film(damaged)


def test_stills_are_of_their_moments(tmp_path):
    """The cube slides right: 140 pixels in a second."""
    file = film_file(tmp_path / "a.mp4", success=True)
    for moment, picture in zip((0.0, 0.5, 9.0), still_frames(file, (0.0, 0.5, 9.0)), strict=True):
        red = (picture[150, :, 0] > 150) & (picture[150, :, 2] < 90)
        left = 20 + 140 * min(round(30 * moment), 29) / 30
        assert np.flatnonzero(red)[0] == pytest.approx(left, abs=4)


def test_filmstrips_show_failures_only(results, settings):
    strips = failure_filmstrips(results)
    assert [strip.dataset for strip in strips] == list(settings.datasets)
    filmed = {clip.dataset for clip in results.clips if clip.name == "fedprox" and not clip.success}
    assert {strip.dataset for strip in strips if strip.clip is not None} == filmed
    assert filmed
    for strip in strips:
        if strip.clip is not None:
            assert not strip.clip.success
            assert strip.moments_s[-1] == strip.clip.duration_s
            picture = Image.open(io.BytesIO(base64.b64decode(strip.jpeg)))
            assert picture.width == PICTURES * picture.height


def test_a_missing_film_of_a_failure_is_a_gap_and_no_error(small):
    strips = failure_filmstrips(read_results(small))
    assert len(strips) == 3
    assert {strip.clip for strip in strips} == {None}

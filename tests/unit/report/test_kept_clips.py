"""Shrunk films that are kept: the same film is encoded once, and nothing else depends on the cache."""

import pytest

from fedarm.errors import VideoError
from fedarm.report import kept_clips
from fedarm.report.clips import shrink_film
from fedarm.report.kept_clips import small_film

from .fabrication import clip


@pytest.fixture
def encoded(monkeypatch, tmp_path):
    """Return the list of films that were encoded, with a cache of their own."""
    monkeypatch.setenv("FEDARM_CACHE", str(tmp_path / "cache"))
    found = []
    monkeypatch.setattr(
        kept_clips, "shrink_film", lambda file: found.append(file.name) or shrink_film(file)
    )
    return found


def films(folder, **lengths):
    for name, frames in lengths.items():
        (folder / name).write_bytes(clip(success=True, size=64, frames=frames))
    return [folder / name for name in lengths]


def test_the_same_film_is_encoded_once(encoded, tmp_path):
    one, same, other = films(tmp_path, one=20, same=20, other=10)
    first = small_film(one)
    assert first == shrink_film(one)
    assert small_film(same) == first
    assert small_film(other).seconds == pytest.approx(1 / 3)
    assert encoded == ["one", "other"]


def test_another_recipe_is_another_film(encoded, tmp_path, monkeypatch):
    (one,) = films(tmp_path, one=10)
    small_film(one)
    monkeypatch.setattr(kept_clips, "RECIPE", ["another"])
    small_film(one)
    assert encoded == ["one", "one"]


def test_the_longest_unused_go(encoded, tmp_path, monkeypatch):
    monkeypatch.setattr(kept_clips, "KEPT_CLIPS", 2)
    one, two, three = films(tmp_path, one=4, two=5, three=6)
    for file in (one, two, one, three, one, two):
        small_film(file)
    assert encoded == ["one", "two", "three", "two"]
    assert len(list((tmp_path / "cache" / "clips").iterdir())) == 2


def test_a_damaged_or_missing_cache_is_no_error(encoded, tmp_path, monkeypatch):
    (one,) = films(tmp_path, one=10)
    whole = small_film(one)
    (kept,) = (tmp_path / "cache" / "clips").iterdir()
    kept.write_bytes(whole.mp4[:50])
    assert small_film(one) == whole
    (tmp_path / "file").touch()
    monkeypatch.setenv("FEDARM_CACHE", str(tmp_path / "file"))
    assert small_film(one) == whole
    assert encoded == ["one"] * 3


def test_what_is_wrong_with_a_film_is_said_each_time(encoded, tmp_path):
    for _ in range(2):
        with pytest.raises(VideoError, match="not a readable video"):
            small_film(tmp_path / "missing.mp4")

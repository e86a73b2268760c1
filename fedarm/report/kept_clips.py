"""Films for the page that were shrunk before: nothing in a report takes longer than to encode them.

They are kept in the cache folder under a digest of the film and of how it is shrunk, so nothing goes out
of date: another film has another name.
"""

from __future__ import annotations

from pathlib import Path

from av import __version__ as pyav_version
from av import library_versions

from fedarm.errors import ResultsError, VideoError
from fedarm.logging import get_logger
from fedarm.paths import cache_folder, write_atomic
from fedarm.provenance import digest_file, digest_value
from fedarm.report.clips import RECIPE, SmallFilm, read_small_film, shrink_film

# The films of some twenty experiments, about 60 MB.
KEPT_CLIPS = 1000


def small_film(file: Path) -> SmallFilm:
    """Return a film shrunk for the page, from the cache where the same film was shrunk before.

    Raises:
        VideoError: It cannot be read.
    """
    kept = _kept_as(file)
    try:
        small = read_small_film(kept)
        kept.touch()
    except (VideoError, OSError):
        small = shrink_film(file)
        _keep(small, kept)
    return small


def _kept_as(file: Path) -> Path:
    try:
        film = digest_file(file)
    except OSError:
        # What is wrong with it, `shrink_film` says.
        film = "unreadable"
    name = digest_value([film, RECIPE, pyav_version, library_versions])
    return cache_folder() / "clips" / f"{name}.mp4"


def _keep(small: SmallFilm, kept: Path) -> None:
    try:
        write_atomic(kept, small.mp4)
        newest_first = sorted(
            kept.parent.glob("*.mp4"), key=lambda file: file.stat().st_mtime_ns, reverse=True
        )
        for old in newest_first[KEPT_CLIPS:]:
            old.unlink()
    except (ResultsError, OSError) as error:
        # A full disk, or another report that tidies up: the film itself is there.
        get_logger(__name__).info("a shrunk film is not kept: %s", error)

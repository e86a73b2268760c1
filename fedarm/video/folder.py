"""The videos of a folder, whoever made them."""

from __future__ import annotations

from pathlib import Path

from fedarm.errors import VideoError
from fedarm.video.container import has_mp4_head, video_suffixes


def find_videos(path: Path) -> tuple[list[Path], Path]:
    """Return the videos below a folder, or a file alone, and the folder that names are relative to.

    A video is what has a video's ending, or what begins as an MP4 does under another one. Hidden files
    and folders are left out: they are copies under way.

    Raises:
        VideoError: There is no such path, it cannot be read, or there is no video in it.
    """
    if path.is_file():
        return [path], path.parent
    remedy = "give a folder with MP4 files, or a file"
    if not path.is_dir():
        raise VideoError("no such file or folder", file=path, remedy=remedy)
    found = []
    try:
        for file in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
            if not hidden and file.is_file() and _is_video(file):
                found.append(file)
    except OSError as error:
        raise VideoError(f"cannot read: {error.strerror}", file=path, remedy=remedy) from None
    if not found:
        raise VideoError("no video here", file=path, remedy=remedy)
    return found, path


def _is_video(file: Path) -> bool:
    return file.suffix.lower() in video_suffixes() or has_mp4_head(file)

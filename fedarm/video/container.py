"""What a file's own layout says, before a frame of it is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

# FFmpeg's names of containers, and the endings that files of that kind have.
_SUFFIXES = {
    "mp4": (".mp4", ".m4v", ".mov", ".3gp"),
    "matroska": (".mkv", ".webm"),
    "webm": (".webm", ".mkv"),
    "avi": (".avi",),
}

# A box's length and its kind; then, where the length is 1, the length in 64 bits.
_HEAD_BYTES = 8
_LONG_HEAD_BYTES = 16


def video_suffixes() -> frozenset[str]:
    """Return the endings of files that are taken for videos."""
    return frozenset(suffix for suffixes in _SUFFIXES.values() for suffix in suffixes)


def is_misnamed(file: Path, container: str) -> bool:
    """Return whether a file's ending belongs to another container than the one it is in.

    Args:
        file: The file.
        container: FFmpeg's names of what it is, `mov,mp4,m4a,3gp,3g2,mj2` for example.
    """
    known = {suffix for name in container.split(",") for suffix in _SUFFIXES.get(name, ())}
    # Of a container that is not listed here no ending is known, only that these are not its own.
    return (
        (file.suffix.lower() not in known) if known else (file.suffix.lower() in video_suffixes())
    )


def has_mp4_head(file: Path) -> bool:
    """Return whether a file begins as an MP4 does, whatever its name."""
    with file.open("rb") as stream:
        return stream.read(_HEAD_BYTES)[4:] == b"ftyp"


def is_cut_off(file: Path) -> bool:
    """Return whether an MP4 ends before its boxes do: a copy or a recording that was interrupted.

    Where the index comes last it is then missing, and a decoder says only that the data is invalid.

    Source:
        ISO/IEC 14496-12, section 4.2: a file is a sequence of boxes that begin with their length.
    """
    if not has_mp4_head(file):
        return False
    kinds = []
    size = file.stat().st_size
    for kind, end in _boxes(file, size):
        kinds.append(kind)
        if end > size:
            return True
    return b"moov" not in kinds


def _boxes(file: Path, size: int) -> Iterator[tuple[bytes, int]]:
    """Yield the kind of each top-level box and where it ends."""
    start = 0
    with file.open("rb") as stream:
        while start < size:
            stream.seek(start)
            head = stream.read(_LONG_HEAD_BYTES)
            if len(head) < _HEAD_BYTES:
                yield b"", size + 1
                return
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[_HEAD_BYTES:], "big")
            elif length == 0:
                # The last box may run to the end of the file without saying how long it is.
                length = size - start
            if length < _HEAD_BYTES:
                return
            start += length
            yield head[4:_HEAD_BYTES], start

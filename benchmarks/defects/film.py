"""A dataset's videos, decoded whole and written again with the recorder's own settings."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from .tables import EPISODES_FILE, read_info, read_table

Frames = NDArray[np.uint8]


def camera_keys(folder: Path) -> list[str]:
    features = read_info(folder)["features"]
    return [key for key, feature in features.items() if feature["dtype"] == "video"]


def video_file(folder: Path, camera: str | None = None) -> str:
    """Return the path of a camera's first video below the folder."""
    return f"videos/{camera or camera_keys(folder)[0]}/chunk-000/file-000.mp4"


def decode(file: Path) -> Frames:
    """Return a video's frames `(frame, height, width, 3)`."""
    with av.open(str(file)) as container:
        return np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])


def encode(file: Path, frames: Frames, *, fps: float, crf: int = 18) -> None:
    """Write frames as the lab's recorder does: h264, constant rate, a key frame every other frame."""
    with av.open(str(file), "w") as container:
        options = {"crf": str(crf), "preset": "ultrafast", "g": "2", "threads": "1"}
        rate = Fraction(fps).limit_denominator(1000)
        stream: Any = container.add_stream("h264", rate=rate, options=options)
        stream.pix_fmt = "yuv420p"
        stream.height, stream.width = frames.shape[1:3]
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))


def edit_frames(folder: Path, change: Callable[[Frames], Frames | None]) -> str:
    """Change the frames of the dataset's first video and return its path below the folder."""
    name = video_file(folder)
    frames = decode(folder / name)
    changed = change(frames)
    encode(folder / name, frames if changed is None else changed, fps=read_info(folder)["fps"])
    return name


def span(folder: Path, episode: int) -> tuple[int, int]:
    """Return the first frame of an episode in its video and the one after its last."""
    table = read_table(folder / EPISODES_FILE)
    camera, fps = camera_keys(folder)[0], read_info(folder)["fps"]
    ends = [
        table[f"videos/{camera}/{name}_timestamp"].to_pylist()[episode] for name in ("from", "to")
    ]
    return round(ends[0] * fps), round(ends[1] * fps)

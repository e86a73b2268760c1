"""Failures in five pictures: one filmed failure of each federated arm on each task."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fedarm.errors import VideoError
from fedarm.report.clips import still_frames
from fedarm.report.experiment import ExperimentResults
from fedarm.report.videos import Clip

PICTURES = 5
_SIDE_PX = 160
_QUALITY = 72


@dataclass(frozen=True)
class Filmstrip:
    """A failed rollout in five pictures, evenly spread from its start to the horizon.

    Attributes:
        name: The run's name.
        dataset: The dataset whose task it is.
        clip: The film; None when none of a failure was made, or none can be read.
        moments_s: Seconds of the pictures.
        jpeg: The pictures side by side, in base64.
    """

    name: str
    dataset: str
    clip: Clip | None = None
    moments_s: tuple[float, ...] = ()
    jpeg: str = ""


def failure_filmstrips(results: ExperimentResults) -> tuple[Filmstrip, ...]:
    """Return a strip for each candidate and task, of the first seed and episode that failed on film."""
    settings = results.settings
    return tuple(
        _strip(name, dataset, results.clips)
        for name in settings.candidates
        for dataset in settings.datasets
    )


def _strip(name: str, dataset: str, clips: Iterable[Clip]) -> Filmstrip:
    failures = [
        clip for clip in clips if (clip.name, clip.dataset, clip.success) == (name, dataset, False)
    ]
    for clip in sorted(failures, key=lambda clip: (clip.seed, clip.episode)):
        moments = tuple(float(each) for each in np.linspace(0, clip.duration_s, PICTURES))
        try:
            pictures = still_frames(clip.file, moments)
        except VideoError:
            continue
        strip = np.concatenate([_shrink(picture) for picture in pictures], axis=1)
        return Filmstrip(name, dataset, clip, moments, _jpeg(strip))
    return Filmstrip(name, dataset)


def _shrink(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    size = (_SIDE_PX, max(1, round(_SIDE_PX * height / width)))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))


def _jpeg(picture: NDArray[np.uint8]) -> str:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=_QUALITY)
    return base64.b64encode(file.getvalue()).decode()

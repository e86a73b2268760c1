"""Checks of a dataset's videos against a decode of every frame."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from fedarm.data.checks.finding import Evidence, check
from fedarm.data.checks.subject import Subject
from fedarm.data.decoding import span_frames


@check(
    "video_decodes",
    severity="error",
    measures="whether every declared video can be decoded to its end",
    remedy="download or record the file again",
)
def find_video_decodes(subject: Subject) -> Iterator[Evidence]:
    """Find videos that are missing or damaged."""
    for file, video in subject.videos.items():
        if video.error is not None:
            yield Evidence(video.error, column=file)


@check(
    "frame_count",
    severity="error",
    measures="frames decoded, frames that the episodes' video spans cover, and rows",
    remedy="download or record the file again, or drop the episodes that it concerns",
)
def find_frame_count(subject: Subject) -> Iterator[Evidence]:
    """Compare spans with episode lengths, and decoded frames with spans."""
    dataset = subject.dataset
    covered: dict[str, int] = defaultdict(int)
    for episode in dataset.episodes:
        for camera, span in episode.videos.items():
            frames = len(span_frames(span, dataset.info.fps))
            covered[span.file] += frames
            if frames != episode.length:
                yield Evidence(
                    f"the episode is {episode.length} rows long, its video span {frames} frames",
                    episode=episode.index,
                    column=camera,
                    value=frames,
                )
    for file, video in subject.videos.items():
        if video.error is None and video.frames != covered[file]:
            yield Evidence(
                f"{video.frames} frames decoded, the episodes declare {covered[file]}",
                column=file,
                value=video.frames,
            )

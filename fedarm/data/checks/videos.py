"""Checks of the videos as files: do they decode, do they hold what the metadata declares?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fedarm.data.checks.finding import Evidence, check
from fedarm.data.checks.subject import Clip, Subject
from fedarm.data.dataset import VideoSpan
from fedarm.data.decoding import span_frames

_RATE_TOLERANCE = 0.01
# LeRobot's reader takes the frame nearest to from_timestamp + timestamp and raises beyond 1e-4 s.
_DRIFT_S = 1e-4


@check(
    "video_decodes",
    severity="error",
    measures="whether every declared video can be decoded to its end",
    remedy="download or record the file again, or drop its episodes (hotfix drop_episodes)",
    same_as=("lerobot-doctor videos", "lerobot-quality-gates video"),
    needs="metadata",
)
def find_video_decodes(subject: Subject) -> Iterator[Evidence]:
    """Find videos that are missing or damaged, and the episode in which the damage begins."""
    for file, video in subject.videos.items():
        if video.error is None:
            continue
        hit = _cut_short(subject, file)
        yield Evidence(
            video.error,
            episode=hit[0].episode.index if hit else None,
            frame=hit[0].span.stop - hit[0].span.start if hit else None,
            column=file,
            value=video.frames,
        )


@check(
    "frame_count",
    severity="error",
    measures="frames decoded, frames that the episodes' video spans cover, and rows",
    remedy="download or record the file again, or drop the episodes that it concerns "
    "(hotfix drop_episodes)",
    same_as=("lerobot-lint VIDEO_LENGTH_MISMATCH", "lerobot-doctor videos"),
    needs="metadata",
)
def find_frame_count(subject: Subject) -> Iterator[Evidence]:
    """Compare spans with episode lengths, and decoded frames with spans."""
    fps = subject.dataset.info.fps
    for episode in subject.dataset.episodes:
        for camera, span in episode.videos.items():
            frames = len(span_frames(span, fps))
            if frames != episode.length:
                yield Evidence(
                    f"the episode is {episode.length} rows long, its video span {frames} frames",
                    episode=episode.index,
                    column=camera,
                    value=frames,
                )
    for file, video in subject.videos.items():
        covered = sum(len(span_frames(span, fps)) for _, span in _spans(subject, file))
        if video.error is None and video.frames != covered:
            cut = _cut_short(subject, file)
            yield Evidence(
                f"{video.frames} frames decoded, the episodes declare {covered}",
                episode=cut[0].episode.index if cut else None,
                column=file,
                value=video.frames,
            )


@check(
    "span_drift",
    severity="error",
    measures="whether each episode's video span begins on a frame, right after the one before",
    remedy="compute the spans from the content (hotfix mend_pointers)",
    same_as=("deepen-grade hygiene.cross_modal_sync",),
    needs="metadata",
)
def find_span_drift(subject: Subject) -> Iterator[Evidence]:
    """Find spans off the frames' times, and gaps and overlaps between the spans of a file."""
    fps = subject.dataset.info.fps
    for file in subject.videos:
        end_s = 0.0
        for index, span in _spans(subject, file):
            off_s = abs(span.from_s - round(span.from_s * fps) / fps)
            begin, end = round(span.from_s * fps), round(end_s * fps)
            if off_s > _DRIFT_S:
                message = f"from_timestamp is {off_s:.6f} s off a frame"
            elif begin != end:
                message = (
                    f"the span begins at frame {begin} of the file, the one before ends at {end}"
                )
            elif abs(span.from_s - end_s) > _DRIFT_S:
                message = f"the span before ends {end_s - span.from_s:+.6f} s from this one's begin"
            else:
                message = ""
            if message:
                yield Evidence(
                    message,
                    episode=index,
                    frame=0,
                    column=f"{file} from_timestamp",
                    value=span.from_s,
                )
            end_s = span.to_s


@check(
    "video_rate",
    severity="error",
    measures="rate, size, codec and frame times of the videos against meta/info.json",
    remedy="correct_fps when the rate in meta/info.json is wrong; otherwise download or record again",
    same_as=("lerobot-doctor videos", "lerobot-lint FPS_MISMATCH"),
    needs="metadata",
)
def find_video_rate(subject: Subject) -> Iterator[Evidence]:
    """Compare each stream with what is declared of its camera."""
    info = subject.dataset.info
    for episode_file, camera in _files(subject):
        video = subject.videos[episode_file]
        if not video.codec:
            continue
        if abs(video.fps - info.fps) > _RATE_TOLERANCE * info.fps:
            message = f"{video.fps:g} frames/s, meta/info.json says {info.fps:g}"
            yield Evidence(message, column=episode_file, value=round(video.fps, 4))
        height, width, _ = info.image_shapes[camera]
        if (video.height, video.width) != (height, width):
            message = f"{video.width} x {video.height} pixels, declared are {width} x {height}"
            yield Evidence(message, column=episode_file, value=f"{video.width}x{video.height}")
        declared = _declared_codec(subject, camera)
        if declared and declared != video.codec:
            message = f"the codec is {video.codec}, declared is {declared}"
            yield Evidence(message, column=episode_file, value=video.codec)
        gaps = np.diff(video.times)
        usual = np.median(gaps) if len(gaps) else 0.0
        uneven = np.flatnonzero(np.abs(gaps - usual) > 0.5 / info.fps)
        for frame in uneven:
            yield Evidence(
                f"frame {frame + 1} of the file comes {gaps[frame]:.4f} s after the one before",
                episode=_episode_at(subject, episode_file, int(frame) + 1),
                column=episode_file,
                value=round(float(gaps[frame]), 6),
            )


def _spans(subject: Subject, file: str) -> list[tuple[int, VideoSpan]]:
    found = [
        (episode.index, span)
        for episode in subject.dataset.episodes
        for span in episode.videos.values()
        if span.file == file
    ]
    return sorted(found, key=lambda pair: (pair[1].from_s, pair[0]))


def _files(subject: Subject) -> list[tuple[str, str]]:
    pairs = {
        (span.file, camera)
        for episode in subject.dataset.episodes
        for camera, span in episode.videos.items()
    }
    return sorted(pairs)


def _declared_codec(subject: Subject, camera: str) -> str | None:
    feature = subject.raw_info.get("features", {}).get(camera, {})
    for key in ("info", "video_info"):
        codec = (feature.get(key) or {}).get("video.codec")
        if isinstance(codec, str):
            return {"avc1": "h264", "libx264": "h264", "libsvtav1": "av1", "hvc1": "hevc"}.get(
                codec, codec
            )
    return None


def _episode_at(subject: Subject, file: str, frame: int) -> int | None:
    for clip in subject.clips:
        if clip.file == file and clip.span.start <= frame < clip.span.stop:
            return clip.episode.index
    return None


def _cut_short(subject: Subject, file: str) -> list[Clip]:
    """Return the episodes' parts of a file that lack frames."""
    clips = [clip for clip in subject.clips if clip.file == file]
    return [clip for clip in clips if clip.span.stop - clip.span.start < clip.episode.length]

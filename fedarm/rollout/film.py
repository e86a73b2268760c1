"""One filmed episode: the scene at 30 frames/s with the policy's plan over it, and a record beside it.

The record, `<video>.json`, schema version 1:

    arm, run, seed, round, checkpoint_sha256            who acted
    dataset, task, variant, episode,
    initial_condition_seed                              where, and from what
    success, steps, duration_s                          how it went, by the environment's own flag
    policy_loss         held-out loss of this checkpoint on this dataset; null where the run has none
    fps, frames, video_sha256
    final_frame_check   what the last frame should show after a success: colours and relation

An episode is followed by half a second with its outcome in words and half a second of the bare scene, so
that who watches can read the one and who judges the last frame by its colours meets no overlay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedarm.rollout.captions import GREEN, GREY, WHITE, scrim, text_layer
from fedarm.rollout.closed_loop import EpisodeResult, Joints
from fedarm.rollout.layers import Colour, Layer, blend
from fedarm.rollout.overlay import (
    PlannedPath,
    densify,
    dot_layer,
    gripper_layer,
    path_layer,
    plan_path,
)
from fedarm.rollout.recording import VIDEO_FPS, VideoWriter
from fedarm.sim.scene import Scene
from fedarm.sim.simulation import Simulation

SCHEMA_VERSION = 1

_OUTCOME_FRAMES = VIDEO_FPS // 2
_BARE_FRAMES = VIDEO_FPS // 2


@dataclass(frozen=True)
class Title:
    """What a film's captions say.

    Attributes:
        run: Whose policy acts.
        round: Which checkpoint.
        seed: The training seed.
        dataset: Where.
    """

    run: str
    round: int
    seed: int
    dataset: str


class Film:
    """Watches an episode and writes what it sees; an observer of `closed_loop.roll_out`.

    Args:
        writer: Where frames go.
        scene: The scene, for the way from joints to pixels.
        title: What the captions say.
        size: Side of the frames, in pixels.
        n_action_steps: Actions executed before the policy looks again.
        frames_a_step: Frames a control step.
    """

    def __init__(
        self,
        writer: VideoWriter,
        scene: Scene,
        *,
        title: Title,
        size: int,
        n_action_steps: int,
        frames_a_step: int,
    ) -> None:
        self._writer = writer
        self._scene = scene
        self._size = size
        self._n_action_steps = n_action_steps
        self._frames_a_step = frames_a_step
        self._headings = _headings(title, size)
        self._plan: _Plan | None = None
        self._layers_of_step: tuple[Layer, ...] = ()
        self._frames = 0
        self._first_frame_of_plan = 0

    def on_look(self, simulation: Simulation, chunk: Joints) -> None:
        """Put a new plan into the picture."""
        joints = np.concatenate([simulation.state()[None], chunk])
        points = self._scene.project(self._scene.tool_positions(densify(joints)), self._size)
        path = plan_path(points, executed=self._n_action_steps, size=self._size)
        self._plan = _Plan(path, chunk[:, -1])
        self._first_frame_of_plan = self._frames

    def on_frame(self, simulation: Simulation) -> None:
        """Film one frame."""
        frames_of_plan = self._frames - self._first_frame_of_plan
        if frames_of_plan % self._frames_a_step == 0:
            self._layers_of_step = self._draw_step(frames_of_plan // self._frames_a_step)
        layers = [*self._layers_of_step]
        if self._plan is not None:
            # The frame shows the end of its thirtieth of a second.
            step = (frames_of_plan + 1) / self._frames_a_step
            layers.append(dot_layer(self._plan.path, step=step, size=self._size))
        self._writer.write(blend(simulation.render(self._size), layers))
        self._frames += 1

    def on_end(self, simulation: Simulation, result: EpisodeResult) -> None:
        """Film the outcome, then the bare scene."""
        frame = simulation.render(self._size)
        words, colour = ("success", GREEN) if result.success else ("no success", WHITE)
        status = self._status(f"{words}, step {result.steps}", colour=colour)
        self._writer.write(blend(frame, [*self._headings, status]), times=_OUTCOME_FRAMES)
        self._writer.write(frame, times=_BARE_FRAMES)

    def _draw_step(self, step_of_plan: int) -> tuple[Layer, ...]:
        """Return what stays the same for a control step."""
        status = self._status(f"step {self._frames // self._frames_a_step + 1}")
        layers = (*self._headings, status)
        return layers if self._plan is None else (*self._plan.draw(step_of_plan, self._size), *layers)

    def _status(self, text: str, *, colour: Colour = WHITE) -> Layer:
        return text_layer(text, size=self._size, line=1, right=True, colour=colour)


@dataclass(frozen=True)
class _Plan:
    """A predicted chunk of actions as it is drawn.

    Attributes:
        path: The tool's way.
        gripper: `(action,)`, percent open.
    """

    path: PlannedPath
    gripper: NDArray[np.float32]

    def draw(self, step: int, size: int) -> tuple[Layer, Layer]:
        """Return the plan at a control step since the policy looked."""
        bars = gripper_layer(self.gripper, executed=self.path.executed, step=step, size=size)
        return path_layer(self.path, step=step, size=size), bars


def film_record(
    labels: Mapping[str, Any],
    result: EpisodeResult,
    *,
    duration_s: float,
    final_frame_check: Mapping[str, Any],
    policy_loss: float | None,
    frames: int,
    video_sha256: str,
) -> dict[str, Any]:
    """Return the record of a filmed episode.

    Args:
        labels: Who acted and where.
        result: How it went.
        duration_s: The episode's duration; the video's second of outcome comes on top.
        final_frame_check: What the last frame should show after a success.
        policy_loss: The checkpoint's held-out loss on the dataset, where it is known.
        frames: The video's frames.
        video_sha256: The video's digest.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        **labels,
        "episode": result.episode,
        "initial_condition_seed": result.seed,
        "success": result.success,
        "steps": result.steps,
        "duration_s": duration_s,
        "policy_loss": policy_loss,
        "fps": VIDEO_FPS,
        "frames": frames,
        "video_sha256": video_sha256,
        "final_frame_check": dict(final_frame_check),
    }


def _headings(title: Title, size: int) -> tuple[Layer, ...]:
    """Return the captions that stay the same for the whole film."""
    checkpoint = f"round {title.round}  seed {title.seed}"
    return (
        scrim(size),
        text_layer(title.run, size=size),
        text_layer(checkpoint, size=size, right=True, colour=GREY),
        text_layer(title.dataset, size=size, line=1, colour=GREY),
    )

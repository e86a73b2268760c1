"""One filmed episode: the scene at 30 frames/s with the policy's plan over it, and a record beside it.

The record, `<video>.json`, schema version 1:

    arm, run, seed, round, checkpoint_sha256            who acted
    dataset, task, variant                              where
    initial_conditions, episode, initial_condition_seed from what: the list, the entry in it, its seed
    success, steps, duration_s                          how it went, by the environment's own flag
    policy_loss         held-out loss of this checkpoint on this dataset; null where the run has none
    fps, frames, video_sha256
    final_frame_check   what the last frame should show after a success: colours and relation
    actions             what was executed: `rate_hz`, `names` of joints, and `values` (step, joint) in
                        degrees and percent; the first command begins with the first frame

After a success the arm goes on for 0.8 s with what the policy had predicted, so that it no longer hides
the object; a failure stands still for half a second. Then comes half a second of the bare scene, for
those who judge the last frame by its colours. None of this counts for the episode's result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedarm.provenance import digest_file
from fedarm.rollout.captions import GREEN, GREY, WHITE, plate, scrim, text_layer
from fedarm.rollout.closed_loop import EpisodeResult, Joints
from fedarm.rollout.layers import Colour, Layer, blend, flatten
from fedarm.rollout.overlay import (
    PlannedPath,
    densify,
    dot_layers,
    gripper_layer,
    path_layer,
    plan_path,
)
from fedarm.rollout.recording import BARE_FRAMES, VIDEO_FPS, VideoWriter
from fedarm.sim.scene import Scene
from fedarm.sim.simulation import FRAMES_A_STEP, Simulation
from fedarm.sim.tasks import CONTROL_FPS, JOINTS

SCHEMA_VERSION = 1

_STEPS_AFTER_SUCCESS = 8
_OUTCOME_FRAMES = VIDEO_FPS // 2


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
    """

    def __init__(
        self,
        writer: VideoWriter,
        scene: Scene,
        *,
        title: Title,
        size: int,
        n_action_steps: int,
    ) -> None:
        self.writer = writer
        self.final_frame_check: Mapping[str, Any] = {}
        self.actions: Joints = np.empty((0, len(JOINTS)), np.float32)
        self._scene = scene
        self._size = size
        self._n_action_steps = n_action_steps
        self._headings = _headings(title, size)
        self._layers_of_step: tuple[Layer, ...] = ()
        self._frames = 0
        # The policy looks before the first frame.
        self._plan: _Plan

    def on_look(self, simulation: Simulation, chunk: Joints) -> None:
        """Put a new plan into the picture."""
        joints = np.concatenate([simulation.state()[None], chunk])
        points = self._scene.project(self._scene.tool_positions(densify(joints)), self._size)
        path = plan_path(points, executed=self._n_action_steps, size=self._size)
        # A frame shows the end of its thirtieth of a second.
        ends = np.arange(1, self._n_action_steps * FRAMES_A_STEP + 1) / FRAMES_A_STEP
        dots = dot_layers(path, steps=ends, size=self._size)
        self._plan = _Plan(chunk, path, dots, first_frame=self._frames)
        self.actions = np.concatenate([self.actions, chunk[: self._n_action_steps]])

    def on_frame(self, simulation: Simulation) -> None:
        """Film one frame."""
        frames_of_plan = self._frames - self._plan.first_frame
        step, part = divmod(frames_of_plan, FRAMES_A_STEP)
        if part == 0:
            status = self._status(f"step {self._frames // FRAMES_A_STEP + 1}")
            self._layers_of_step = (*self._plan.draw(step, self._size), self._headings, status)
        dot = self._plan.dots[frames_of_plan]
        frame = simulation.render(self._size)
        self.writer.write(blend(frame, [*self._layers_of_step, dot]))
        self._frames += 1

    def on_end(self, simulation: Simulation, result: EpisodeResult) -> None:
        """Film what comes of it, then the bare scene."""
        self.actions = self.actions[: result.steps]
        if result.success:
            layers = [self._headings, self._status(f"success, step {result.steps}", colour=GREEN)]
            for action in self._actions_left():
                simulation.step(
                    action,
                    on_frame=lambda sim: self.writer.write(blend(sim.render(self._size), layers)),
                )
        frame = simulation.render(self._size)
        if not result.success:
            layers = [self._headings, self._status("no success")]
            self.writer.write(blend(frame, layers), times=_OUTCOME_FRAMES)
        self.writer.write(frame, times=BARE_FRAMES)
        self.final_frame_check = simulation.final_frame_check()

    def _actions_left(self) -> Joints:
        """Return what the policy would have done next, `(step, joint)`; the last action is held."""
        done = (self._frames - self._plan.first_frame) // FRAMES_A_STEP
        steps = np.arange(done, done + _STEPS_AFTER_SUCCESS)
        return np.take(self._plan.chunk, steps, axis=0, mode="clip")

    def _status(self, text: str, *, colour: Colour = WHITE) -> Layer:
        return text_layer(text, size=self._size, line=1, right=True, colour=colour)


@dataclass(frozen=True)
class _Plan:
    """A predicted chunk of actions and how it is drawn.

    Attributes:
        chunk: `(step, joint)`, degrees and percent.
        path: The tool's way.
        dots: Where the tool should be, a layer a frame.
        first_frame: The film's frame with which it begins.
    """

    chunk: Joints
    path: PlannedPath
    dots: list[Layer]
    first_frame: int

    def draw(self, step: int, size: int) -> tuple[Layer, ...]:
        """Return the plan at a control step since the policy looked."""
        gripper = self.chunk[:, -1]
        bars = gripper_layer(gripper, executed=self.path.executed, step=step, size=size)
        label = plate(
            "gripper", size=size, top=bars.top, left=bars.left, height=bars.alpha.shape[0]
        )
        return path_layer(self.path, step=step, size=size), label, bars


def film_record(
    film: Film, labels: Mapping[str, Any], *, policy_loss: float | None
) -> dict[str, Any]:
    """Return the record of a film that is finished and closed.

    Args:
        film: The film.
        labels: Who acted, where, and how it went.
        policy_loss: The checkpoint's held-out loss on the dataset, where it is known.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        **labels,
        "policy_loss": policy_loss,
        "fps": VIDEO_FPS,
        "frames": film.writer.frames,
        "video_sha256": digest_file(film.writer.file),
        "final_frame_check": dict(film.final_frame_check),
        "actions": {
            "rate_hz": CONTROL_FPS,
            "names": list(JOINTS),
            # A thousandth of a degree is less than any servo can do.
            "values": np.round(film.actions.astype(np.float64), 3).tolist(),
        },
    }


def _headings(title: Title, size: int) -> Layer:
    """Return the captions that stay the same for the whole film."""
    checkpoint = f"round {title.round}  seed {title.seed}"
    parts = (
        scrim(size),
        text_layer(title.run, size=size),
        text_layer(checkpoint, size=size, right=True, colour=GREY),
        text_layer(title.dataset, size=size, line=1, colour=GREY),
    )
    return flatten(parts)

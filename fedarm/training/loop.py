"""The training loop that every arm shares: the steps of one client in one round.

Central training is one client that has all the rows, for one round. Nothing here knows which arm it
serves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fedarm.errors import CheckpointError, FedarmError
from fedarm.policies.language import reader_of
from fedarm.policies.normalization import Normalizer, Statistics, network_statistics
from fedarm.provenance import derive_seed
from fedarm.settings import TrainSettings
from fedarm.training.batches import BatchOrder
from fedarm.training.control_variate import ControlVariate
from fedarm.training.device import compute_in
from fedarm.training.inputs import policy_inputs
from fedarm.training.proximal import ProximalTerm
from fedarm.training.rows import TrainRows
from fedarm.training.schedules import lr_share

if TYPE_CHECKING:
    from lerobot.policies.pretrained import PreTrainedPolicy

# How the names of the optimizer's moments begin, among other arrays.
OPTIMIZER_PREFIX = "optimizer/"


class DivergenceError(FedarmError):
    """The loss became NaN or infinite."""


@dataclass(frozen=True)
class StepLosses:
    """What some steps did, as means over them.

    Attributes:
        policy_loss: The policy's own loss.
        proximal_term: The proximal term, 0 without one.
        samples: Samples seen.
        update_norm: L2 norm of the change of the trainable parameters.
    """

    policy_loss: float
    proximal_term: float
    samples: int
    update_norm: float


class LocalTrainer:
    """Trains a policy, in place, on one client's rows for one round, with a fresh AdamW or plain SGD.

    Args:
        policy: The policy, at the global weights and on the device to train on.
        rows: The client's rows.
        settings: Optimizer, schedule, batch size and seeds.
        statistics: What inputs and actions are normalised with.
        clients: Whose rows they are; part of the seeds.
        round_number: The round, counted from 1.
        rounds: Rounds in all.
        steps: Steps in this round.
        mu: Weight of the proximal term; 0 for none.
        control: Control variates that correct the gradients.
        sgd: Whether to make the steps with SGD, which has no moments.
        lr: The learning rate, if not that of the settings.
        lr_factor: What the schedule's learning rate is multiplied by.

    Attributes:
        lr_factor: As above; may change between calls of `run`.
    """

    def __init__(
        self,
        policy: PreTrainedPolicy,
        rows: TrainRows,
        *,
        settings: TrainSettings,
        statistics: Statistics,
        clients: tuple[str, ...],
        round_number: int,
        rounds: int,
        steps: int,
        mu: float = 0.0,
        control: ControlVariate | None = None,
        sgd: bool = False,
        lr: float | None = None,
        lr_factor: float = 1.0,
    ) -> None:
        self.lr_factor = lr_factor
        self._policy = policy
        self._rows = rows
        self._training = settings.training
        self._device = next(policy.parameters()).device
        self._normalizer = Normalizer(
            network_statistics(policy, statistics), cameras=rows.cameras, device=self._device
        )
        self._reader = reader_of(policy)
        self._seed_parts = (settings.run.seed, "+".join(clients), round_number)
        self._experiment_seed = settings.experiment_seed
        self._order = BatchOrder(
            len(rows),
            settings.training.batch_size,
            experiment_seed=settings.experiment_seed,
            run_seed=settings.run.seed,
            clients=clients,
            round_number=round_number,
        )
        self._round = {"round_number": round_number, "rounds": rounds, "steps": steps}
        self._named = trainable_parameters(policy)
        self._parameters = list(self._named.values())
        self._lr = lr or settings.training.lr
        # On the CPU the fused step takes a quarter of the time of the others.
        self._optimizer = (torch.optim.SGD if sgd else torch.optim.AdamW)(
            self._parameters,
            self._lr,
            weight_decay=self._training.weight_decay,
            fused=True,
        )
        self._control = control
        self._proximal = ProximalTerm(self._parameters, mu) if mu else None

    def run(
        self,
        start_step: int,
        stop_step: int,
        *,
        advance: Callable[[int], None] = lambda _: None,
    ) -> StepLosses:
        """Train from one step of the round up to, not including, another.

        Args:
            start_step: The first step, counted from 0.
            stop_step: The step after the last; at least one is done.
            advance: Called after each step with the samples seen in it.

        Raises:
            DivergenceError: The loss became NaN or infinite.
        """
        before = [parameter.detach().clone() for parameter in self._parameters]
        self._policy.train()
        losses = []
        for step in range(start_step, stop_step):
            losses.append(self._step(step))
            advance(self._training.batch_size)
        policy_loss, proximal_term = np.mean(losses, axis=0)
        return StepLosses(
            policy_loss=float(policy_loss),
            proximal_term=float(proximal_term),
            samples=len(losses) * self._training.batch_size,
            update_norm=_distance(self._parameters, before),
        )

    def optimizer_state(self) -> dict[str, NDArray[np.float32]]:
        """Return the optimizer's moments by parameter, to go on from after an interruption."""
        return {
            f"{OPTIMIZER_PREFIX}{name}/{part}": value.detach().cpu().numpy()
            for name, parameter in self._named.items()
            for part, value in self._optimizer.state[parameter].items()
        }

    def load_optimizer_state(self, state: Mapping[str, NDArray[np.float32]]) -> None:
        """Restore what `optimizer_state` gave; other entries of `state` are left alone.

        Raises:
            CheckpointError: There are no moments, or some of another shape than their parameter.
        """
        # A parameter that the loss does not reach never gets moments.
        moments: dict[str, dict[str, Tensor]] = {}
        for key, value in state.items():
            if key.startswith(OPTIMIZER_PREFIX):
                name, _, part = key.removeprefix(OPTIMIZER_PREFIX).rpartition("/")
                moments.setdefault(name, {})[part] = torch.tensor(value, device=self._device)
        if not moments:
            raise _foreign_optimizer(key=OPTIMIZER_PREFIX)
        for name, parts in moments.items():
            if name not in self._named or parts["exp_avg"].shape != self._named[name].shape:
                raise _foreign_optimizer(key=name)
            self._optimizer.state[self._named[name]] = parts

    def _step(self, step: int) -> tuple[float, float]:
        """Do one step; return the policy loss and the proximal term before it."""
        batch = self._rows.batch(self._order.indices(step))
        inputs = policy_inputs(batch, self._normalizer, self._reader)
        self._optimizer.zero_grad(set_to_none=True)
        with self._seeded(step):
            with compute_in(self._training.precision, self._device):
                loss, _ = self._policy.forward(inputs)
            loss.backward()
        policy_loss = self._finite(loss, step)
        proximal_term = self._proximal.add_gradient() if self._proximal else 0.0
        nn.utils.clip_grad_norm_(self._parameters, self._training.grad_clip_norm)
        share = lr_share(self._training.schedule, step=step, **self._round)
        if self._control:
            self._control.correct(self._lr * share * self.lr_factor)
        for group in self._optimizer.param_groups:
            group["lr"] = self._lr * share * self.lr_factor
        self._optimizer.step()
        return policy_loss, proximal_term

    @contextmanager
    def _seeded(self, step: int) -> Iterator[None]:
        """Give a step its own random draws (dropout), so that going on at it needs no memory."""
        seed = derive_seed(self._experiment_seed, "training_step", *self._seed_parts, step)
        on_gpu = self._device.type == "cuda"
        with torch.random.fork_rng([self._device] if on_gpu else []):
            # Not `torch.manual_seed`, which prepares for GPUs that are not there and takes longer
            # than it takes to gather the batch.
            torch.default_generator.manual_seed(seed)
            if on_gpu:
                torch.cuda.manual_seed(seed)
            yield

    def _finite(self, loss: Tensor, step: int) -> float:
        value = loss.item()
        if not math.isfinite(value):
            raise DivergenceError(
                f"training diverged at step {step + 1} of round {self._round['round_number']}",
                key="training.lr",
                value=self._lr,
                remedy="lower `training.lr` or `training.grad_clip_norm`, or add a warm-up",
            )
        return value


def trainable_parameters(policy: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters that training changes, by name, in the order of the policy's modules."""
    return {name: value for name, value in policy.named_parameters() if value.requires_grad}


def _foreign_optimizer(*, key: str) -> CheckpointError:
    return CheckpointError(
        "the saved optimizer is not that of this policy",
        key=key,
        remedy="delete the run's checkpoints and train again",
    )


@torch.no_grad()
def _distance(parameters: list[nn.Parameter], others: list[Tensor]) -> float:
    changes = [new - old for new, old in zip(parameters, others, strict=True)]
    return float(nn.utils.get_total_norm(changes))

"""Training on pooled rows from the first round to the last."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from fedarm.logging import Progress
from fedarm.policies.normalization import Statistics
from fedarm.settings import TrainSettings
from fedarm.training.adaptation import idle_line, plan_record, plan_round, stopped_after
from fedarm.training.device import prepare_torch
from fedarm.training.held_out import held_out_losses
from fedarm.training.loop import LocalTrainer
from fedarm.training.metrics import metrics_line
from fedarm.training.rows import Rows, TrainRows
from fedarm.training.store import MetricsLine, RoundStore, State

if TYPE_CHECKING:
    from lerobot.policies.pretrained import PreTrainedPolicy


def train_rounds(
    settings: TrainSettings,
    store: RoundStore,
    start: Callable[[], PreTrainedPolicy],
    *,
    rows: TrainRows,
    held_out: Mapping[str, Rows],
) -> PreTrainedPolicy:
    """Train from the newest round in the store, or from the start, to the last round.

    To the loop it is one long round, with one schedule and one optimizer; it is only cut where a
    checkpoint is saved and the held-out losses are computed.

    Args:
        settings: The run's settings.
        store: Where the rounds are saved.
        start: Gives the policy to start from.
        rows: The rows trained on; their statistics normalise everything.
        held_out: Held-out rows by dataset.

    Returns:
        The policy after the last round.
    """
    device = prepare_torch()
    done = store.last_round
    policy, state = _newest(store) if done else (start(), {})
    policy.to(device)
    statistics = rows.sums().statistics()
    if not done:
        store.log(metrics_line(0, {}, held_out_losses(policy, held_out, statistics), seconds=0.0))
    trainer = _make_trainer(settings, policy, rows, statistics)
    if 0 < done < settings.rounds:
        trainer.load_optimizer_state(state)
    lines = store.rows()
    with _progress(settings, done) as progress:
        for number in range(done + 1, settings.rounds + 1):
            stopped = stopped_after(settings, lines)
            if stopped is None:
                line = _train_round(
                    settings,
                    trainer,
                    number,
                    lines=lines,
                    evaluate=lambda: held_out_losses(policy, held_out, statistics),
                    advance=progress.advance,
                )
            else:
                line = idle_line(lines[-1], number, stopped=stopped)
            if stopped is None or settings.is_kept(number):
                store.save(number, policy, statistics, trainer.optimizer_state(), line)
            else:
                store.log(line)
            lines.append(line)
    return policy


def _train_round(
    settings: TrainSettings,
    trainer: LocalTrainer,
    number: int,
    *,
    lines: Sequence[MetricsLine],
    evaluate: Callable[[], dict[str, float]],
    advance: Callable[[int], None],
) -> MetricsLine:
    """Do the steps of a round and evaluate; return its metrics line."""
    start_s = time.monotonic()
    plan = plan_round(settings, lines)
    trainer.lr_factor = plan.lr_factor
    losses = trainer.run(
        settings.steps_until(number - 1), settings.steps_until(number), advance=advance
    )
    line = metrics_line(
        number,
        {"+".join(settings.run.clients): losses},
        evaluate(),
        seconds=time.monotonic() - start_s,
    )
    return {**line, **plan_record(settings, plan, number)}


def _make_trainer(
    settings: TrainSettings, policy: PreTrainedPolicy, rows: TrainRows, statistics: Statistics
) -> LocalTrainer:
    """Return the trainer of one client that has all the rows, for one round."""
    return LocalTrainer(
        policy,
        rows,
        settings=settings,
        statistics=statistics,
        clients=settings.run.clients,
        round_number=1,
        rounds=1,
        steps=settings.steps,
    )


def _newest(store: RoundStore) -> tuple[PreTrainedPolicy, State]:
    loaded, state = store.load()
    return loaded.policy, state


def _progress(settings: TrainSettings, done: int) -> Progress:
    return Progress(
        settings.samples,
        label=f"{settings.run.name} seed {settings.run.seed}",
        unit="samples",
        done=settings.steps_until(done) * settings.training.batch_size,
    )

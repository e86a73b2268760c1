"""Checks of what the episodes are said to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from fedarm.data.checks.finding import Evidence, check
from fedarm.data.checks.subject import Subject
from fedarm.data.instructions import is_missing, says_nothing

_IMBALANCE, _ENOUGH = 5, 5


@check(
    "task_strings",
    severity="error",
    measures="whether every frame and episode has a task, said in words",
    remedy="say the tasks in the config (hotfix fill_tasks); language-conditioned policies read them",
    same_as=(
        "lerobot-lint MISSING_TASK",
        "lerobot-quality-gates episodes",
        "lerobot-doctor metadata",
    ),
    needs="metadata",
)
def find_task_strings(subject: Subject) -> Iterator[Evidence]:
    """Find empty, doubled and meaningless task strings, and indices and episodes without one."""
    dataset = subject.dataset
    for index, task in enumerate(dataset.tasks):
        if is_missing(task):
            yield Evidence("a task string is empty", column="task", value=index)
        elif says_nothing(task):
            yield Evidence("a task string says nothing", column="task", value=task)
    for task, count in sorted(Counter(dataset.tasks).items()):
        if count > 1:
            yield Evidence("a task string is there twice", column="task", value=task)
    outside = (dataset.task_index < 0) | (dataset.task_index >= len(dataset.tasks))
    for row in np.flatnonzero(outside):
        yield Evidence(
            "no such task",
            episode=int(dataset.episode_index[row]),
            frame=int(dataset.frame_index[row]),
            column="task_index",
            value=int(dataset.task_index[row]),
        )
    for episode in dataset.episodes:
        if not episode.tasks or not set(episode.tasks) <= set(dataset.tasks):
            yield Evidence(
                "the episode's tasks are not in meta/tasks.parquet",
                episode=episode.index,
                column="tasks",
                value=", ".join(map(str, episode.tasks)),
            )


@check(
    "task_imbalance",
    severity="warning",
    measures=f"tasks with under 1/{_IMBALANCE} of the most common task's episodes",
    remedy="record more of the rare task, or leave it out (hotfix drop_episodes)",
    same_as=(
        "lerobot-lint TASK_IMBALANCE",
        "lerobot-doctor episodes",
        "deepen-grade cross.condition_coverage",
    ),
    needs="metadata",
)
def find_task_imbalance(subject: Subject) -> Iterator[Evidence]:
    """Compare how often each task was demonstrated."""
    counts = Counter(task for episode in subject.dataset.episodes for task in episode.tasks)
    most = max(counts.values(), default=0)
    for task in subject.dataset.tasks:
        if most >= _ENOUGH and counts[task] * _IMBALANCE < most:
            yield Evidence(
                f"{counts[task]} episodes of {task!r}, {most} of another task",
                column="task",
                value=counts[task],
            )

"""The figures, each a function from results to a matplotlib figure; `FIGURES` names them all.

Each file name and its number of panels depend on the experiment's configuration only, and the SVG on the
results only: no date, no random ids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from matplotlib.figure import Figure

from fedarm.report.experiment import ExperimentResults
from fedarm.report.figures.looks import draw_looks
from fedarm.report.figures.losses import draw_loss_and_success
from fedarm.report.figures.matrix import draw_task_matrix
from fedarm.report.figures.posteriors import draw_posteriors
from fedarm.report.figures.power import draw_power
from fedarm.report.figures.profiles import draw_profiles
from fedarm.report.figures.progress import draw_progress
from fedarm.report.figures.replay import draw_replay_error, draw_replay_horizon
from fedarm.report.figures.seeds import draw_seeds
from fedarm.report.figures.smoothness import draw_smoothness
from fedarm.report.figures.starts import draw_success_by_start
from fedarm.report.figures.success import draw_success
from fedarm.report.figures.timing import draw_success_by_time
from fedarm.report.figures.verdict import draw_verdict
from fedarm.report.inputs import ComparisonSettings
from fedarm.report.verdicts import Decision

# In the order of the report.
SECTIONS: Mapping[str, str] = {
    "verdict": "What the verdict rests on",
    "success": "Success",
    "training": "Training",
    "motion": "Motion",
    "replay": "Predictions on held-out episodes",
}


@dataclass(frozen=True)
class FigureText:
    """What stands around a figure.

    Attributes:
        section: Where in the report it stands, a key of `SECTIONS`.
        title: What it shows.
        caption: How to read it.
        data: The tables that hold its numbers.
        draw: Draws it.
    """

    section: str
    title: str
    caption: str
    data: tuple[str, ...]
    draw: Callable[[ExperimentResults, tuple[Decision, ...]], Figure]


FIGURES: Mapping[str, FigureText] = {
    "verdict": FigureText(
        "verdict",
        "How much of the reference's success is kept",
        "Success of each federated arm over success of the reference, with 95 % intervals: heavy over "
        "all tasks of a group, light task by task. Non-inferior within a margin means that the whole "
        "heavy interval lies right of that margin's line, outside its grey band. An arrow means that "
        "the interval goes on.",
        ("intervals",),
        draw_verdict,
    ),
    "power": FigureText(
        "verdict",
        "What more seeds and episodes would show",
        "The chance to find a candidate non-inferior within a margin if it were truly as good as the "
        "reference, projected from how much seeds and initial conditions were seen to differ. The ring "
        "is this experiment; where a line crosses the dotted 80 % is the experiment that would suffice. "
        "A ring far below it means that an inconclusive verdict was to be expected. Few seeds tell "
        "their own spread badly: read the lines as an order of magnitude.",
        ("projected_power",),
        draw_power,
    ),
    "sequential_looks": FigureText(
        "verdict",
        "Looks on the way, after O'Brien and Fleming",
        "The score statistic of a margin after a share of the initial conditions, filled where one "
        "looked. A fixed design looks once, at the end, and its hollow dots are what looks on the way "
        "would have seen; with compare.looks an arm's rollouts stop at the look that decides all its "
        "margins. In the upper grey a look ends with non-inferior, in the lower with inferior. It "
        "speaks of these checkpoints only and can differ from a verdict over seeds; to add seeds after "
        "a look is never valid.",
        ("sequential_looks",),
        draw_looks,
    ),
    "success_by_task": FigureText(
        "success",
        "Success on every task",
        "Share of successful rollouts of the final checkpoints over all seeds, with Wilson 95 % "
        "intervals. These are of the episodes of these checkpoints; they do not say what another "
        "training seed would give. All arms draw on one list of initial conditions; how many of it each "
        "has met is in the table.",
        ("success_by_task",),
        draw_success,
    ),
    "success_by_seed": FigureText(
        "success",
        "How much training seeds differ",
        "Each dot is one training seed, its success averaged over the group's tasks; the bar is the "
        "mean. The spread of the dots is what an interval over pooled episodes overlooks.",
        ("success_by_seed",),
        draw_seeds,
    ),
    "posteriors": FigureText(
        "success",
        "What can be believed of each arm",
        "A hill shows how probable each success is after these rollouts, from Jeffreys' prior, as "
        "high as the others whatever its width; the line holds 95 % of it, the dot is its mean. "
        "Filled dots speak of training anew with other seeds, hollow ones of these checkpoints only. "
        "Arms that share a letter are not told apart: neither is the better one with 97.5 % "
        "probability. Here arms count as independent; the letters under Numbers pair initial "
        "conditions, and can differ.",
        ("posteriors", "posterior_cells"),
        draw_posteriors,
    ),
    "performance_profiles": FigureText(
        "success",
        "Good everywhere, or only on average?",
        "Performance profiles: for every success on the horizontal axis, the share of runs (a training "
        "seed on one task) that succeed more often. A line above another everywhere is better in every "
        "way; lines that cross say that one is better on its good tasks and worse on its bad ones. The "
        "area below a line is its mean success. The bands are 95 % bootstrap intervals over seeds: too "
        "narrow with few seeds, and they decide nothing.",
        ("performance_profiles",),
        draw_profiles,
    ),
    "success_by_time": FigureText(
        "success",
        "How fast they succeed",
        "Share of final rollouts that have succeeded by a time, averaged over the group's tasks and "
        "all seeds. A failure never has, so that a line ends at the arm's success; of two that end at "
        "the same height, the one further left is faster.",
        ("success_by_time",),
        draw_success_by_time,
    ),
    "success_by_start": FigureText(
        "success",
        "From where they succeed",
        "Each mark is an initial condition, where the object lay on the table, seen from above with "
        "the arm below, from the list that all arms share. Its colour is the share of training seeds "
        "that succeed from there. Crosses that lie together show where an arm fails; crosses all over, "
        "that the place is not why. Of the local arms the task's own is shown.",
        ("success_by_start",),
        draw_success_by_start,
    ),
    "progress": FigureText(
        "training",
        "Success and held-out loss as training goes on",
        "Above, success on the initial conditions that all rounds have met, from the base on; below, "
        "policy loss on held-out demonstrations, on a logarithmic scale. Thin lines are seeds, heavy "
        "lines their mean. Central training has no rounds: it is watched after as many samples. "
        "Success rests on fewer episodes than in the final evaluation: read trends, not points.",
        ("success_by_round", "loss_by_round"),
        draw_progress,
    ),
    "task_matrix": FigureText(
        "success",
        "Who can do what",
        "Success in percent of every arm (rows) on every task (columns), over all seeds. Local arms "
        "are trained on one client each; a frame marks that client's own task.",
        ("success_by_task",),
        draw_task_matrix,
    ),
    "loss_and_success": FigureText(
        "training",
        "Does held-out loss predict success?",
        "Each dot is a checkpoint: policy loss on held-out demonstrations of a task against success "
        "in it. Hollow dots are of earlier rounds, with fewer episodes. ρ is Spearman's rank "
        "correlation over all dots; \N{MINUS SIGN}1 would mean that loss ranks the checkpoints "
        "perfectly. A run's loss is in its own normalised units, which differ for local arms.",
        ("loss_and_success", "loss_ranks"),
        draw_loss_and_success,
    ),
    "smoothness": FigureText(
        "motion",
        "How smoothly they move",
        "Each dot is a filmed rollout of a final checkpoint, hollow after a failure; the bar is the "
        "mean. SPARC is the spectral arc length of the speed of what moves in the picture: nearer 0 "
        "is smoother. Only filmed rollouts are measured, so read it beside the films.",
        ("smoothness",),
        draw_smoothness,
    ),
}

REPLAY_FIGURES: Mapping[str, FigureText] = {
    "replay_error": FigureText(
        "replay",
        "How far predicted actions are from recorded ones",
        "Mean absolute error on held-out episodes, by joint, in the joint's own unit. A large dot is "
        "an arm, the small ones are its seeds; of local arms only the data's own client is shown. A "
        "grey line is the error of not moving at all. No robot moved: these are no successes.",
        ("replay_error",),
        draw_replay_error,
    ),
    "replay_horizon": FigureText(
        "replay",
        "Error along the horizon",
        "The same by step of the predicted chunk, averaged over seeds and datasets. Each prediction "
        "starts from a recorded frame, so errors do not build up as they would on a robot.",
        ("replay_by_step",),
        draw_replay_horizon,
    ),
}


def figures_of(settings: ComparisonSettings) -> Mapping[str, FigureText]:
    """Return the figures of an experiment: of successes, of replays, or of both."""
    # Nobody measures where an object lay on a real table.
    unknown = {"success_by_start"} if settings.evaluation == "recorded" else set()
    of_success = {name: text for name, text in FIGURES.items() if name not in unknown}
    return {
        **(of_success if settings.judged else {}),
        **(REPLAY_FIGURES if settings.replayed else {}),
    }

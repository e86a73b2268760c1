"""From the results of all runs to intervals, a verdict, figures and one HTML file.

    inputs      what is compared, and where its files lie
    metrics     budgets and losses of a run
    episodes    rollouts of a run
    videos      measurements of a run's videos, and its clips
    experiment  all of it read and checked, for all runs
    outcomes    success as arrays, on the initial conditions that the compared arms share
    success     success by run and task, with Wilson intervals
    paired_counts  how pairs of rollouts ended
    motion      success by time and by initial condition, and smoothness
    verdicts    candidates against the reference, at each margin
    arm_pairs   every arm against every other, which decides nothing
    replay      predictions on held-out episodes, which decide nothing
    replay_page the same for the report's page
    losses      held-out loss beside success
    accounts    budgets, and what the videos show, arm by arm
    results     `results.json`
    tables      `tables/*.csv`: the data of every figure
    figures/    `figures/*.svg`
    wording     numbers and verdicts in words
    clips       films small enough for the page
    player      the films side by side
    filmstrips  failures in pictures
    page        `report.html`
    build       writes everything
    pilot       what a finished experiment says for the planning of a larger one

It reads files and runs no model.
"""

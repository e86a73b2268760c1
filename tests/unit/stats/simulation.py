"""Outcomes of simulated experiments with known truth."""

import numpy as np
from scipy.stats import norm


def simulate(rng, *, seeds, tasks, episodes, success, ratio=1.0, seed_sd=0.05, correlation=0.3):
    """Return candidate and reference, `(seed, task, initial_condition)`.

    Initial conditions are as hard for one arm as for the other, as strongly as `correlation` says; each
    training seed shifts its arm's probability of success.
    """
    hardness = np.sqrt(correlation) * rng.normal(size=(1, tasks, episodes))
    arms = []
    for probability in (success * ratio, success):
        shifted = probability + rng.normal(0, seed_sd, (seeds, 1, 1))
        threshold = norm.ppf(np.clip(shifted, 1e-3, 1 - 1e-3))
        luck = np.sqrt(1 - correlation) * rng.normal(size=(seeds, tasks, episodes))
        arms.append((hardness + luck < threshold).astype(float))
    return arms

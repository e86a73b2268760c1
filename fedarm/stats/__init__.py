"""Intervals, tests and designs: arrays in, numbers out.

    interval        what an interval is, and the normal quantile behind a confidence
    counts          paired outcomes as a table of four counts
    proportions     one proportion and the difference of two independent ones
    difference      difference of two paired proportions: Tango, Newcombe, and the naive Wald
    ratio           ratio of two paired proportions: Tang and Nam
    paired_tests    McNemar's tests, and Holm's correction for several
    unpaired_tests  Barnard's and Boschloo's exact tests
    crossed         two arms with several training seeds on shared initial conditions, by any metric
    crossed_components  their means and variances
    variances       what the error of the crossed t is made of, and what it is in another design
    restricted_time time to success, failures counted at the horizon
    power           the smallest effect that a design could have shown, and the design for a smaller one
    sample_size     how many pairs of episodes a comparison of two checkpoints takes
    planning        studies to choose from: seeds and episodes that show what is to be shown
    sequential      more episodes on fixed checkpoints, in looks with O'Brien and Fleming's boundaries
    verdict         what an interval of a ratio says at given margins
    comparison      all of it for two arms: which method fits, what it says, what to beware of
    fixed_sequence  hypotheses in a fixed order until one fails: keeps 80 %, keeps 90 %, is better
    all_pairs       every pair of arms, under Holm's correction
    letters         the compact letter display: who is not told from whom
    posterior       what is believed of an arm's success, for these checkpoints or for training anew
    correlation     whether one number ranks runs as another does
    scores          scores of runs on tasks, which the next three work on
    aggregates      interquartile mean, probability of improvement
    bootstrap       the stratified bootstrap of anything computed from scores
    profiles        which share of runs scores above each threshold

Nothing here reads a file. Smoothness (SPARC, log dimensionless jerk) is measured in `fedarm.video`.
Confidence is two-sided: the lower end of a 95 % interval is the one-sided 97.5 % bound that a
non-inferiority test looks at. A p-value's name says whether it is one-sided, and which way.
"""

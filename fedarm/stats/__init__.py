"""Intervals, tests and designs: arrays in, numbers out.

    interval        what an interval is, and the normal quantile behind a confidence
    counts          paired outcomes as a table of four counts
    proportions     one proportion and the difference of two independent ones
    difference      difference of two paired proportions: Tango, Newcombe, and the naive Wald
    ratio           ratio of two paired proportions: Tang and Nam
    paired_tests    McNemar's tests, and Holm's correction for several
    unpaired_tests  Barnard's and Boschloo's exact tests
    crossed         two arms with several training seeds on shared initial conditions
    variances       what the error of the crossed t is made of, and what it is in another design
    power           the smallest effect that a design could have shown, and the design for a smaller one
    pairs           how many pairs of episodes a comparison of two checkpoints takes
    planning        studies to choose from: seeds and episodes that show what is to be shown
    sequential      more episodes on fixed checkpoints, in looks with O'Brien and Fleming's boundaries
    verdict         what an interval of a ratio says at given margins
    comparison      all of it for two arms: which method fits, what it says, what to beware of
    correlation     whether one number ranks runs as another does
    aggregates      interquartile mean, probability of improvement

Nothing here reads a file. Confidence is two-sided: the lower end of a 95 % interval is the one-sided
97.5 % bound that a non-inferiority test looks at.
"""

"""Videos read back: what an onlooker could tell from the pixels alone.

    folder.py         the videos of a folder
    container.py      what a file's layout says: its kind, whether it is cut off
    decoding.py       frames one after the other, every one counted
    signals.py        one pass over them: flow, differences, brightness, times
    timing.py         constant and variable rates, gaps
    motion.py         speed, path length, idleness
    continuity.py     repeated, dropped and shuffled frames, cuts, leaps
    quality.py        black and short videos
    smoothness.py     SPARC of a speed profile, log dimensionless jerk
    records.py        the JSON beside a video
    commands.py       what the arm was told: jerk, and pictures that freeze meanwhile
    segmentation.py   regions of a picture by colour
    success.py        did it work, judged by the last frame and a rule
    features.py       what a fitted judgement sees of the last frame
    fitted.py         did it work, judged by a classifier on episodes that it was not fitted on
    confusion.py      judgements against what was so
    findings.py       what can be wrong with a video
    measurement.py    all of it for one video
    summaries.py      by round and arm
    analysis.py       all of it for a list of videos
    tables.py         video_analysis.json and its parquet table

Nothing here imports torch or the simulator.
"""

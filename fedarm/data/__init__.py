"""Datasets on disk: reading, checks, the split, statistics and the frame cache.

    dataset.py      what a LeRobot v3 folder declares, as plain arrays
    decoding.py     every frame of its videos, in the order of its rows
    checks.py       is it sound? registered checks, one JSON
    split.py        which episodes are trained on, and which are held out
    frame_cache.py  pixels decoded once into a memory-mapped array
    statistics.py   sums that clients can share instead of rows, and means and deviations from them
    manifest.py     the digests of the content

Nothing here imports LeRobot or torch: a process that reads data does not pay for them.
"""

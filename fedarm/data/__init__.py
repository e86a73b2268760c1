"""Datasets on disk: reading, checks, the split, statistics and the frame cache.

    info.py         a LeRobot v3 dataset's meta/info.json
    dataset.py      its tables as plain arrays, as the metadata declares them
    parquet.py      columns of a parquet file
    calibration.py  joint names, calibration eras and units of the SO arms
    decoding.py     every frame of its videos, in the order of its rows
    checks/         is it sound? registered checks, one JSON
    hotfixes/       repairs of known defects on a private copy, each with an account of what it changed
    split.py        which episodes are trained on, and which are held out
    frame_cache.py  pixels decoded once into a memory-mapped array
    statistics.py   sums that clients can share instead of rows, and means and deviations from them
    manifest.py     the digests of the content

Nothing here imports LeRobot or torch: a process that reads data does not pay for them.
"""

"""Rollout videos read back: what an onlooker could tell from the pixels alone.

    decoding.py       luma planes and the last frame, every frame counted
    motion.py         optical-flow speed, path length, idleness
    smoothness.py     SPARC of a speed profile
    quality.py        black and short videos
    segmentation.py   regions of a picture by colour
    success.py        did it work, judged by the last frame
    analysis.py       all of it for a list of videos, against the environment's own flags

Nothing here imports torch or the simulator.
"""

"""Rollouts: every checkpoint on the same initial conditions, some of them filmed.

run.py          one run (arm x seed): all its checkpoints in all scenes
closed_loop.py  policy and simulator in a loop, the episodes of a scene together
film.py         one filmed episode: frames, overlay, the record beside the video
layers.py       half-transparent layers that are laid over a frame
overlay.py      the predicted actions as a path and as gripper bars
captions.py     who acts, where, and how it goes, in words
recording.py    h264 MP4 with the same bytes each time
tables.py       `episodes.parquet`
"""

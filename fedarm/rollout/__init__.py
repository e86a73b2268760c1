"""Rollouts: every checkpoint on the same initial conditions, some of them filmed.

run.py            an arm's runs: all their checkpoints in all scenes
scene_rollout.py  all checkpoints of a run in one scene
actor.py          a checkpoint, ready to act
closed_loop.py    policy and simulator in a loop, the episodes of a scene side by side
film.py           one filmed episode, and the record beside the video
overlay.py        the predicted actions as a path and as gripper bars
captions.py       who acts, where, and how it goes, in words
layers.py         half-transparent layers over a frame
recording.py      h264 MP4 with the same bytes each time
reels.py          filmed episodes side by side: the arms, and an arm's rounds
episode_dataset.py
                  the last round's episodes as a LeRobot dataset
tables.py         `episodes.parquet`
"""

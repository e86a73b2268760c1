"""How the arms do: rolled out in the simulator, replayed on recordings, or seen on a real arm.

run.py            an arm's runs: all their checkpoints in all scenes
part.py           one run in one scene, in whichever process
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

replay.py         one run on the held-out episodes of every dataset
looks.py          what a policy predicts on recorded episodes
replay_errors.py  predicted against recorded actions, by joint and by step
replay_tables.py  `frames.parquet`
replay_film.py    the recorded frames with both action paths
pictures.py       recorded pictures side by side, at the film's rate
strip_charts.py   predicted beside recorded actions, a chart a joint

labels.py         who succeeded on a real arm: a person's CSV
recorded.py       labelled episodes as `episodes.parquet`
sheet.py          the randomised, blinded evaluation sheet, and its way back to labels
"""

"""Shows the metrics of runs in trackers of experiments: TensorBoard, Weights & Biases.

Training knows nothing of it. A process of its own reads the lines that a run's store gets each round,
and feeds the trackers: so they change no byte of a result, make nothing stale, take no time from a
training step, and their failures are none of a run's.

- `history`: what has been noted of a run, from its folder.
- `sink`: what a tracker must do; `tensorboard` and `wandb` do.
- `tracker`: feeds sinks with what they have not seen.
- `beside`: runs the tracker while the workflow runs.
"""

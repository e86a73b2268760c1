"""Training: the step and the loop that every arm shares.

    arms.py         the base, and the arms that train on pooled data: central and local
    pooled.py       all the rounds of a run on pooled rows
    loop.py         the steps of one client in one round; central is one client that has all rows
    rows.py         which rows are trained on and which are held out, and batches of them
    inputs.py       a batch as it is gathered, and as a policy takes it
    batches.py      which rows a step sees
    schedules.py    the learning rate of a step
    adaptation.py   what the losses so far say of the next round: plateau, early stop, mu, lag
    start.py        the policy that a run starts from
    proximal.py     the pull towards the global weights
    held_out.py     the loss on rows never trained on
    store.py        checkpoints and metrics by round, and going on after an interruption
    metrics.py      the metrics file, and the check that the budget was kept
    device.py       where and how PyTorch computes

The federated arms run the same loop in each client (`fedarm.federated`).
"""

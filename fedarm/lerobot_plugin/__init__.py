"""What LeRobot's own tools need to evaluate a fedarm checkpoint in the lab.

    lerobot-eval --env.discover_packages_path=fedarm.lerobot_plugin --env.type=fedarm \
        --env.task=pickplace --policy.path=<a pretrained_model folder> \
        --seed=0 --eval.n_episodes=16 --eval.batch_size=10 --eval.use_async_envs=false

LeRobot imports the package that `discover_packages_path` names, and all modules in it:

    environment.py    the environment type `fedarm`
    (this module)     the backbone of the lab's policies

Its evaluation counts seeds up from `--seed`. Here a seed is an entry of the experiment's list of initial
conditions, so `--seed=0` meets them in the order of fedarm's rollouts: LeRobot as witness.
"""

from __future__ import annotations

from fedarm.policies.backbone import register_backbones

register_backbones()

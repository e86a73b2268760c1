"""Publishes what an experiment has made: checkpoints and rollouts on the Hugging Face hub.

- `findings`: what an experiment's folder says of its arms, and its checkpoints.
- `cards`: the page of a repository: verdict, success, budget, data, use.
- `hub`: creates repositories, private unless told otherwise, and uploads.
"""

"""Repairs of a dataset; none exists yet."""

from __future__ import annotations

from fedarm.config_base import Model


class Hotfix(Model):
    """A repair."""

    fix: str

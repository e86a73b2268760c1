"""Keep Flower and Ray quiet and offline."""

from __future__ import annotations

import os

_QUIET = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    # Otherwise a SuperLink runs `uv sync` before it starts an app that is installed already.
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
}


def quiet_flower() -> None:
    """Switch off telemetry, update checks and installations, unless the user has set them."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)

"""Import LeRobot without the optional packages that a job does not use.

LeRobot imports every optional package that it finds (transformers, datasets, diffusers, ...) as soon as
any policy is imported: about 8 CPU-seconds a process, half of which an ACT policy never needs. LeRobot
keeps one flag a package in `lerobot.utils.import_utils`; switching flags off before the first import of
a policy halves that. Call `lean_imports` first in a process, naming the packages to keep.
"""

from __future__ import annotations

import sys

_READERS = ("lerobot.policies", "lerobot.datasets", "lerobot.processor")


def lean_imports(*, keep: tuple[str, ...] = ()) -> None:
    """Tell LeRobot that the optional packages outside `keep` are not installed.

    Does nothing when LeRobot's policies or datasets are imported already: their imports are paid for.

    Args:
        keep: Import names of optional packages that this process needs, for example ("datasets",) to
            record a dataset or ("transformers",) for SmolVLA.
    """
    if any(module in sys.modules for module in _READERS):
        return
    from lerobot.utils import import_utils

    kept = {f"_{name}_available" for name in keep}
    for name, value in list(vars(import_utils).items()):
        if name.endswith("_available") and value is True and name not in kept:
            setattr(import_utils, name, False)

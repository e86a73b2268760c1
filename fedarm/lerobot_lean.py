"""Import LeRobot without the optional packages that a job does not use.

LeRobot imports every optional package that it finds (transformers, datasets, diffusers, ...) as soon as
any policy is imported: about 8 CPU-seconds a process, half of which an ACT policy never needs. LeRobot
keeps one flag a package in `lerobot.utils.import_utils`; switching flags off before the first import of
a policy halves that. Call `lean_imports` first in a process, naming the packages to keep.
"""

from __future__ import annotations

import importlib
import sys

from fedarm.torch_lean import leave_out_compiler

_READERS = ("lerobot.policies", "lerobot.datasets", "lerobot.processor")

# Flags that this module has switched off.
_hidden: set[str] = set()


def lean_imports(*, keep: tuple[str, ...] = ()) -> None:
    """Tell LeRobot that the optional packages outside `keep` are not installed.

    When LeRobot's policies or datasets are imported already, their imports are paid for and nothing is
    hidden; what an earlier call has hidden and this one needs is shown again.

    Args:
        keep: Import names of optional packages that this process needs, for example ("datasets",) to
            record a dataset or ("transformers",) for SmolVLA.
    """
    leave_out_compiler()
    from lerobot.utils import import_utils

    kept = {f"_{name}_available" for name in keep}
    if any(module in sys.modules for module in _READERS):
        for name in sorted(kept & _hidden):
            _show(name)
        return
    for name, value in list(vars(import_utils).items()):
        if name.endswith("_available") and value is True and name not in kept:
            setattr(import_utils, name, False)
            _hidden.add(name)


def _show(flag: str) -> None:
    """Make a hidden package known, also to the modules that have been told that it is not there.

    Such a module has the flag, and None in place of each name that it would have imported.
    """
    _hidden.discard(flag)
    package = importlib.import_module(flag.removeprefix("_").removesuffix("_available"))
    for name, module in list(sys.modules.items()):
        if not name.startswith("lerobot.") or vars(module).get(flag) is not False:
            continue
        setattr(module, flag, True)
        for missing in [key for key, value in vars(module).items() if value is None]:
            if not missing.startswith("_") and hasattr(package, missing):
                setattr(module, missing, getattr(package, missing))

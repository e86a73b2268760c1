"""PyTorch without its compiler, as long as nobody compiles.

torchvision, LeRobot and PyTorch's own optimizers mark functions as not to be compiled. For that mark
all of `torch.compile`'s machinery is imported (torch._dynamo, inductor, sympy): a third of the
CPU-seconds until a policy can act, in every process, and nothing here is ever compiled. Stand-ins for
two of its modules take the marks and do nothing. Asked for anything else, they make room for the real
modules: `torch.compile` works as ever.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

_COMPILER = "torch._dynamo"
_HELPERS = "torch._dynamo.utils"


def leave_out_compiler() -> None:
    """Do without PyTorch's compiler in this process until it is needed, or if it is imported already."""
    if _COMPILER not in sys.modules:
        sys.modules[_COMPILER] = _Compiler(_COMPILER)
        sys.modules[_HELPERS] = _Helpers(_HELPERS)


class _StandIn(ModuleType):
    """A module that gives its place to the real one when it is asked for what it lacks."""

    def __getattr__(self, name: str) -> Any:
        # Who looks at what each module has, as `inspect` does, does not mean this one; who asks the
        # package where its modules are wants one of them.
        if name.startswith("__") and (self.__name__, name) != (_COMPILER, "__path__"):
            raise AttributeError(name)
        return getattr(_real(self.__name__), name)


class _Compiler(_StandIn):
    @staticmethod
    def disable(function: Callable[..., Any] | None = None, *_: Any, **__: Any) -> Any:
        """Return a function as it is, or what does so: the mark that it is not to be compiled."""
        return (lambda marked: marked) if function is None else function

    @staticmethod
    def graph_break() -> None:
        """Mark where what is compiled would end; each step of an optimizer does."""


class _Helpers(_StandIn):
    @staticmethod
    def is_compile_supported(device_type: str) -> bool:
        """Return whether the compiler works for a device; torchvision imports this by name."""
        return bool(_real(_HELPERS).is_compile_supported(device_type))


def _real(name: str) -> ModuleType:
    for module in (_COMPILER, _HELPERS):
        if isinstance(sys.modules.get(module), _StandIn):
            del sys.modules[module]
    return importlib.import_module(name)

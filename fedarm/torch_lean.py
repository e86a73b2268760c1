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
from collections.abc import Callable, MutableSequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_COMPILER = "torch._dynamo"
_HELPERS = "torch._dynamo.utils"


def leave_out_compiler() -> None:
    """Do without PyTorch's compiler in this process until it is needed, or if it is imported already."""
    if _COMPILER not in sys.modules:
        sys.modules[_COMPILER] = _Compiler(_COMPILER)
        sys.modules[_HELPERS] = _Helpers(_HELPERS)
        sys.meta_path.insert(0, _Finder())


class _StandIn(ModuleType):
    """A module that gives its place to the real one when it is asked for what it lacks."""

    def __getattr__(self, name: str) -> Any:
        # Who looks at what each module has, as `inspect` does, does not mean this one.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(_real(self.__name__), name)


class _Compiler(_StandIn):
    # Of a package: its modules are asked of `_Finder`.
    __path__: MutableSequence[str] = []  # noqa: RUF012 - a module's

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


class _Finder(MetaPathFinder):
    """Finds the compiler's other modules while stand-ins are in place, by importing the real ones."""

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        if not name.startswith(f"{_COMPILER}."):
            return None
        return ModuleSpec(name, _Loaded(_real(name)))


class _Loaded(Loader):
    """Gives Python a module that is loaded already, so that it is not loaded twice."""

    def __init__(self, module: ModuleType) -> None:
        self._module, self._spec = module, module.__spec__
        # Python would take this one, and load the module by it, rather than the one with this loader.
        module.__spec__ = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        del spec
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec


def _real(name: str) -> ModuleType:
    for module in (_COMPILER, _HELPERS):
        if isinstance(sys.modules.get(module), _StandIn):
            del sys.modules[module]
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    return importlib.import_module(name)

"""How much of a job's processor time goes into imports: a cost that nobody sees and every job pays."""

from __future__ import annotations

import builtins
import gc
import resource
import time
from types import TracebackType
from typing import Any


class ImportClock:
    """Counts the processor seconds of import statements while it is entered.

    Nested imports count once, with the outermost. What the process had used before the clock was
    started counts as imports too: a script does nothing else before its main function. Modules stay, so
    looking for garbage while they are made finds none, and is an eighth of their time: it is put off.

    Attributes:
        imports_s: Processor seconds of imports, this process only.
    """

    def __init__(self) -> None:
        self.imports_s = time.process_time()
        self._depth = 0
        self._import = builtins.__import__

    def __enter__(self) -> ImportClock:
        builtins.__import__ = self._timed_import
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        builtins.__import__ = self._import

    def line(self) -> str:
        """Return the line for the log; children count in all, not in imports."""
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        total_s = time.process_time() + children.ru_utime + children.ru_stime
        return f"processor seconds: imports {self.imports_s:.2f}, all {total_s:.2f}"

    def _timed_import(self, *args: Any, **kwargs: Any) -> Any:
        if self._depth:
            return self._import(*args, **kwargs)
        self._depth = 1
        collects = gc.isenabled()
        gc.disable()
        start_s = time.process_time()
        try:
            return self._import(*args, **kwargs)
        finally:
            self.imports_s += time.process_time() - start_s
            self._depth = 0
            if collects:
                gc.enable()

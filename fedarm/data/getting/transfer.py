"""The bytes of many parallel downloads, counted into one progress line."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

from fedarm.logging import Progress

_MEGABYTE = 1_000_000


class Transfer:
    """Counts bytes that arrive in several threads and says each whole megabyte.

    Args:
        progress: Where it is said, in megabytes.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._bytes = 0

    def count(self, amount: float) -> None:
        """Count some more bytes; fewer than 0 when a download begins again."""
        with self._lock:
            before = self._bytes // _MEGABYTE
            self._bytes += int(amount)
            whole = self._bytes // _MEGABYTE - before
            if whole:
                self._progress.advance(whole)

    def bar_class(self) -> type:
        """Return a class that the hub's client takes for a `tqdm` bar and that counts here."""
        transfer = self

        class Bar(_SilentBar):
            def update(self, n: float | None = 1) -> None:
                transfer.count(n or 0)

        return Bar


class _SilentBar:
    """As much of a `tqdm` bar as the hub's client uses, without drawing anything.

    With `update_transfer` the client's Xet protocol makes do with one bar for what arrives and what is
    written, instead of two that would count everything twice.
    """

    def __init__(self, *_: Any, total: float | None = None, initial: float = 0, **__: Any) -> None:
        self.total = total
        self.n = initial

    def __enter__(self) -> _SilentBar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return

    def update_transfer(self, *_: Any) -> None:
        return

    def set_postfix_str(self, *_: Any, **__: Any) -> None:
        return

    def set_transfer_postfix_str(self, *_: Any, **__: Any) -> None:
        return

    def refresh(self, *_: Any, **__: Any) -> None:
        return

    def close(self) -> None:
        return

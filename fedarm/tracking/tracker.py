"""Feeds trackers with what they have not seen of an experiment's runs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fedarm.logging import get_logger
from fedarm.tracking.history import ROUNDS, STORE, History, find_runs, read_history
from fedarm.tracking.sink import Sink, Stream

_logger = get_logger(__name__)


@dataclass
class _Shown:
    """What a tracker has of a run."""

    fingerprint: str
    stream: Stream
    last_round: int = -1


class Tracker:
    """Looks at an experiment's runs and feeds sinks; one that fails is left out from then on.

    Args:
        root: The experiment's folder.
        sinks: The trackers.
    """

    def __init__(self, root: Path, sinks: Sequence[Sink]) -> None:
        self._root = root
        self._shown: dict[Sink, dict[str, _Shown]] = {sink: {} for sink in sinks}
        self._seen: dict[str, tuple[float, ...]] = {}

    def look(self) -> None:
        """Feed what is new since the last look."""
        for run in find_runs(self._root):
            state = self._state(run)
            if self._seen.get(run) == state:
                continue
            history = read_history(self._root, run)
            if history is None:
                continue
            self._seen[run] = state
            for sink in list(self._shown):
                self._feed(sink, history)

    def close(self) -> None:
        """Look a last time, and let the trackers finish."""
        self.look()
        for sink in list(self._shown):
            try:
                for shown in self._shown[sink].values():
                    shown.stream.close()
            except Exception as error:  # A tracker's failure is nobody else's, whatever it raises.
                self._leave_out(sink, error)

    def _feed(self, sink: Sink, history: History) -> None:
        try:
            shown = self._shown[sink].get(history.run)
            if shown is None or shown.fingerprint != history.fingerprint:
                if shown is not None:
                    shown.stream.close()
                shown = _Shown(history.fingerprint, sink.open(history))
                self._shown[sink][history.run] = shown
            for number in sorted(history.rounds):
                # A round that a killed job had noted and now does again has the same numbers.
                if number > shown.last_round:
                    shown.stream.write(number, history.rounds[number])
                    shown.last_round = number
        except Exception as error:  # As above.
            self._leave_out(sink, error)

    def _leave_out(self, sink: Sink, error: Exception) -> None:
        del self._shown[sink]
        _logger.warning(
            "%s is not fed any more (%s: %s); the runs go on, and `fedarm track %s` feeds it later",
            sink.label,
            type(error).__name__,
            error,
            self._root,
        )

    def _state(self, run: str) -> tuple[float, ...]:
        """Return what changes when a run notes something or begins anew."""
        stats = []
        for name in (ROUNDS, STORE):
            # A job that begins anew deletes them at any moment.
            with suppress(OSError):
                stats.append((self._root / run / name).stat())
        return tuple(value for stat in stats for value in (stat.st_mtime_ns, stat.st_size))

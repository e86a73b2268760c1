"""Names for things that a config can choose: strategies, checks, policy presets, dataset sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from fedarm.errors import ConfigError, suggest

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """A read-only mapping from name to object, filled by a decorator where the object is defined.

    Example:
        >>> CHECKS: Registry[Callable[[], int]] = Registry("check")
        >>> @CHECKS.register("one")
        ... def one() -> int:
        ...     return 1
        >>> CHECKS["one"]()
        1

    Args:
        kind: What the entries are, for messages ("strategy", "check").
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that files its object under `name`.

        Raises:
            ValueError: The name is taken.
        """

        def decorate(entry: T) -> T:
            if name in self._entries:
                raise ValueError(f"{self._kind} {name!r} is registered twice")
            self._entries[name] = entry
            return entry

        return decorate

    def __getitem__(self, name: str) -> T:
        if name not in self._entries:
            raise ConfigError(
                f"unknown {self._kind}", value=name, remedy=suggest(name, self._entries)
            )
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

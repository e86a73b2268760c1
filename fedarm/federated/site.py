"""What a node knows of its own site, and the server never learns: where its data and checkpoint lie.

A SuperNode is told so when it is started (`fedarm site join`), in its node configuration, which Flower
keeps on the node. In process and in a simulation there are no sites: the paths are the run's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from flwr.app import Context

from fedarm.errors import DataError, suggest
from fedarm.federated.exchange import ClientError
from fedarm.federated.keys import PARTITION
from fedarm.provenance import VERSION_DIGITS, digest_value
from fedarm.settings import DataSource, TrainSettings

# In a node's configuration.
CLIENT = "client"
CACHE = "cache"
START = "start"

_HIDDEN = "<private>"


@dataclass(frozen=True)
class Site:
    """A node's own configuration.

    Attributes:
        client: The name of the client that the node is; None when its place in the run says so.
        partition: That place.
        cache: The site's own frame cache; None for the run's.
        start: The site's own copy of the starting checkpoint; None for the run's.
    """

    client: str | None
    partition: int | None
    cache: Path | None
    start: Path | None

    def source_in(self, settings: TrainSettings) -> DataSource:
        """Return this client's dataset, at the place where this site has it.

        Raises:
            ClientError: The run has no such client.
            DataError: The site does not have the files that it was started with.
        """
        source = settings.sources[settings.run.clients.index(self.client_in(settings))]
        if self.cache is None:
            return source
        if not self.cache.is_dir():
            raise DataError(
                "this site does not have the frame cache that its node was started with",
                file=self.cache,
                key=CACHE,
                remedy="join again: `fedarm site join` makes it from the dataset",
            )
        return replace(source, cache=self.cache)

    @property
    def is_private(self) -> bool:
        """Whether the site has files of its own."""
        return self.cache is not None or self.start is not None

    def localized(self, settings: TrainSettings) -> TrainSettings:
        """Return the run's settings with this site's own starting checkpoint and memory.

        What a client remembers between rounds lies beside its frames: one folder for each folder of
        checkpoints that the server has.
        """
        if self.start is not None:
            settings = replace(settings, start=self.start)
        if self.cache is not None:
            name = digest_value(str(settings.checkpoints))[:VERSION_DIGITS]
            memory = self.cache.with_name(f"{self.cache.name}.memory") / name
            settings = replace(settings, checkpoints=memory)
        return settings

    def redacted(self, text: str) -> str:
        """Return a message for the server: without this site's paths."""
        for path in (self.cache, self.start):
            if path is not None:
                text = text.replace(str(path), _HIDDEN)
        return text

    def client_in(self, settings: TrainSettings) -> str:
        """Return which of a run's clients this is.

        Raises:
            ClientError: The run has no such client.
        """
        names: Sequence[str] = settings.run.clients
        if self.client is not None:
            if self.client not in names:
                raise ClientError(
                    "the run has no client of this name",
                    key=CLIENT,
                    value=self.client,
                    remedy=suggest(self.client, names),
                )
            return self.client
        if self.partition is None or not 0 <= self.partition < len(names):
            raise ClientError(
                f"the run has {len(names)} clients, and this node is none of them",
                key=PARTITION,
                value=self.partition,
                remedy="start one node a client, with partition-ids from 0",
            )
        return names[self.partition]


def site_of(context: Context) -> Site:
    """Return what the node of a context was started with."""
    config = context.node_config
    return Site(
        client=str(config[CLIENT]) if CLIENT in config else None,
        partition=int(config[PARTITION]) if PARTITION in config else None,
        cache=Path(str(config[CACHE])) if CACHE in config else None,
        start=Path(str(config[START])) if START in config else None,
    )

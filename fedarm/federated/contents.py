"""Parts of a message's content, looked up so that the message can go as soon as it is used.

Flower's `RecordDict.array_records` and its like build a dictionary that points back at its owner. Such a
message is freed by the garbage collector, whenever that runs next, and until then every client's
answer stays in memory, each as large as the model.
"""

from __future__ import annotations

from flwr.app import ArrayRecord, ConfigRecord, MetricRecord, RecordDict

from fedarm.federated.keys import ARRAYS, CONFIG, METRICS


def arrays_in(content: RecordDict) -> ArrayRecord:
    """Return the arrays; empty when there are none."""
    return _of_kind(content, ARRAYS, ArrayRecord) or ArrayRecord()


def metrics_in(content: RecordDict) -> MetricRecord:
    """Return the metrics; empty when there are none."""
    return _of_kind(content, METRICS, MetricRecord) or MetricRecord()


def config_in(content: RecordDict) -> ConfigRecord:
    """Return the configuration; empty when there is none."""
    return _of_kind(content, CONFIG, ConfigRecord) or ConfigRecord()


def extend_config(content: RecordDict, values: ConfigRecord) -> None:
    """Add entries to the configuration, which is made when there is none."""
    content[CONFIG] = ConfigRecord({**config_in(content), **values})


def all_of[Record: (ArrayRecord, ConfigRecord, MetricRecord)](
    content: RecordDict, kind: type[Record]
) -> dict[str, Record]:
    """Return the records of a kind, by key."""
    return {key: record for key, record in content.items() if isinstance(record, kind)}


def _of_kind[Record: (ArrayRecord, ConfigRecord, MetricRecord)](
    content: RecordDict, key: str, kind: type[Record]
) -> Record | None:
    record = content.get(key)
    return record if isinstance(record, kind) else None

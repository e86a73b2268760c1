"""What trackers have been told, read back with their own readers."""

import json
from pathlib import Path


def tensorboard_rounds(folder: Path, tag: str) -> list[tuple[int, float]]:
    """Return the rounds and values of a tag in a folder of event files."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, round(event.value, 6)) for event in events.Scalars(tag)]


def wandb_rounds(logs: Path, key: str) -> dict[str, list[tuple[int, float]]]:
    """Return, by identity, the rounds and values of a key in all offline folders below one."""
    from wandb.proto.wandb_internal_pb2 import Record
    from wandb.sdk.internal.datastore import DataStore

    found: dict[str, list[tuple[int, float]]] = {}
    for file in sorted(logs.rglob("run-*.wandb")):
        store = DataStore()
        store.open_for_scan(str(file))
        rounds = found.setdefault(file.stem.removeprefix("run-"), [])
        while (content := store.scan_data()) is not None:
            record = Record()
            record.ParseFromString(content)
            if record.WhichOneof("record_type") == "history":
                items = {
                    item.nested_key[0] if item.nested_key else item.key: item.value_json
                    for item in record.history.item
                }
                if key in items:
                    rounds.append((int(items["_step"]), round(float(json.loads(items[key])), 6)))
    return found

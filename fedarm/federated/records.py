"""What travels between server and clients: settings and statistics down, weights both ways, sums up.

Clients get an empty `run_config` in Flower's simulation, and a client should not have to hold a copy of
the experiment's configuration: whatever it needs comes with each message. Weights are the trainable
parameters, in 32 bits; frozen ones are in the starting checkpoint that every client has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import torch
from flwr.app import ArrayRecord, ConfigRecord, MetricRecord
from numpy.typing import NDArray
from pydantic import TypeAdapter
from torch import nn

from fedarm.data.statistics import FeatureSums
from fedarm.errors import CheckpointError
from fedarm.federated.arrays import packed, record_of, view
from fedarm.federated.keys import CONTROL_PREFIX, NUM_EXAMPLES, SETTINGS, STEPS
from fedarm.policies.normalization import Statistics
from fedarm.settings import TrainSettings
from fedarm.training.loop import OPTIMIZER_PREFIX, StepLosses, trainable_parameters

OptimizerState = dict[str, NDArray[np.float32]]

_STATISTICS = "statistics"
_STEP = "/step"
_ADAPTER = TypeAdapter(TrainSettings)


def pack_settings(settings: TrainSettings) -> str:
    """Return the settings as JSON."""
    return _ADAPTER.dump_json(settings).decode()


def unpack_settings(text: str) -> TrainSettings:
    """Return the settings that `pack_settings` packed."""
    return _ADAPTER.validate_json(text)


def pack_config(settings: TrainSettings, statistics: Statistics | None = None) -> ConfigRecord:
    """Return what a client needs to know, beside the weights."""
    record = ConfigRecord({SETTINGS: pack_settings(settings)})
    if statistics is not None:
        # JSON keeps every digit of a 64-bit float.
        record[_STATISTICS] = json.dumps(
            {
                feature: {name: values.tolist() for name, values in moments.items()}
                for feature, moments in statistics.items()
            }
        )
    return record


def settings_in(record: ConfigRecord) -> TrainSettings:
    """Return the settings that a server packed."""
    return unpack_settings(str(record[SETTINGS]))


def statistics_in(record: ConfigRecord) -> Statistics:
    """Return the normalisation statistics that a server packed."""
    packed = json.loads(str(record[_STATISTICS]))
    return {
        feature: {name: np.array(values, dtype=np.float64) for name, values in moments.items()}
        for feature, moments in packed.items()
    }


def averages_moments(settings: TrainSettings) -> bool:
    """Return whether Adam's moments travel and are averaged with the weights."""
    arm = settings.arm
    return arm is not None and arm.kind == "federated" and arm.optimizer_state == "average"


def number_in(record: MetricRecord | ConfigRecord, key: str) -> float:
    """Return a single number from a record.

    Raises:
        TypeError: It is a list, text or bytes.
    """
    value = record[key]
    if isinstance(value, list | str | bytes):
        raise TypeError(f"{key!r} is not a number: {value!r}")
    return value


def pack_losses(losses: StepLosses, *, rows: int) -> MetricRecord:
    """Return what a client's steps did, with the number of its rows, by which strategies weigh it."""
    return MetricRecord({**asdict(losses), NUM_EXAMPLES: rows})


def losses_in(record: MetricRecord) -> StepLosses:
    """Return what a client's steps did."""
    return StepLosses(
        policy_loss=number_in(record, "policy_loss"),
        proximal_term=number_in(record, "proximal_term"),
        samples=int(number_in(record, "samples")),
        update_norm=number_in(record, "update_norm"),
    )


def pack_sums(sums: FeatureSums) -> ArrayRecord:
    """Return a client's sums as 64-bit arrays."""
    return record_of((name, packed(values)) for name, values in sums.to_arrays().items())


def sums_in(record: ArrayRecord) -> FeatureSums:
    """Return the sums that a client packed."""
    return FeatureSums.from_arrays({name: view(array) for name, array in record.items()})


def pack_weights(
    policy: nn.Module,
    optimizer: OptimizerState | None = None,
    control: Mapping[str, NDArray[np.float32]] | None = None,
) -> ArrayRecord:
    """Return the trainable parameters, in the order of the policy's modules, and what goes with them.

    Args:
        policy: The policy.
        optimizer: Adam's moments; strategies average them like weights.
        control: The change of a client's control variate, by parameter.
    """
    weights = {
        name: parameter.detach().to("cpu", torch.float32).numpy()
        for name, parameter in trainable_parameters(policy).items()
    }
    changes = {f"{CONTROL_PREFIX}{name}": values for name, values in (control or {}).items()}
    arrays = {**weights, **_gather_steps(optimizer or {}), **changes}
    return record_of((name, packed(values)) for name, values in arrays.items())


def optimizer_in(record: ArrayRecord) -> OptimizerState:
    """Return the moments that came with the weights; none with the first round's."""
    moments = {
        name: view(array) for name, array in record.items() if name.startswith(OPTIMIZER_PREFIX)
    }
    steps = moments.pop(STEPS, None)
    if steps is not None:
        # An average of equal step counts may miss the count by a rounding error.
        counts = np.split(np.asarray(np.round(steps), np.float32), len(steps))
        owners = sorted({parameter_of(name) for name in moments})
        moments |= {
            f"{OPTIMIZER_PREFIX}{owner}{_STEP}": count.reshape(())
            for owner, count in zip(owners, counts, strict=True)
        }
    return moments


def control_in(record: ArrayRecord) -> dict[str, NDArray[np.float32]]:
    """Return the control variate that came with the weights, by parameter."""
    return {
        name.removeprefix(CONTROL_PREFIX): view(array)
        for name, array in record.items()
        if name.startswith(CONTROL_PREFIX)
    }


def weights_only(record: ArrayRecord) -> ArrayRecord:
    """Return the parameters of a record without what goes with them; no array is copied."""
    return record_of((name, array) for name, array in record.items() if is_weight(name))


def is_weight(name: str) -> bool:
    """Return whether an array is a parameter, and not a moment or a control variate beside it."""
    return not name.startswith((OPTIMIZER_PREFIX, CONTROL_PREFIX))


def parameter_of(name: str) -> str:
    """Return the parameter that an array is, or that it belongs to."""
    if name.startswith(OPTIMIZER_PREFIX):
        return name.removeprefix(OPTIMIZER_PREFIX).rpartition("/")[0]
    return name.removeprefix(CONTROL_PREFIX)


def load_weights(policy: nn.Module, record: ArrayRecord) -> None:
    """Write received weights into a policy, in place; moments that came with them are left alone.

    Raises:
        CheckpointError: The weights are of another architecture.
    """
    parameters = trainable_parameters(policy)
    shapes = {name: tuple(parameter.shape) for name, parameter in parameters.items()}
    weights = {name: array for name, array in record.items() if is_weight(name)}
    received = {name: tuple(array.shape) for name, array in weights.items()}
    if shapes != received:
        differing = sorted(
            name for name in shapes | received if shapes.get(name) != received.get(name)
        )
        raise CheckpointError(
            "the weights received are of another architecture",
            key=differing[0],
            value=received.get(differing[0]),
            remedy="give every client the version of fedarm and the checkpoint that the server has",
        )
    with torch.no_grad():
        for name, array in weights.items():
            _write(parameters[name], view(array))


def _write(parameter: nn.Parameter, values: NDArray[np.float32]) -> None:
    if parameter.device.type == "cpu" and parameter.dtype == torch.float32:
        # Without the copy that PyTorch makes of memory that it may not write to.
        np.copyto(parameter.detach().numpy(), values)
    else:
        parameter.copy_(torch.tensor(values))


def _gather_steps(moments: OptimizerState) -> OptimizerState:
    """Return an optimizer's moments with its counts, one a parameter, in a single array."""
    counts = {parameter_of(name): moments[name] for name in moments if name.endswith(_STEP)}
    rest = {name: values for name, values in moments.items() if not name.endswith(_STEP)}
    return {**rest, STEPS: np.stack([counts[name] for name in sorted(counts)])} if counts else rest

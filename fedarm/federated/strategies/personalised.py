"""A shared body, and a head of each client's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from flwr.app import ArrayRecord, ConfigRecord, Message, MessageType, RecordDict
from flwr.serverapp import Grid

from fedarm.config_arms import PersonalisedArm
from fedarm.errors import ConfigError, suggest
from fedarm.federated.arrays import packed, record_of, view
from fedarm.federated.keys import ARRAYS, CONFIG, SERVER_ROUND
from fedarm.federated.records import is_weight, parameter_of
from fedarm.federated.strategies.base import STRATEGIES, Arrays, State, update_in
from fedarm.federated.strategies.fedavg import FedAvg
from fedarm.policies.adapters import module_of

# The layer that gives the actions: ACT's and SmolVLA's.
_LAST_LAYERS = ("model.action_head.", "model.action_out_proj.")
_HEAD = "head"


@STRATEGIES.register("personalised")
class Personalised(FedAvg):
    """Clients train body and head together; bodies are averaged, and each head goes back to its owner.

    The head that a client trains, and is evaluated with, is thus its own, and no other client sees it.
    The server keeps it between the rounds, so that a client needs no memory and a killed round cannot
    leave one head ahead of the others; it also saves each client's whole policy, with which that
    client's task is rolled out. For tasks that no client has there is no own head: the global policy
    has the average one, which nobody trains.

    Where adapters are trained in place of weights, a head are those of its layers; their average is of
    each adapter's two factors, and not of the product.

    Args:
        arm: The arm's section of the configuration.
        rows: Rows of each client, in client order.

    Source:
        Arivazhagan et al. 2019, "Federated Learning with Personalization Layers", algorithms 1 and 2.
    """

    def __init__(self, arm: PersonalisedArm, rows: Sequence[int]) -> None:
        super().__init__(arm, rows)
        self._chosen = arm.head
        self._prefixes = arm.head or _LAST_LAYERS
        self._heads: dict[int, Arrays] = {}

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Address every client, with the global body and its own head."""
        self._check_head(arrays)
        super().configure_train(server_round, arrays, config, grid)
        return self._with_heads(MessageType.TRAIN, server_round, arrays, config)

    def configure_evaluate(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Address every client, with the global body and its own head."""
        del grid
        return self._with_heads(MessageType.EVALUATE, server_round, arrays, config)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, None]:
        """Average the updates, and keep the heads."""
        heads = dict(self._heads)
        averaged, _ = super().aggregate_train(server_round, self._keeping(replies, heads))
        self._heads = heads
        return averaged, None

    def state(self) -> Arrays:
        """Return the heads, by the client's place."""
        return {
            f"{_HEAD}/{client:05d}/{name}": values
            for client, head in self._heads.items()
            for name, values in head.items()
        }

    def load_state(self, state: State) -> None:
        """Restore the heads.

        Raises:
            CheckpointError: It is not this strategy's state.
        """
        self._heads = {}
        for key in sorted(state):
            kind, _, rest = key.partition("/")
            client, _, name = rest.partition("/")
            if kind != _HEAD or not client.isdigit() or not self._in_head(name):
                raise self.foreign_state(key)
            self._heads.setdefault(int(client), {})[name] = state[key]

    def personal(self) -> Mapping[int, Arrays]:
        """Return the heads' parameters, by the client's place."""
        return {
            client: {name: values for name, values in head.items() if is_weight(name)}
            for client, head in self._heads.items()
        }

    def _keeping(self, replies: Iterable[Message], heads: dict[int, Arrays]) -> Iterator[Message]:
        for reply in replies:
            client = self._nodes.index(reply.metadata.src_node_id)
            heads[client] = {
                # A copy: a view would keep the whole update.
                name: view(array).copy()
                for name, array in update_in(reply).items()
                if self._in_head(name)
            }
            yield reply
            # The next reply is made when this one is gone.
            del reply

    def _with_heads(
        self, message_type: str, server_round: int, arrays: ArrayRecord, config: ConfigRecord
    ) -> list[Message]:
        config[SERVER_ROUND] = server_round
        messages = []
        for client, node in enumerate(self._nodes):
            head = {
                name: packed(values)
                for name, values in self._heads.get(client, {}).items()
                if name in arrays
            }
            own = record_of({**arrays, **head}.items())
            messages.append(Message(RecordDict({ARRAYS: own, CONFIG: config}), node, message_type))
        return messages

    def _check_head(self, arrays: ArrayRecord) -> None:
        names = [name for name in arrays if is_weight(name)]
        absent = [
            prefix
            for prefix in self._prefixes
            if not any(name.startswith(prefix) for name in names)
        ]
        # By default one of them is there.
        if len(absent) == len(self._prefixes) or (absent and self._chosen):
            raise ConfigError(
                "no trained parameter's name begins as the head's do",
                key="head",
                value=absent[0],
                remedy=suggest(absent[0], {f"{module_of(name)}." for name in names}),
            )

    def _in_head(self, name: str) -> bool:
        """Return whether an array is of the head: a parameter, or one of its moments."""
        return parameter_of(name).startswith(self._prefixes)

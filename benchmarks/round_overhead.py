"""Seconds a round with idle clients, over Flower's Ray simulation and over a plain Python loop.

An idle client does nothing: it answers with the weights that it was sent. What is timed is then what a
way of holding rounds adds, and nothing of what any client would do in each of them. A round ends with
the average that the next one sends, and none of the ways loads it into a policy. With `--client copying`
a client does what one that trains must do besides: it copies the weights into its own and answers with a
copy of those. Three ways of holding rounds, each in a fresh process:

    loop   a `for` over functions: a running weighted sum of numpy arrays, no checks, no messages
    grid   fedarm in one process: messages, checks of every number and shape, streamed average
    ray    Flower's simulation engine on Ray, with Flower's own FedAvg and the same ClientApp

for 10 and 50 million parameters and 4 and 10 clients. A first round, in which Ray starts its actors, is
not counted. With idle clients `against_ray` is at most 0.10 and `against_loop` at most 1.3, the worst of
the sizes. The processor times of `loop` and `grid`, which a busy machine sways less, are printed too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg as FlowerFedAvg

from fedarm.config_arms import FedAvgArm
from fedarm.federated.arrays import packed, view
from fedarm.federated.exchange import Exchange
from fedarm.federated.faults import same_update
from fedarm.federated.inprocess import InProcessGrid
from fedarm.federated.simulation import backend_config
from fedarm.federated.strategies import FedAvg
from fedarm.settings import Runtime

SIZES = (10_000_000, 50_000_000)
CLIENTS = (4, 10)
ARRAYS = 20
ROUNDS = 3
ROWS = 100
WAYS = ("loop", "grid", "ray")
# How often each is started; Ray takes long to, and its rounds are long enough to differ little.
TURNS = {"loop": 7, "grid": 7, "ray": 1}

Weights = dict[str, np.ndarray]


def answer_idly(sent: ArrayRecord) -> ArrayRecord:
    """Answer with what was sent."""
    return sent


def answer_with_copy(sent: ArrayRecord) -> ArrayRecord:
    """Copy the weights into the client's own, and answer with a copy of those."""
    own = {name: np.array(view(array)) for name, array in sent.items()}
    return ArrayRecord({name: packed(values) for name, values in own.items()})


def copied_twice(sent: Weights) -> Weights:
    """Do what `answer_with_copy` does, without messages."""
    own = {name: np.array(values) for name, values in sent.items()}
    return {name: np.array(values) for name, values in own.items()}


CLIENTS_OF_LOOP: dict[str, Callable[[Weights], Weights]] = {
    "idle": lambda sent: sent,
    "copying": copied_twice,
}
CLIENTS_OF_FLOWER = {"idle": answer_idly, "copying": answer_with_copy}


def client_app(client: str) -> ClientApp:
    """Return the app of clients of a kind."""
    app = ClientApp()
    answer = CLIENTS_OF_FLOWER[client]

    @app.train()
    def train(message: Message, _context: Context) -> Message:
        content = {
            "arrays": answer(message.content["arrays"]),
            "metrics": MetricRecord({"num-examples": ROWS}),
        }
        return Message(RecordDict(content), reply_to=message)

    return app


def weights_of(parameters: int) -> Weights:
    rng = np.random.default_rng(0)
    size = parameters // ARRAYS
    return {f"w{index:02d}": rng.random(size, np.float32) for index in range(ARRAYS)}


def rounds_in_loop(parameters: int, clients: int, client: str) -> list[list[float]]:
    weights = weights_of(parameters)
    answer = CLIENTS_OF_LOOP[client]

    def hold() -> None:
        share = np.float32(1 / clients)
        total: Weights = {}
        for _ in range(clients):
            for name, values in answer(weights).items():
                total[name] = total[name] + share * values if name in total else share * values
        weights.update(total)

    return timed(hold)


def rounds_in_grid(parameters: int, clients: int, client: str) -> list[list[float]]:
    grid = InProcessGrid(client_app(client), clients)
    nodes = list(grid.get_node_ids())
    strategy = FedAvg(FedAvgArm(kind="federated", strategy="fedavg"), [ROWS] * clients)
    strategy.meet(nodes)
    sent = ArrayRecord({name: packed(values) for name, values in weights_of(parameters).items()})

    def hold() -> None:
        nonlocal sent
        exchanged = Exchange(
            grid,
            strategy.configure_train(1, sent, ConfigRecord(), grid),
            clients={node: str(node) for node in nodes},
            during="a round",
            check=same_update(sent, rows=dict.fromkeys(nodes, ROWS)),
        )
        weights, _ = strategy.aggregate_train(1, exchanged.replies())
        assert weights is not None
        sent = weights

    return timed(hold)


def rounds_on_ray(parameters: int, clients: int, client: str) -> list[list[float]]:
    from flwr.simulation import run_simulation

    times: list[list[float]] = []
    server = ServerApp()

    @server.main()
    def main(grid: Grid, _context: Context) -> None:
        strategy = FlowerFedAvg(
            fraction_evaluate=0.0,
            min_train_nodes=clients,
            min_available_nodes=clients,
        )
        weights = ArrayRecord({name: packed(v) for name, v in weights_of(parameters).items()})

        def hold() -> None:
            nonlocal weights
            sent = strategy.configure_train(1, weights, ConfigRecord(), grid)
            replies = list(grid.send_and_receive(sent))
            assert not any(reply.has_error() for reply in replies)
            weights, _ = strategy.aggregate_train(1, replies)
            assert weights is not None

        times.extend(timed(hold))

    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        run_simulation(
            server_app=server,
            client_app=client_app(client),
            num_supernodes=clients,
            backend_config=backend_config(Runtime("simulation", 2), Path(folder)),
        )
    return times


def timed(hold: Callable[[], None]) -> list[list[float]]:
    """Return wall and processor seconds of each round after the first."""
    hold()
    times = []
    for _ in range(ROUNDS):
        start_s, start_cpu_s = time.perf_counter(), time.process_time()
        hold()
        times.append([time.perf_counter() - start_s, time.process_time() - start_cpu_s])
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--client", choices=CLIENTS_OF_LOOP, default="idle")
    parser.add_argument("--parameters", type=int, nargs="+", default=SIZES)
    parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    args = parser.parse_args()
    if args.way:
        hold = {"loop": rounds_in_loop, "grid": rounds_in_grid, "ray": rounds_on_ray}[args.way]
        print(json.dumps(hold(args.parameters[0], args.clients[0], args.client)))
        return
    ratios: dict[str, list[float]] = {"loop": [], "ray": []}
    for parameters in args.parameters:
        for clients in args.clients:
            seconds = measure(args.ways, parameters, clients, args.client)
            print(f"{parameters // 1_000_000} M x {clients}: {describe(seconds)}", flush=True)
            for other in ratios:
                if other in seconds:
                    ratios[other].append(seconds["grid"][0] / seconds[other][0])
    for other, values in sorted(ratios.items(), reverse=True):
        if values:
            print(f"against_{other}: {max(values):.3f}")


def measure(
    ways: Sequence[str], parameters: int, clients: int, client: str
) -> dict[str, np.ndarray]:
    """Return the median seconds a round by way, of the wall clock and of the processor.

    The ways take turns, so that what else runs on the machine meets all of them.
    """
    seen: dict[str, list[list[float]]] = {way: [] for way in ways}
    for turn in range(max(TURNS[way] for way in ways)):
        for way, rounds in seen.items():
            if turn < TURNS[way]:
                rounds += rounds_of(way, parameters, clients, client)
    return {way: np.median(rounds, axis=0) for way, rounds in seen.items()}


def rounds_of(way: str, parameters: int, clients: int, client: str) -> list[list[float]]:
    """Return the seconds of each round in a fresh process."""
    done = subprocess.run(
        [
            *(sys.executable, __file__, "--way", way),
            *("--parameters", str(parameters), "--clients", str(clients), "--client", client),
        ],
        # As in every job of the workflow.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured: list[list[float]] = json.loads(done.stdout.strip().splitlines()[-1])
    return measured


def describe(seconds: dict[str, np.ndarray]) -> str:
    return ", ".join(f"{way} {wall:.3f} s (cpu {cpu:.3f})" for way, (wall, cpu) in seconds.items())


if __name__ == "__main__":
    main()

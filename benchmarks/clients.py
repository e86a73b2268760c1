"""Peak memory of a federated round with 1000 clients over that with 10: `memory_ratio`, at most 1.1.

Each number of clients runs in a fresh process: rounds of a 1 M parameter model over the in-process
grid, with clients that answer at once, through the same exchange, checks and strategies as a training
job. The ratio is the worst over the strategies. Robust ones are left out: they keep all updates, on
disk.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from fedarm.config_arms import FedAdamArm, FedAvgArm, ScaffoldArm
from fedarm.federated.exchange import Exchange
from fedarm.federated.faults import same_update
from fedarm.federated.inprocess import InProcessGrid
from fedarm.federated.keys import ARRAYS, METRICS, NUM_EXAMPLES
from fedarm.federated.strategies import STRATEGIES

ROUNDS = 2
ARMS = {
    "fedavg": FedAvgArm(kind="federated", strategy="fedavg"),
    "fedadam": FedAdamArm(kind="federated", strategy="fedadam"),
    "scaffold": ScaffoldArm(kind="federated", strategy="scaffold"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int)
    parser.add_argument("--strategy", choices=list(ARMS))
    parser.add_argument("--parameters", type=int, default=1_000_000)
    args = parser.parse_args()
    if args.clients:
        hold(args.strategy, args.clients, args.parameters)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    ratios = []
    for strategy in ARMS:
        few, many = (peak_mb(strategy, clients, args.parameters) for clients in (10, 1000))
        print(f"{strategy}_10_clients_mb: {few:.0f}")
        print(f"{strategy}_1000_clients_mb: {many:.0f}")
        ratios.append(many / few)
    print(f"memory_ratio: {max(ratios):.3f}")


def peak_mb(strategy: str, clients: int, parameters: int) -> float:
    options = ["--clients", clients, "--strategy", strategy, "--parameters", parameters]
    command = [sys.executable, __file__, *map(str, options)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def hold(strategy_name: str, clients: int, parameters: int) -> None:
    grid = InProcessGrid(answering(), clients)
    nodes = {node: f"client_{node}" for node in grid.get_node_ids()}
    strategy = STRATEGIES[strategy_name](ARMS[strategy_name], [5] * clients)
    strategy.meet(list(nodes))
    weights = ArrayRecord({"w": Array(np.zeros(parameters, np.float32))})
    for number in range(1, ROUNDS + 1):
        exchange = Exchange(
            grid,
            strategy.configure_train(number, weights, ConfigRecord(), grid),
            clients=nodes,
            during=f"round {number}",
            check=same_update(weights, rows=dict.fromkeys(nodes, 5)),
        )
        new, _ = strategy.aggregate_train(number, exchange.replies())
        assert new is not None
        weights = new


def answering() -> ClientApp:
    app = ClientApp()

    @app.train()
    def train(message: Message, context: Context) -> Message:
        del context
        received = message.content.array_records[ARRAYS]["w"].numpy()
        update = {"w": Array(received + np.float32(1))}
        if "accepted-round" in message.content.config_records["config"]:
            update["control/w"] = Array(received)
        content = {ARRAYS: ArrayRecord(update), METRICS: MetricRecord({NUM_EXAMPLES: 5})}
        return Message(RecordDict(content), reply_to=message)

    return app


if __name__ == "__main__":
    main()

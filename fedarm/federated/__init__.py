"""Federated training: a Flower app around the loop that every arm shares.

    server_app.py   the ServerApp: finds the run's settings and holds its rounds
    client_app.py   the ClientApp: sums (query), local steps (train), held-out loss (evaluate)
    run.py          one federated run in this process, as a training job starts it
    rounds.py       train, aggregate, evaluate and save, round by round
    roster.py       which node is which client
    statistics.py   the global normalisation, from the clients' sums
    start.py        the policy that a run starts from
    exchange.py     send to all clients; count and order what comes back, and go on without it or not
    faults.py       what can be wrong with a reply
    seal.py         digests of what travels
    aggregation.py  sums over clients in bounded memory
    contents.py     parts of a message's content
    memory.py       memory that one client frees serves the next one
    arrays.py       a message's arrays, read where they lie
    client_state.py what a client remembers between rounds
    records.py      what travels: weights, sums, settings
    wire.py         how arrays travel: 32 bits, or 16
    keys.py         the names that server and clients agree on
    inprocess.py    a Grid that calls the ClientApp directly
    environment.py  keeps Flower quiet and offline
    strategies/     the federated algorithms that a configuration can choose

`flwr run .` finds the two apps through `pyproject.toml`; how to name a run is told in `server_app`.
"""

from fedarm.federated.environment import quiet_flower

# Flower reads these variables when it is imported, and every module here imports it.
quiet_flower()

"""The two apps, and how Flower finds them."""

import copy
import os
from pathlib import Path

import numpy as np
import pytest
from flwr.app import Message, RecordDict
from flwr.cli.config_utils import load_and_validate

from fedarm.errors import ConfigError
from fedarm.federated import client_app, environment, server_app
from fedarm.federated.exchange import ClientError
from fedarm.federated.inprocess import InProcessGrid
from fedarm.federated.keys import ARRAYS, CONFIG, QUERY_SUMS, SERVER_ROUND, SETTINGS
from fedarm.federated.records import pack_config, pack_settings, pack_weights, sums_in
from fedarm.federated.start import load_start
from fedarm.federated.statistics import gather_sums
from fedarm.paths import write_atomic
from fedarm.training.rows import load_train_rows
from tests.unit.training.synthetic import settings_of

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def settings(experiment):
    return settings_of(experiment, "fedprox", 0)


@pytest.fixture
def grid(settings):
    return InProcessGrid(client_app.app, len(settings.run.clients))


def ask(grid, message_type, content, *, client=0):
    message = Message(content, list(grid.get_node_ids())[client], message_type)
    return next(iter(grid.send_and_receive([message])))


def work(settings, round_number=1):
    """What a strategy sends."""
    sums = gather_sums(
        grid := InProcessGrid(client_app.app, 2),
        settings,
        dict(zip(grid.get_node_ids(), settings.run.clients, strict=True)),
    ).sums
    config = pack_config(settings, sums.statistics())
    config[SERVER_ROUND] = round_number
    return RecordDict({ARRAYS: pack_weights(load_start(settings)), CONFIG: config})


def test_pyproject_names_both_apps():
    config, warnings = load_and_validate(PROJECT / "pyproject.toml")
    assert warnings == []
    components = config["tool"]["flwr"]["app"]["components"]
    assert components["serverapp"] == f"{server_app.__name__}:app"
    assert components["clientapp"] == f"{client_app.__name__}:app"
    # A SuperLink refuses a run with a key that is not there.
    keys = config["tool"]["flwr"]["app"]["config"]
    assert set(keys) == {"config", "arm", "seed", SETTINGS}
    assert server_app.settings_of(keys).run.arm == keys["arm"]


def test_sums_are_those_of_the_train_split_and_no_row_is_sent(settings, grid):
    reply = ask(grid, QUERY_SUMS, RecordDict({CONFIG: pack_config(settings)}), client=1)
    own = load_train_rows([settings.sources[1]], settings.policy.chunk_size).sums()
    sent = reply.content.array_records[ARRAYS]
    assert sums_in(sent).to_arrays().keys() == own.to_arrays().keys()
    for name, values in own.to_arrays().items():
        np.testing.assert_array_equal(sent[name].numpy(), values)
    # At most six joints, however many rows the client has.
    assert max(array.numpy().size for array in sent.values()) == 6


def test_global_normalisation_is_that_of_the_pooled_rows(settings, grid):
    clients = dict(zip(grid.get_node_ids(), settings.run.clients, strict=True))
    gathered = gather_sums(grid, settings, clients)
    assert gathered.rows == tuple(
        len(load_train_rows([source], settings.policy.chunk_size)) for source in settings.sources
    )
    added = gathered.sums
    pooled = load_train_rows(settings.sources, settings.policy.chunk_size).sums()
    for feature, moments in pooled.statistics().items():
        for name, values in moments.items():
            assert added.statistics()[feature][name].tobytes() == values.tobytes()


@pytest.mark.parametrize("message_type", ["train", "evaluate"])
def test_a_client_leaves_what_it_receives_as_it_was(settings, grid, message_type):
    content = work(settings)
    before = copy.deepcopy(content)
    first = ask(grid, message_type, content)
    assert content == before
    # Nor does it remember: asked the same again, it answers the same.
    assert ask(grid, message_type, content).content == first.content


def test_clients_answer_differently(settings, grid):
    content = work(settings)
    left, right = (ask(grid, "train", content, client=client).content for client in (0, 1))
    assert left.array_records[ARRAYS] != right.array_records[ARRAYS]


def test_a_node_that_is_no_client_is_refused(settings):
    grid = InProcessGrid(client_app.app, 3)
    with pytest.raises(ClientError, match="this node is none of them"):
        ask(grid, QUERY_SUMS, RecordDict({CONFIG: pack_config(settings)}), client=2)


def test_run_config_names_a_run(experiment, tmp_path):
    file = tmp_path / "config.yaml"
    write_atomic(file, experiment.config.model_dump_json())
    named = server_app.settings_of({"config": str(file), "arm": "fedavg", "seed": 1})
    assert named == settings_of(experiment, "fedavg", 1)
    with pytest.raises(ConfigError, match="not a federated arm"):
        server_app.settings_of({"config": str(file), "arm": "central", "seed": 0})
    with pytest.raises(ConfigError, match=r"no such run(.|\n)*fedprox/seed0"):
        server_app.settings_of({"config": str(file), "arm": "fedprocks", "seed": 0})
    with pytest.raises(ConfigError, match=r"not named(.|\n)*seed"):
        server_app.settings_of({"config": str(file), "arm": "fedprox"})


def test_in_process_the_settings_come_ready_made(settings):
    assert server_app.settings_of({SETTINGS: pack_settings(settings)}) == settings


def test_flower_is_quiet_unless_the_user_wants_otherwise(monkeypatch):
    monkeypatch.setenv("FLWR_TELEMETRY_ENABLED", "1")
    monkeypatch.delenv("FLWR_DISABLE_UPDATE_CHECK", raising=False)
    environment.quiet_flower()
    assert os.environ["FLWR_TELEMETRY_ENABLED"] == "1"
    assert os.environ["FLWR_DISABLE_UPDATE_CHECK"] == "1"

"""A tiny SmolVLA trained federatedly: what travels, what it reads, and that a kill changes nothing."""

from dataclasses import replace

import numpy as np
import pytest

from fedarm.errors import ConfigError
from fedarm.policies.checkpoint import load_pretrained
from fedarm.training.arms import train_pooled
from fedarm.training.held_out import held_out_loss
from fedarm.training.rows import load_evaluated_rows, load_train_rows
from tests.unit.federated.conftest import FEDPROX
from tests.unit.federated.test_rounds import results_of, train_killed_after, trained
from tests.unit.training.synthetic import moved, settings_of

TINY_SMOLVLA = {
    "type": "smolvla",
    "vlm": "tiny",
    "chunk_size": 4,
    "n_action_steps": 2,
    "image_size": 32,
    "vlm_image_size": 32,
    "num_vlm_layers": 2,
    "max_state_dim": 8,
    "max_action_dim": 8,
    "tokenizer_max_length": 16,
    "num_steps": 2,
}
TRAINING = {"samples": 48, "batch_size": 8, "lr": 0.001, "held_out_rows": 4, "keep_every": 10}
ARMS = {
    "central": {"kind": "central"},
    "fedprox": {**FEDPROX, "mu": 0.1, "optimizer_state": "average"},
}


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEDARM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module", params=["whole expert", "adapters"])
def smolvla(request, _cache, make):
    lora = {"rank": 2} if request.param == "adapters" else None
    return make(policy={**TINY_SMOLVLA, "lora": lora}, training=TRAINING, arms=ARMS)


@pytest.fixture(scope="module")
def unbroken(smolvla, tmp_path_factory):
    return trained(settings_of(smolvla, "fedprox", 0), tmp_path_factory.mktemp("unbroken"))


def test_only_what_is_trained_travels(smolvla, unbroken):
    _, metrics = unbroken
    settings = settings_of(smolvla, "fedprox", 0)
    everything = load_pretrained(settings.start, expected=settings.policy).policy
    parameters = sum(value.numel() for value in everything.parameters())
    assert metrics["parameters"] < (0.2 if settings.policy.lora else 0.5) * parameters
    first = metrics["rounds"][1]
    # Down for training and for the evaluation, to two clients; numpy's headers are the rest.
    payload = 2 * 2 * 4 * metrics["parameters"]
    headers = 2 * 128 * 200
    assert payload < first["bytes_down"] < 1.2 * payload + 2 * 2 * headers


def test_killed_and_started_again_it_ends_with_the_same_bytes(
    smolvla, unbroken, tmp_path, monkeypatch
):
    settings = moved(settings_of(smolvla, "fedprox", 0), tmp_path)
    train_killed_after(settings, monkeypatch, 2)
    assert results_of(settings) == unbroken


def test_bfloat16_changes_what_it_computes_and_little_of_it(smolvla, unbroken, tmp_path):
    settings = settings_of(smolvla, "fedprox", 0)
    half = settings.training.model_copy(update={"precision": "bfloat16"})
    _, metrics = trained(replace(settings, training=half), tmp_path)
    losses = [run["rounds"][1]["clients"]["left"]["policy_loss"] for run in (metrics, unbroken[1])]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)


def test_its_checkpoint_is_a_stock_smolvla(smolvla, tmp_path):
    from lerobot.policies.factory import make_pre_post_processors
    from lerobot.policies.smolvla.modeling_smolvla import SmolVLAPolicy

    settings = moved(settings_of(smolvla, "central", 0), tmp_path)
    train_pooled(settings)
    folder = settings.checkpoints / "round_0003" / "pretrained_model"
    stock = SmolVLAPolicy.from_pretrained(folder, strict=True)
    make_pre_post_processors(stock.config, pretrained_path=str(folder))
    start = load_pretrained(settings.start, expected=settings.policy).policy.state_dict()
    changed = {n for n, value in stock.state_dict().items() if not value.equal(start[n])}
    assert changed
    assert not any(".vlm." in name for name in changed)


@pytest.fixture(scope="module")
def adapters(_cache, make):
    """Adapters, and an arm whose clients keep those of the last layer."""

    def own(**arm):
        personalised = {"kind": "federated", "strategy": "personalised", **arm}
        return make(
            policy={**TINY_SMOLVLA, "lora": {"rank": 2}},
            training=TRAINING,
            arms={"central": {"kind": "central"}, "personalised": personalised},
        )

    return own


def test_adapters_of_the_head_are_each_clients_own(adapters, tmp_path, monkeypatch):
    settings = settings_of(adapters(optimizer_state="average"), "personalised", 0)
    unbroken = trained(settings, tmp_path / "unbroken")
    folder = tmp_path / "unbroken" / "checkpoints" / "round_0003"
    left, right, shared = (
        load_pretrained(path / "pretrained_model", expected=settings.policy).policy.state_dict()
        for path in (folder / "clients" / "left", folder / "clients" / "right", folder)
    )
    start = load_pretrained(settings.start, expected=settings.policy).policy.state_dict()
    own = {name for name in shared if not left[name].equal(right[name])}
    assert own == {"model.action_out_proj.weight"}
    body = {name for name in shared if not shared[name].equal(start[name])} - own
    assert any(name.endswith("q_proj.weight") for name in body)
    assert all(left[name].equal(shared[name]) for name in body)

    killed = moved(settings, tmp_path / "killed")
    train_killed_after(killed, monkeypatch, 2)
    assert results_of(killed) == unbroken


def test_a_head_without_adapters_is_refused(adapters, tmp_path):
    settings = settings_of(adapters(head=["model.action_out_projection."]), "personalised", 0)
    with pytest.raises(ConfigError) as refused:
        trained(settings, tmp_path)
    said = str(refused.value)
    assert "key:    head" in said
    assert "value:  'model.action_out_projection.'" in said
    assert "did you mean 'model.action_out_proj.'?" in said
    assert "lora" not in said


def test_each_client_reads_its_own_instruction(smolvla):
    settings = settings_of(smolvla, "central", 0)
    rows = load_train_rows(settings.sources, settings.policy.chunk_size)
    batch = rows.batch(np.array([0, len(rows) - 1]))
    assert batch.tasks.tolist() == ["Move to the left box.", "Move to the right box."]


def test_held_out_losses_share_their_draws_and_depend_on_the_instruction(smolvla, monkeypatch):
    settings = settings_of(smolvla, "central", 0)
    policy = load_pretrained(settings.start, expected=settings.policy).policy
    rows = load_evaluated_rows(settings)["left"]
    statistics = load_train_rows(settings.sources, settings.policy.chunk_size).sums().statistics()
    loss = held_out_loss(policy, rows, statistics)
    assert held_out_loss(policy, rows, statistics) == loss
    monkeypatch.setattr("fedarm.training.held_out._BATCH_SIZE", 3)
    assert held_out_loss(policy, rows, statistics) == pytest.approx(loss, rel=1e-5)
    rows._tasks[0][:] = "Something else."
    assert held_out_loss(policy, rows, statistics) != pytest.approx(loss, rel=1e-5)

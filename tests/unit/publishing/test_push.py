import shutil

import pytest
import yaml

from fedarm import cli
from tests.unit.publishing.conftest import VERDICT
from tests.unit.publishing.upload_server import OWNER, Repository

MODEL = f"models/{OWNER}/smoke-fedprox-seed"


@pytest.fixture
def push(experiment, capsys):
    """Run the command; return its exit code, its output and its messages."""

    def call(*arguments, owner=OWNER, arm="fedprox"):
        code = cli.main(["push", str(experiment), "--owner", owner, "--arm", arm, *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_each_seed_becomes_a_private_repository(hub, push, experiment):
    code, out, err = push()
    assert code == 0, err
    assert set(hub.repositories) == {f"{MODEL}0", f"{MODEL}1"}
    for seed in (0, 1):
        repository = hub.repositories[f"{MODEL}{seed}"]
        assert repository.private
        assert set(repository.files) == {"README.md", "config.json", "model.safetensors"}
        assert repository.files["model.safetensors"] == b"weights of seed %d" % seed
        assert f"{hub.endpoint}/{OWNER}/smoke-fedprox-seed{seed}: private model, 2 files" in out


def test_the_page_says_what_was_found(hub, push):
    assert push("--seed", "1")[0] == 0
    assert set(hub.repositories) == {f"{MODEL}1"}
    page = hub.repositories[f"{MODEL}1"].files["README.md"].decode()
    _, head, text = page.split("---\n", 2)
    metadata = yaml.safe_load(head)
    assert metadata["library_name"] == "lerobot"
    assert metadata["datasets"] == ["somebody/cubes"]
    results = {
        result["dataset"]["name"]: result["metrics"][0]["value"]
        for result in metadata["model-index"][0]["results"]
    }
    assert results == {"sorting": 0.5, "sorting_new_look": 0.5}
    assert VERDICT in text
    assert "| sorting | 2 of 4 | 3 of 8 | 14 to 69 % |" in text
    assert "| sorting_new_look, unseen | 2 of 4 |" in text
    assert "256 samples in 16 steps of 16" in text
    assert f"| pool | pool | {'0' * 12} | {'c' * 64} |" in text
    assert f'from_pretrained("{OWNER}/smoke-fedprox-seed1")' in text


def test_pushed_again_large_files_do_not_travel(hub, push):
    assert push("--seed", "0")[0] == 0
    assert any(line.startswith("PUT /blobs/") for line in hub.requests)
    hub.requests.clear()
    assert push("--seed", "0")[0] == 0
    assert not any(line.startswith("PUT /blobs/") for line in hub.requests)


def test_rollouts_become_datasets_that_lerobot_finds(hub, push):
    code, _, err = push("--seed", "0", "--rollouts")
    assert code == 0, err
    dataset = hub.repositories[f"datasets/{OWNER}/smoke-fedprox-seed0-rollouts-sorting"]
    assert dataset.private
    assert set(dataset.files) == {"README.md", "meta/info.json", "data.parquet"}
    assert dataset.tags == {"v3.0": 1}
    assert push("--seed", "0", "--rollouts")[0] == 0
    assert dataset.tags == {"v3.0": 2}
    code, _, err = push("--seed", "1", "--rollouts")
    assert code == 2
    assert "rollout.as_dataset" in err


def test_only_rollouts_of_the_results_tasks_are_pushed(hub, push, experiment):
    rollouts = experiment / "fedprox/seed0/rollouts"
    # A scene that the experiment no longer has, and what a killed job has left.
    for folder in ("stacking", ".sorting.x1y2z3"):
        shutil.copytree(rollouts / "sorting", rollouts / folder)
    assert push("--seed", "0", "--rollouts")[0] == 0
    datasets = [name for name in hub.repositories if name.startswith("datasets/")]
    assert datasets == [f"datasets/{OWNER}/smoke-fedprox-seed0-rollouts-sorting"]


def test_a_shared_policy_is_not_pushed_with_the_success_of_the_clients_own(hub, push, experiment):
    own = experiment / "fedprox/seed1/checkpoints/round_0002/clients/cubes/pretrained_model"
    own.mkdir(parents=True)
    code, _, err = push()
    assert code == 2
    assert "clients have policies of their own" in err
    assert str(own) in err
    assert "hf upload OWNER/NAME FOLDER" in err
    assert hub.requests == []
    # Only the round that was compared counts.
    earlier = own.parents[3] / "round_0001"
    earlier.mkdir()
    own.parents[1].rename(earlier / "clients")
    assert push()[0] == 0


def test_what_is_public_is_only_added_to_when_asked(hub, push):
    hub.repositories[f"{MODEL}0"] = Repository(private=False)
    code, _, err = push("--seed", "0")
    assert code == 2
    assert "the repository exists and is public" in err
    assert hub.repositories[f"{MODEL}0"].files == {}
    assert push("--public")[0] == 0
    assert "README.md" in hub.repositories[f"{MODEL}0"].files
    assert not hub.repositories[f"{MODEL}1"].private


def test_a_checkpoint_that_was_not_compared_is_not_pushed(hub, push, experiment):
    model = experiment / "fedprox/seed1/checkpoints/round_0002/pretrained_model"
    (model / "model.safetensors").write_bytes(b"other weights")
    code, _, err = push()
    assert code == 2
    assert str(model) in err
    # Seed 0 is sound, but nothing leaves before all was looked at.
    assert hub.requests == []


def test_a_dry_run_asks_the_hub_for_nothing(hub, push):
    code, out, _ = push("--dry-run", "--rollouts", "--seed", "0")
    assert code == 0
    assert f"to the private model {OWNER}/smoke-fedprox-seed0: 2 files" in out
    assert f"to the private dataset {OWNER}/smoke-fedprox-seed0-rollouts-sorting" in out
    assert hub.requests == []


def test_a_token_that_is_missing_or_refused_is_said(hub, push, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    code, _, err = push()
    assert code == 2
    assert "'set, but not accepted'" in err
    assert "/settings/tokens" in err
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.delenv("HF_TOKEN")
    code, _, err = push()
    assert code == 2
    assert "'not set'" in err
    assert hub.repositories == {}


def test_an_owner_of_others_is_said(hub, push):
    code, _, err = push(owner="strangers")
    assert code == 2
    assert "the token may not write there" in err
    assert "'strangers'" in err


def test_a_hub_that_fails_is_said(hub, push):
    hub.fail = {"/commit/": 500}
    code, _, err = push("--seed", "0")
    assert code == 2
    assert "the hub cannot be reached or does not take it" in err
    assert "Traceback" not in err


def test_what_is_not_there_is_said(push, experiment):
    assert "did you mean 'fedprox'" in push(arm="fedprx")[2]
    assert "--seed" in push("--seed", "7")[2]
    (experiment / "manifest.json").unlink()
    code, _, err = push()
    assert code == 2
    assert "not a finished experiment" in err

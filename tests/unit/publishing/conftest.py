"""A finished experiment as the stages leave it, and a hub on this machine to push it to."""

import json

import pytest
import yaml

from fedarm.provenance import digest_folder, digest_value
from tests.unit.publishing.upload_server import TOKEN, serve

VERDICT = "On the clients' tasks, fedprox against central is inconclusive.\n"
BUDGET = {
    "name": "fedprox",
    "samples": 256,
    "optimizer_steps": 16,
    "batch_size": 16,
    "parameters": 633814,
    "bytes_up": 1000,
    "bytes_down": 2000,
}


def _task(unseen):
    return {
        "task": "sorting",
        "variant": "new_look" if unseen else "standard",
        "unseen": unseen,
        "successes": 3,
        "episodes": 8,
        "wilson_ci": [0.1368, 0.6943],
        "by_seed": {
            "0": {"successes": 1, "episodes": 4},
            "1": {"successes": 2, "episodes": 4},
        },
    }


@pytest.fixture
def experiment(tmp_path):
    """Return the folder of an experiment with one arm, two seeds, and rollouts of one of them."""
    root = tmp_path / "results" / "smoke"
    digests = {}
    for seed in (0, 1):
        model = root / f"fedprox/seed{seed}/checkpoints/round_0002/pretrained_model"
        model.mkdir(parents=True)
        (model / "config.json").write_text('{"type": "act"}')
        (model / "model.safetensors").write_bytes(b"weights of seed %d" % seed)
        digests[str(seed)] = digest_value(digest_folder(model))
    rollouts = root / "fedprox/seed0/rollouts/sorting/dataset"
    (rollouts / "meta").mkdir(parents=True)
    (rollouts / "meta/info.json").write_text('{"codebase_version": "v3.0"}')
    (rollouts / "data.parquet").write_bytes(b"rows")
    arm = {
        "arm": "fedprox",
        "kind": "federated",
        "round": 2,
        "seeds": [0, 1],
        "checkpoints": digests,
        "tasks": {"sorting": _task(False), "sorting_new_look": _task(True)},
    }
    results = {
        "experiment": "smoke",
        "evaluation": "closed_loop",
        "clients": ["sorting", "cubes"],
        "unseen": ["sorting_new_look"],
        "arms": {"fedprox": arm},
        "budgets": [BUDGET],
    }
    config = {
        "policy": {"type": "act", "vision_backbone": "resnet_narrow_gn"},
        "arms": {"fedprox": {"kind": "federated", "strategy": "fedprox"}},
        "rollout": {"as_dataset": False},
        "datasets": {
            "sorting": {"source": "sim"},
            "cubes": {"source": "hub", "repo_id": "somebody/cubes"},
        },
    }
    names = ("sorting", "cubes", "sorting_new_look", "pool")
    manifest = {
        "datasets": {name: {"version": "0" * 12, "content_sha256": "c" * 64} for name in names},
        "versions": {"fedarm": "0.1.0", "lerobot": "0.6.1", "torch": "2.11.0"},
        "code": {"git_commit": "d" * 40},
    }
    (root / "comparison").mkdir()
    (root / "comparison/results.json").write_text(json.dumps(results))
    (root / "comparison/verdict.txt").write_text(VERDICT)
    (root / "config.yaml").write_text(yaml.safe_dump(config))
    (root / "manifest.json").write_text(json.dumps(manifest))
    return root


@pytest.fixture
def hub(monkeypatch):
    """Return a hub that the client is pointed at, with a token that it takes."""
    from huggingface_hub import constants, hf_api, lfs, utils

    with serve() as hub:
        for module in (constants, hf_api, lfs, utils):
            monkeypatch.setattr(module, "ENDPOINT", hub.endpoint, raising=False)
        # The client's own storage protocol has no stand-in; the older one is plain HTTP.
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield hub

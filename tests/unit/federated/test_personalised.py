"""A personalised run: own heads, own checkpoints."""

import json

import torch

from fedarm.policies.checkpoint import load_pretrained
from tests.unit.federated.test_rounds import trained
from tests.unit.training.synthetic import settings_of

HEAD = "model.action_head."


def test_each_client_has_its_own_checkpoint_with_the_shared_body(make, tmp_path):
    arm = {"kind": "federated", "strategy": "personalised"}
    own = make(arms={"central": {"kind": "central"}, "personalised": arm})
    settings = settings_of(own, "personalised", 0)
    trained(settings, tmp_path)
    folder = tmp_path / "checkpoints" / "round_0003"
    policies = [
        load_pretrained(path / "pretrained_model", expected=settings.policy).policy
        for path in (folder / "clients" / "left", folder / "clients" / "right", folder)
    ]
    left, right, shared = (dict(policy.named_parameters()) for policy in policies)
    for name, value in shared.items():
        if name.startswith(HEAD):
            assert not torch.equal(left[name], right[name])
            torch.testing.assert_close(value, (left[name] + right[name]) / 2)
        else:
            assert torch.equal(left[name], value)
            assert torch.equal(right[name], value)
    assert json.loads((tmp_path / "metrics.json").read_text())["checkpoint"]["round"] == 3

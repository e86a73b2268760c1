"""PyTorch's compiler stays out of a process until somebody compiles."""

import subprocess
import sys

import pytest

ACT = """
import sys

import torch

from fedarm.config_policies import ActPolicy
from fedarm.policies.presets import build_policy, so101_features
from fedarm.training.device import prepare_torch

prepare_torch()
policy = build_policy(ActPolicy(type="act", image_size=64), so101_features(64), seed=0)
optimizer = torch.optim.AdamW(policy.parameters())
batch = {
    "observation.images.front": torch.zeros(1, 3, 64, 64),
    "observation.state": torch.zeros(1, 6),
}
policy.eval().predict_action_chunk(batch)
sum(weights.sum() for weights in policy.parameters()).backward()
optimizer.step()
optimizer.zero_grad()
print(sorted({"sympy", "torch._dynamo.eval_frame"} & set(sys.modules)))
"""

# What somebody may do who needs the compiler, and what comes of it.
NEEDS = {
    "compile": 'torch.compile(lambda x: 2 * x, backend="eager")(torch.ones(1)).item() == 2.0',
    "attribute": "torch._dynamo.config.suppress_errors is False",
    "module": "load('torch._dynamo.exc') is load('torch._dynamo.convert_frame').exc",
    "statement": "exec('import torch._dynamo.exc as exc') or exc is torch._dynamo.convert_frame.exc",
    "name": "exec('from torch._dynamo.utils import counters') or torch._dynamo.exc.counters is counters",
    "helper": "load('torchvision.ops.roi_align').is_compile_supported('cpu') is True",
}


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_policy_is_built_acts_and_learns_without_the_compiler():
    assert run(ACT) == "[]"


@pytest.mark.parametrize("need", NEEDS)
def test_the_compiler_is_there_when_it_is_needed(need):
    code = f"""
import sys
from importlib import import_module as load
import fedarm.policies
import torch
stand_in = sys.modules["torch._dynamo"]
print({NEEDS[need]})
print(sys.modules["torch._dynamo"] is not stand_in, "torch._dynamo.eval_frame" in sys.modules)
print(torch._dynamo.exc.__spec__.has_location)
"""
    assert set(run(code).split()) == {"True"}


def test_a_compiler_that_is_imported_stays():
    code = """
import sys
import torch._dynamo
from fedarm.torch_lean import leave_out_compiler
leave_out_compiler()
print(sys.modules["torch._dynamo"] is torch._dynamo, torch._dynamo.disable.__module__)
"""
    assert run(code) == "True torch._dynamo.decorators"

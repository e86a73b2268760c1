"""The examples of `docs/extending.md`, applied to a copy of the package, do what the page says."""

import json
import os
import shutil
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from fedarm.stats.crossed import crossed_t_difference
from tests.unit.report.fabrication import fabricate

from .pages import DOCS, REPOSITORY, blocks

EXAMPLES = list(blocks(DOCS / "extending.md"))
# Three clients answer with 1, 2 and 9: the median is 2, whatever their rows.
USE = """
import json
from fedarm.config import parse_config
from fedarm.federated.strategies import STRATEGIES
from fedarm.policies.presets import PRESETS, so101_features
from tests.unit.conftest import SMALL
from tests.unit.federated.strategies.test_strategies import arrays, play, values

arm = {"kind": "federated", "strategy": "median"}
raw = {**SMALL, "policy": {"type": "act_pre_norm"}, "arms": {**SMALL["arms"], "median": arm}}
config = parse_config(raw, source="small")
median = STRATEGIES["median"](config.arms["median"], [1, 1, 5])
new, _ = play(median, arrays(w=[0.0, 0.0]), [1.0, 4.0], [2.0, -1.0], [9.0, 0.0], rows=[1, 1, 5])
policy = PRESETS[config.policy.type](config.policy, so101_features(64))
print(json.dumps({"w": values(new), "pre_norm": policy.config.pre_norm, "type": policy.name}))
"""


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """Return a copy of the package to which the examples have been applied."""
    root = tmp_path_factory.mktemp("extended")
    for part in ("fedarm", "tests"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / part, root / part, ignore=ignored)
    for example in EXAMPLES:
        if example.title:
            assert not (root / example.title).exists(), example.title
            (root / example.title).write_text(example.text)
        elif example.language == "diff":
            # No repository above the copy: the paths are those of the copy.
            environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(root)}
            command = ["git", "apply", "--unidiff-zero", "--recount", "-"]
            subprocess.run(
                command, cwd=root, input=example.text, text=True, check=True, env=environment
            )
    return root


def python(root, *arguments):
    """Run Python on the copy and return what it printed, and its exit code."""
    answer = subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in answer.stderr, answer.stderr
    return answer.stdout, answer.returncode


def test_examples_are_short():
    for example in EXAMPLES:
        code = [line for line in example.text.splitlines() if line.strip()]
        assert len(code) <= 18, example


def test_the_strategy_and_the_policy_are_made_from_a_configuration(extended):
    out, code = python(extended, "-c", USE)
    assert code == 0
    assert json.loads(out) == {"w": [2.0, 0.0], "pre_norm": True, "type": "act"}


def test_the_check_finds_a_leap_and_nothing_else(extended, lab, tmp_path):
    leaping = tmp_path / "leaping"
    shutil.copytree(lab, leaping)
    file = leaping / "data/chunk-000/file-000.parquet"
    table = pq.read_table(file)
    columns = table.to_pydict()
    row = next(
        k
        for k, place in enumerate(
            zip(columns["episode_index"], columns["frame_index"], strict=True)
        )
        if place == (2, 0)
    )
    columns["action"][row][1] = columns["observation.state"][row][1] + 30
    pq.write_table(table.from_pydict(columns, schema=table.schema), file)

    for root, expected in ((lab, []), (leaping, [(2, 0, 30)])):
        out, _ = python(extended, "-m", "fedarm.cli", "data", "check", str(root), "--json")
        report = json.loads(out)
        assert "leap_at_start" in {check["check"] for check in report["checks"]}
        found = [each for each in report["findings"] if each["check"] == "leap_at_start"]
        assert [(e["episode"], e["frame"], round(e["value"])) for e in found] == expected


def test_the_metric_is_compared_by_seed_task_and_episode(tmp_path, monkeypatch):
    fabricate(tmp_path / "results" / "so101_lab", episodes=10, videos=False)
    monkeypatch.chdir(tmp_path)
    (example,) = (each for each in EXAMPLES if each.language == "python" and not each.title)
    names = {}
    exec(compile(example.text, str(example), "exec"), names)
    assert [values.shape for values in names["arms"]] == [(3, 4, 10)] * 2
    candidate, reference = (
        names["read_values"](names["results"], run, "success") for run in ("fedprox", "central")
    )
    # A rollout that succeeds ends 1 cm from its goal, and another one 12 cm.
    shorter = crossed_t_difference(candidate, reference).estimate * (0.01 - 0.12)
    assert names["estimate"].estimate == pytest.approx(shorter)

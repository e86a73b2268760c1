import json

import pytest

from fedarm.declaration import declare, read_declarations
from fedarm.errors import ResultsError
from fedarm.experiment import parse_experiment
from fedarm.stats.interval import CONFIDENCE


@pytest.fixture
def experiment_of(small_config, tmp_path):
    """Return a function that gives the experiment with some keys changed."""

    def make(**changes):
        return parse_experiment(
            {**small_config, "results_dir": str(tmp_path), **changes}, source="my.yaml"
        )

    return make


def test_a_declaration_before_the_data_says_so_and_is_made_once(experiment_of):
    experiment = experiment_of()
    declare(experiment)
    declare(experiment)
    (only,) = read_declarations(experiment.declaration).declarations
    assert only.rollouts == 0
    assert only.plan["margins"] == list(experiment.config.compare.margins)
    assert only.plan["reference"] == "central"
    assert only.plan["confidence"] == CONFIDENCE
    assert only.plan["estimand"]["primary"].startswith("ratio")


def test_seeds_added_after_a_look_are_found_out(experiment_of):
    experiment = experiment_of(seeds=[0, 1])
    declare(experiment)
    run = experiment.judged_runs[0]
    for dataset in experiment.judged[:2]:
        file = experiment.run_paths(run).episodes(dataset)
        file.parent.mkdir(parents=True)
        file.touch()
    declare(experiment_of(seeds=[0, 1, 2]))
    first, second = read_declarations(experiment.declaration).declarations
    assert (first.rollouts, second.rollouts) == (0, 2)
    assert second.plan["seeds"] == [0, 1, 2]
    assert first.sha256 != second.sha256


def test_what_the_verdict_does_not_rest_on_is_not_declared(experiment_of, small_config):
    declare(experiment_of())
    training = {**small_config["training"], "held_out_rows": 7}
    experiment = experiment_of(training=training)
    declare(experiment)
    assert len(read_declarations(experiment.declaration).declarations) == 1


def test_a_damaged_file_is_named(experiment_of):
    experiment = experiment_of()
    declare(experiment)
    content = json.loads(experiment.declaration.read_text())
    del content["declarations"][0]["rollouts"]
    experiment.declaration.write_text(json.dumps(content))
    with pytest.raises(ResultsError, match=r"declarations\.0\.rollouts"):
        declare(experiment)

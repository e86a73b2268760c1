"""The ServerApp: finds the settings of a run and holds its rounds.

    flwr run . <connection> --run-config 'config="config.yaml" arm="fedprox" seed=0'

trains the run that Snakemake trains with its rule `train_federated`, in the same folders and to the same
bytes; its datasets and its base must be there. Relative paths count from the folder in which the
SuperLink was started (a local one: where `flwr run` was first called). There must be as many SuperNodes
as clients: for a simulation, `--federation-config 'num-supernodes=4'`. `flwr run` only submits the run:
`flwr list` shows whether it finished, and a local SuperLink stays behind in the background.

In process and in a deployment that Snakemake starts, the settings come ready made.
"""

from __future__ import annotations

from pathlib import Path

from flwr.app import Context, UserConfig
from flwr.serverapp import Grid, ServerApp

from fedarm.errors import ConfigError
from fedarm.experiment import load_experiment
from fedarm.federated.keys import SETTINGS
from fedarm.federated.records import unpack_settings
from fedarm.federated.rounds import hold_rounds
from fedarm.settings import TrainSettings
from fedarm.training_jobs import train_settings

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Train the run that the run_config names."""
    hold_rounds(grid, settings_of(context.run_config))


def settings_of(run_config: UserConfig) -> TrainSettings:
    """Return the settings of the run that a run_config names.

    Raises:
        ConfigError: A key is missing, the configuration is not valid, or there is no such federated run.
    """
    if run_config.get(SETTINGS):
        return unpack_settings(str(run_config[SETTINGS]))
    missing = sorted({"config", "arm", "seed"} - set(run_config))
    if missing:
        raise ConfigError(
            "the run is not named",
            key=missing[0],
            remedy="""give --run-config 'config="config.yaml" arm="fedprox" seed=0'""",
        )
    experiment = load_experiment(Path(str(run_config["config"])))
    run = experiment.run(str(run_config["arm"]), int(run_config["seed"]))
    if run.kind != "federated":
        raise ConfigError(
            "not a federated arm",
            key="arm",
            value=run.arm,
            remedy="name an arm of kind `federated`",
        )
    return train_settings(experiment, run)

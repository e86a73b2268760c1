# One job an arm, not one a run, as for rollouts. The frame caches are inputs of their own: which episodes
# are held out, and with them what a run is replayed on, does not change a local arm's training.


rule replay_arm:
    input:
        metrics=lambda wildcards: [
            metrics_of(run) for run in experiment.runs_named(wildcards.run)
        ],
        data=caches_of(experiment.replayed),
    output:
        frames=[
            f"{experiment.root}/{{run}}/seed{seed}/replay/{dataset}/frames.parquet"
            for seed in experiment.config.seeds
            for dataset in experiment.replayed
        ],
        summaries=[
            f"{experiment.root}/{{run}}/seed{seed}/replay/{dataset}/summary.json"
            for seed in experiment.config.seeds
            for dataset in experiment.replayed
        ],
    log:
        f"logs/{experiment.config.experiment}/{{run}}/replay_arm.log",
    benchmark:
        f"logs/{experiment.config.experiment}/{{run}}/replay_arm.tsv"
    wildcard_constraints:
        run=run_names("local", "central", "federated"),
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=more_each_time(3000),
        runtime=240,
        gpu=gpus_here,
    params:
        config=resolved_config,
        script=script_of("replay_arm"),
        code=code_of("replay_arm"),
        settings=replay_digest,
    shell:
        "python {params.script:q} --config {params.config:q} --run {wildcards.run}"
        " --gpus {resources.gpu} > {log:q} 2>&1"


# The base has one seed.
use rule replay_arm as replay_base with:
    output:
        frames=[
            f"{experiment.root}/{{run}}/seed{experiment.base_run.seed}/replay/{dataset}/frames.parquet"
            for dataset in experiment.replayed
        ],
        summaries=[
            f"{experiment.root}/{{run}}/seed{experiment.base_run.seed}/replay/{dataset}/summary.json"
            for dataset in experiment.replayed
        ],
    wildcard_constraints:
        run=run_names("base"),

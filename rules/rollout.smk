# One job an arm, not one a run: a rollout is short, and its imports are not.


rule rollout_arm:
    input:
        metrics=lambda wildcards: [
            metrics_of(run) for run in experiment.runs_named(wildcards.run)
        ],
        # What an arm whose rollouts may stop early is compared with.
        reference=reference_rollouts,
    output:
        episodes=[
            f"{experiment.root}/{{run}}/seed{seed}/rollouts/{dataset}/episodes.parquet"
            for seed in experiment.config.seeds
            for dataset in experiment.rolled_out
        ],
        videos=[
            f"{experiment.root}/{{run}}/seed{seed}/rollouts/videos.json"
            for seed in experiment.config.seeds
        ],
    log:
        f"logs/{experiment.config.experiment}/{{run}}/rollout_arm.log",
    benchmark:
        f"logs/{experiment.config.experiment}/{{run}}/rollout_arm.tsv"
    wildcard_constraints:
        run=rollout_names("local", "central", "federated"),
    conda:
        "../envs/training.yaml"
    # The arms share out the cores; with fewer cores than arms, jobs side by side are all that is needed.
    threads: rollout_workers
    resources:
        mem_mb=lambda wildcards, threads, attempt: attempt * (1500 + 1500 * threads),
        runtime=240,
        gpu=gpus_here,
    params:
        config=resolved_config,
        script=script_of("rollout_arm"),
        code=code_of("rollout_arm"),
        settings=rollout_digest,
    shell:
        "python {params.script:q} --config {params.config:q} --run {wildcards.run}"
        " --workers {threads} --gpus {resources.gpu}"
        " > {log:q} 2>&1"


# The base has one seed.
use rule rollout_arm as rollout_base with:
    output:
        episodes=[
            f"{experiment.root}/{{run}}/seed{experiment.base_run.seed}/rollouts/{dataset}/episodes.parquet"
            for dataset in experiment.rolled_out
        ],
        videos=f"{experiment.root}/{{run}}/seed{experiment.base_run.seed}/rollouts/videos.json",
    wildcard_constraints:
        run=rollout_names("base"),

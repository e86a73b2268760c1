rule rollout_run:
    input:
        metrics=lambda wildcards: metrics_of(run_of(wildcards)),
    output:
        episodes=[
            f"{RUN_FOLDER}/rollouts/{dataset}/episodes.parquet"
            for dataset in experiment.rolled_out
        ],
        videos=f"{RUN_FOLDER}/rollouts/videos.json",
    log:
        f"{LOG_FOLDER}/rollout_run.log",
    benchmark:
        f"{LOG_FOLDER}/rollout_run.tsv"
    wildcard_constraints:
        run=run_names("base", "local", "central", "federated"),
    conda:
        CONDA
    resources:
        mem_mb=3000,
        runtime=240,
    params:
        config=RESOLVED_CONFIG,
        script=script_of("rollout_run"),
        code=code_of("rollout_run"),
        settings=lambda wildcards: experiment.rollout_settings(
            run_of(wildcards)
        ).digest(),
    shell:
        "python {params.script:q} --config {params.config:q} --run {wildcards.run}"
        " --seed {wildcards.seed} > {log:q} 2>&1"

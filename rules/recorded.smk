# Included by experiments with labelled episodes of a real arm only. One job for all runs: labels are
# checked as a whole or not at all.


rule collect_recorded:
    input:
        labels=str(recorded_settings(experiment).labels),
        metrics=[metrics_of(run) for run in experiment.judged_runs],
    output:
        episodes=[
            experiment.run_paths(run).episodes(dataset)
            for run in experiment.judged_runs
            for dataset in experiment.judged
        ],
        videos=[experiment.run_paths(run).videos for run in experiment.judged_runs],
    log:
        f"logs/{experiment.config.experiment}/collect_recorded.log",
    benchmark:
        f"logs/{experiment.config.experiment}/collect_recorded.tsv"
    conda:
        "../envs/video.yaml"
    resources:
        mem_mb=more_each_time(2000),
        runtime=60,
    params:
        config=resolved_config,
        script=script_of("collect_recorded"),
        code=code_of("collect_recorded"),
        settings=RECORDED_DIGEST,
    shell:
        "python {params.script:q} --config {params.config:q} > {log:q} 2>&1"

# Where nothing was tried, in the simulator or on a real arm, there are neither episodes nor films of them.
ANALYSES = [experiment.run_paths(run).video_analysis for run in experiment.judged_runs]
VIDEOS = [experiment.run_paths(run).videos for run in experiment.judged_runs]
EPISODES = [
    experiment.run_paths(run).episodes(dataset)
    for run in experiment.judged_runs
    for dataset in experiment.judged
]
REPLAYS = [
    experiment.run_paths(run).replay_summary(dataset)
    for run in experiment.runs
    for dataset in experiment.replayed
]
DATA_REPORTS = [
    file
    for name in experiment.datasets
    for file in (
        experiment.dataset_paths(name).checks,
        experiment.dataset_paths(name).hotfixes,
    )
]
COMPARISON = experiment.comparison
# Category and label of each figure in Snakemake's own report.
SUCCESS_FIGURES = {
    "verdict": ("Verdict", "kept success, with intervals"),
    "power": ("Verdict", "power of more seeds and episodes"),
    "sequential_looks": (
        "Verdict",
        f"looks on the way{'' if experiment.config.compare.looks > 1 else ': not used'}",
    ),
    "success_by_task": ("Success", "by task"),
    "success_by_seed": ("Success", "by training seed"),
    "posteriors": ("Success", "posteriors with letters"),
    "performance_profiles": ("Success", "performance profiles"),
    "success_by_time": ("Success", "by time"),
    "task_matrix": ("Success", "arms and tasks"),
    "progress": ("Training", "success and loss by round"),
    "loss_and_success": ("Training", "loss against success"),
    "smoothness": ("Motion", "smoothness"),
}
# Nobody measures where an object lay on a real table.
START_FIGURES = {"success_by_start": ("Success", "by initial condition")}
REPLAY_FIGURES = {
    "replay_error": ("Replay", "error by joint"),
    "replay_horizon": ("Replay", "error along the horizon"),
}
FIGURES = {
    **(SUCCESS_FIGURES if experiment.judged else {}),
    **(START_FIGURES if experiment.evaluation.kind == "closed_loop" else {}),
    **(REPLAY_FIGURES if experiment.replayed else {}),
}
FIGURE_FILES = [f"{COMPARISON}/figures/{name}.svg" for name in FIGURES]


rule compare_arms:
    input:
        metrics=[metrics_of(run) for run in experiment.runs],
        episodes=EPISODES,
        analyses=ANALYSES,
        replays=REPLAYS,
        data=DATA_REPORTS,
        gate=experiment.gate,
    output:
        figures=[
            report(
                f"{COMPARISON}/figures/{name}.svg",
                caption=f"../report/{name}.rst",
                category=category,
                labels={"figure": label},
            )
            for name, (category, label) in FIGURES.items()
        ],
        results=report(
            f"{COMPARISON}/results.json",
            caption="../report/results.rst",
            category="Verdict",
            labels={"figure": "results.json, for machines"},
        ),
        verdict=f"{COMPARISON}/verdict.txt",
        html=report(
            f"{COMPARISON}/report.html",
            caption="../report/report.rst",
            category="Verdict",
            labels={"figure": "the whole report, with films"},
        ),
    log:
        f"logs/{experiment.config.experiment}/compare_arms.log",
    benchmark:
        f"logs/{experiment.config.experiment}/compare_arms.tsv"
    conda:
        "../envs/statistics.yaml"
    resources:
        mem_mb=more_each_time(2000),
        runtime=30,
    params:
        config=resolved_config,
        script=script_of("compare_arms"),
        code=code_of("compare_arms"),
        settings=digest_value(experiment.comparison_settings()),
    shell:
        "python {params.script:q} --config {params.config:q} > {log:q} 2>&1"


rule write_manifest:
    input:
        metrics=[metrics_of(run) for run in experiment.runs],
        videos=VIDEOS,
        analyses=ANALYSES,
        replays=REPLAYS,
        episodes=EPISODES,
        results=f"{COMPARISON}/results.json",
        html=f"{COMPARISON}/report.html",
        reels=rules.make_reels.output,
    output:
        crate=experiment.manifest.with_name("ro-crate-metadata.json"),
        manifest=experiment.manifest,
    log:
        f"logs/{experiment.config.experiment}/write_manifest.log",
    benchmark:
        f"logs/{experiment.config.experiment}/write_manifest.tsv"
    # It states the versions of what trained, so it runs where that is installed.
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=more_each_time(1000),
        runtime=30,
    params:
        config=resolved_config,
        script=script_of("write_manifest"),
        code=code_of("write_manifest"),
    shell:
        "python {params.script:q} --config {params.config:q} > {log:q} 2>&1"

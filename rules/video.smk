rule analyze_videos:
    input:
        videos=[
            f"{experiment.root}/{{run}}/seed{seed}/rollouts/videos.json"
            for seed in experiment.config.seeds
        ],
    output:
        analyses=[
            f"{experiment.root}/{{run}}/seed{seed}/video_analysis.json"
            for seed in experiment.config.seeds
        ],
        tables=[
            f"{experiment.root}/{{run}}/seed{seed}/video_analysis.parquet"
            for seed in experiment.config.seeds
        ],
    log:
        f"logs/{experiment.config.experiment}/{{run}}/analyze_videos.log",
    benchmark:
        f"logs/{experiment.config.experiment}/{{run}}/analyze_videos.tsv"
    wildcard_constraints:
        run=run_names("local", "central", "federated"),
    conda:
        "../envs/video.yaml"
    resources:
        mem_mb=more_each_time(1000),
        runtime=60,
    params:
        script=script_of("analyze_videos"),
        code=code_of("analyze_videos"),
    shell:
        "python {params.script:q} --videos {input.videos:q} --out {output.analyses:q}"
        " > {log:q} 2>&1"


# The base has one seed.
use rule analyze_videos as analyze_base_videos with:
    input:
        videos=f"{experiment.root}/{{run}}/seed{experiment.base_run.seed}/rollouts/videos.json",
    output:
        analyses=f"{experiment.root}/{{run}}/seed{experiment.base_run.seed}/video_analysis.json",
        tables=f"{experiment.root}/{{run}}/seed{experiment.base_run.seed}/video_analysis.parquet",
    wildcard_constraints:
        run=run_names("base"),

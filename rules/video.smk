rule analyze_videos:
    input:
        videos=f"{RUN_FOLDER}/rollouts/videos.json",
    output:
        analysis=f"{RUN_FOLDER}/video_analysis.json",
    log:
        f"{LOG_FOLDER}/analyze_videos.log",
    benchmark:
        f"{LOG_FOLDER}/analyze_videos.tsv"
    wildcard_constraints:
        run=run_names("base", "local", "central", "federated"),
    conda:
        CONDA
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        script=script_of("analyze_videos"),
        code=code_of("analyze_videos"),
    shell:
        "python {params.script:q} --videos {input.videos:q} --out {output.analysis:q}"
        " > {log:q} 2>&1"

rule analyze_videos:
    input:
        videos=f"{RUN_FOLDER}/rollouts/videos.json",
    output:
        analysis=f"{RUN_FOLDER}/video_analysis.json",
    wildcard_constraints:
        run=run_names("base", "local", "central", "federated"),
    log:
        f"{LOG_FOLDER}/analyze_videos.log",
    benchmark:
        f"{LOG_FOLDER}/analyze_videos.tsv"
    conda:
        CONDA
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        code=code_of("analyze_videos"),
    shell:
        "python {SCRIPTS}/analyze_videos.py --videos {input.videos:q} --out {output.analysis:q}"
        " > {log:q} 2>&1"

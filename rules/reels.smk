# Not in the folder of the comparison, which is replaced as a whole.
REELS = experiment.root / "reels"
SHOWN = reels(experiment)


# One job for all: its imports cost more than a video.
rule make_reels:
    input:
        videos=sorted(
            {tile.paths.videos for reel in SHOWN for row in reel.rows for tile in row}
        ),
    output:
        arms=[
            report(
                f"{REELS}/{reel.name}.mp4",
                caption="../report/reels.rst",
                category="Videos",
                labels={"figure": reel.name.removeprefix("arms_").replace("_", " ")},
            )
            for reel in SHOWN
            if reel.name.startswith("arms_")
        ],
        # A report holds its files as text, so that it would grow by some 10 MB with these.
        progress=[
            f"{REELS}/{reel.name}.mp4"
            for reel in SHOWN
            if reel.name.startswith("progress_")
        ],
        records=[f"{REELS}/{reel.name}.json" for reel in SHOWN],
    log:
        f"logs/{experiment.config.experiment}/make_reels.log",
    benchmark:
        f"logs/{experiment.config.experiment}/make_reels.tsv"
    conda:
        "../envs/video.yaml"
    resources:
        mem_mb=more_each_time(1500),
        runtime=30,
    params:
        config=resolved_config,
        script=script_of("make_reels"),
        code=code_of("make_reels"),
        settings=digest_value([reel.identity() for reel in SHOWN]),
        folder=REELS,
    shell:
        "python {params.script:q} --config {params.config:q} --out {params.folder:q}"
        " > {log:q} 2>&1"

rule write_config:
    output:
        experiment.resolved_config,
    log:
        f"logs/{experiment.config.experiment}/write_config.log",
    benchmark:
        f"logs/{experiment.config.experiment}/write_config.tsv"
    conda:
        CONDA
    params:
        script=script_of("write_config"),
        code=code_of("write_config"),
        config=canonical_json(experiment.config.model_dump(mode="json")),
    shell:
        "python {params.script:q} --json {params.config:q}"
        " --out {output:q} > {log:q} 2>&1"

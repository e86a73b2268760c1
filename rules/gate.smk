# The base does not wait for it: it is pretrained before any client is known, and stays good whatever a
# client repairs afterwards. Central and federated training do; a local arm sees nobody else's data.


rule gate_datasets:
    input:
        manifests=[
            experiment.dataset_paths(name).manifest for name in experiment.datasets
        ],
        checks=[experiment.dataset_paths(name).checks for name in experiment.datasets],
    output:
        gate=experiment.gate,
    log:
        f"logs/{experiment.config.experiment}/gate_datasets.log",
    benchmark:
        f"logs/{experiment.config.experiment}/gate_datasets.tsv"
    # What does not fit together is better known before an hour of training than after it.
    priority: 34
    conda:
        "../envs/video.yaml"
    resources:
        mem_mb=more_each_time(2000),
        runtime=30,
    params:
        config=resolved_config,
        script=script_of("gate_datasets"),
        code=code_of("gate_datasets"),
        settings=digest_value(experiment.gate_settings()),
    shell:
        "python {params.script:q} --config {params.config:q} > {log:q} 2>&1"

# Checkpoints are no outputs: Snakemake would delete them when a job is killed, and they are what it goes
# on from. The metrics, written last, hold their digest.


rule train_base:
    input:
        data=caches_of(experiment.pool),
    output:
        metrics=metrics_of(experiment.base_run),
    log:
        f"logs/{experiment.config.experiment}/base/train_base.log",
    benchmark:
        f"logs/{experiment.config.experiment}/base/train_base.tsv"
    priority: 30
    conda:
        CONDA
    resources:
        mem_mb=3000,
        runtime=240,
    params:
        config=RESOLVED_CONFIG,
        script=script_of("train_base"),
        code=code_of("train_base"),
        settings=experiment.train_settings(experiment.base_run).digest(),
    shell:
        "python {params.script:q} --config {params.config:q} > {log:q} 2>&1"


rule train_pooled:
    input:
        data=training_inputs,
        base=metrics_of(experiment.base_run),
    output:
        metrics=f"{RUN_FOLDER}/metrics.json",
    log:
        f"{LOG_FOLDER}/train_pooled.log",
    benchmark:
        f"{LOG_FOLDER}/train_pooled.tsv"
    wildcard_constraints:
        run=run_names("central", "local"),
    # Long runs first, so that no core idles at the end.
    priority: 10
    conda:
        CONDA
    resources:
        mem_mb=3000,
        runtime=240,
    params:
        config=RESOLVED_CONFIG,
        script=script_of("train_pooled"),
        code=code_of("train_pooled"),
        settings=training_digest,
    shell:
        "python {params.script:q} --config {params.config:q} --run {wildcards.run}"
        " --seed {wildcards.seed} > {log:q} 2>&1"


rule train_federated:
    input:
        data=training_inputs,
        base=metrics_of(experiment.base_run),
    output:
        metrics=f"{RUN_FOLDER}/federated_metrics.json",
    log:
        f"{LOG_FOLDER}/train_federated.log",
    benchmark:
        f"{LOG_FOLDER}/train_federated.tsv"
    wildcard_constraints:
        run=run_names("federated"),
    priority: 20
    conda:
        CONDA
    # Each worker is a process with a policy of its own.
    threads: experiment.config.federation.workers
    resources:
        mem_mb=lambda wildcards, threads: (
            3000 if threads == 1 else 3000 + 1500 * threads
        ),
        runtime=240,
    params:
        config=RESOLVED_CONFIG,
        script=script_of("train_federated"),
        code=code_of("train_federated"),
        settings=training_digest,
    shell:
        "python {params.script:q} --config {params.config:q} --run {wildcards.run}"
        " --seed {wildcards.seed} --workers {threads} > {log:q} 2>&1"

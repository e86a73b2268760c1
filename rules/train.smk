def training_inputs(wildcards):
    """Return what a run's training reads: its clients' data, and all on which its loss is reported."""
    run = run_of(wildcards)
    return caches_of(dict.fromkeys((*run.clients, *experiment.evaluated)))


def training_digest(wildcards):
    """Return the digest of a run's training settings."""
    return experiment.train_settings(run_of(wildcards)).digest()


# Checkpoints are no outputs: Snakemake would delete them when a job is killed, and they are what it goes
# on from. The metrics, written last, hold their digest.


rule train_base:
    input:
        data=lambda wildcards: caches_of(
            dict.fromkeys((*experiment.pool, *experiment.evaluated))
        ),
        config=ancient(experiment.resolved_config),
    output:
        metrics=metrics_of(experiment.base_run),
    log:
        f"logs/{experiment.config.experiment}/base/train_base.log",
    benchmark:
        f"logs/{experiment.config.experiment}/base/train_base.tsv"
    conda:
        CONDA
    priority: 30
    resources:
        mem_mb=3000,
        runtime=240,
    params:
        code=code_of("train_base"),
        settings=experiment.train_settings(experiment.base_run).digest(),
    shell:
        "python {SCRIPTS}/train_base.py --config {input.config:q} > {log:q} 2>&1"


rule train_pooled:
    input:
        data=training_inputs,
        base=metrics_of(experiment.base_run),
        config=ancient(experiment.resolved_config),
    output:
        metrics=f"{RUN_FOLDER}/metrics.json",
    wildcard_constraints:
        run=run_names("central", "local"),
    log:
        f"{LOG_FOLDER}/train_pooled.log",
    benchmark:
        f"{LOG_FOLDER}/train_pooled.tsv"
    conda:
        CONDA
    # Long runs first, so that no core idles at the end.
    priority: 10
    resources:
        mem_mb=3000,
        runtime=240,
    params:
        code=code_of("train_pooled"),
        settings=training_digest,
    shell:
        "python {SCRIPTS}/train_pooled.py --config {input.config:q} --run {wildcards.run}"
        " --seed {wildcards.seed} > {log:q} 2>&1"


rule train_federated:
    input:
        data=training_inputs,
        base=metrics_of(experiment.base_run),
        config=ancient(experiment.resolved_config),
    output:
        metrics=f"{RUN_FOLDER}/federated_metrics.json",
    wildcard_constraints:
        run=run_names("federated"),
    log:
        f"{LOG_FOLDER}/train_federated.log",
    benchmark:
        f"{LOG_FOLDER}/train_federated.tsv"
    conda:
        CONDA
    priority: 20
    resources:
        mem_mb=3000,
        runtime=240,
    params:
        code=code_of("train_federated"),
        settings=training_digest,
    shell:
        "python {SCRIPTS}/train_federated.py --config {input.config:q} --run {wildcards.run}"
        " --seed {wildcards.seed} > {log:q} 2>&1"

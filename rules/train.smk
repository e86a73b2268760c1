# Checkpoints are no outputs: Snakemake would delete them when a job is killed, and they are what it goes
# on from. The metrics, written last, hold their digest.


rule train_base:
    input:
        data=caches_of((*experiment.pool, *experiment.shaping)),
    output:
        metrics=metrics_of(experiment.base_run),
    log:
        f"logs/{experiment.config.experiment}/base/train_base.log",
    benchmark:
        f"logs/{experiment.config.experiment}/base/train_base.tsv"
    priority: 30
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=more_each_time(3000),
        runtime=240,
        gpu=gpus_here,
    params:
        config=resolved_config,
        script=script_of("train_base"),
        code=code_of("train_base"),
        settings=train_settings(experiment, experiment.base_run).digest(),
        checkpoint=BASE_DIGEST,
    shell:
        "python {params.script:q} --config {params.config:q} --gpus {resources.gpu}"
        " > {log:q} 2>&1"


rule train_central:
    input:
        data=training_inputs,
        gate=gate_of,
        base=metrics_of(experiment.base_run),
    output:
        metrics=f"{RUN_FOLDER}/metrics.json",
    log:
        f"{LOG_FOLDER}/train_central.log",
    benchmark:
        f"{LOG_FOLDER}/train_central.tsv"
    wildcard_constraints:
        run=run_names("central"),
    # Long runs first, so that no core idles at the end.
    priority: 10
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=more_each_time(3000),
        runtime=240,
        gpu=gpus_here,
    params:
        config=resolved_config,
        script=script_of("train_central"),
        code=code_of("train_central"),
        settings=training_digest,
    shell:
        "python {params.script:q} --config {params.config:q} --run {wildcards.run}"
        " --seed {wildcards.seed} --gpus {resources.gpu} > {log:q} 2>&1"


# All seeds of a client in one job: each has that client's share of the budget, so the job is about as
# long as one of another arm, and pays for its imports once.
rule train_local:
    input:
        data=local_training_inputs,
        base=metrics_of(experiment.base_run),
    output:
        metrics=[
            f"{experiment.root}/{{run}}/seed{seed}/metrics.json"
            for seed in experiment.config.seeds
        ],
    log:
        f"logs/{experiment.config.experiment}/{{run}}/train_local.log",
    benchmark:
        f"logs/{experiment.config.experiment}/{{run}}/train_local.tsv"
    wildcard_constraints:
        run=run_names("local"),
    priority: 10
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=more_each_time(3000),
        runtime=240,
        gpu=gpus_here,
    params:
        config=resolved_config,
        script=script_of("train_local"),
        code=code_of("train_local"),
        settings=local_training_digest,
    shell:
        "python {params.script:q} --config {params.config:q} --run {wildcards.run}"
        " --gpus {resources.gpu} > {log:q} 2>&1"


rule train_federated:
    input:
        data=training_inputs,
        gate=gate_of,
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
        "../envs/training.yaml"
    # Each worker is a process with a policy of its own.
    threads: experiment.config.federation.workers
    resources:
        mem_mb=lambda wildcards, threads, attempt: (
            attempt * (3000 if threads == 1 else 3000 + 1500 * threads)
        ),
        runtime=240,
        gpu=federation_gpus,
    params:
        config=resolved_config,
        script=script_of("train_federated"),
        code=code_of("train_federated"),
        settings=training_digest,
    shell:
        "python {params.script:q} --config {params.config:q} --run {wildcards.run}"
        " --seed {wildcards.seed} --workers {threads}"
        " --gpus {resources.gpu} > {log:q} 2>&1"

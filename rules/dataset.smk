DATASET_FOLDER = f"{experiment.config.results_dir}/datasets/{{dataset}}/{{version}}"


rule get_dataset:
    output:
        dataset=directory(f"{DATASET_FOLDER}/dataset"),
        manifest=f"{DATASET_FOLDER}/manifest.json",
        hotfixes=f"{DATASET_FOLDER}/hotfixes.json",
    log:
        "logs/datasets/{dataset}/{version}/get_dataset.log",
    benchmark:
        "logs/datasets/{dataset}/{version}/get_dataset.tsv"
    wildcard_constraints:
        dataset=dataset_names(
            name for name in experiment.evaluated if experiment.is_simulated(name)
        ),
    # Before any training but the base's: most arms wait for the data of all clients.
    priority: 25
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=more_each_time(3000),
        runtime=30,
    params:
        config=resolved_config,
        script=script_of("get_dataset"),
        code=code_of("get_dataset"),
        recipe=lambda wildcards: digest_value(experiment.recipe(wildcards.dataset)),
    shell:
        "python {params.script:q} --config {params.config:q} --dataset {wildcards.dataset}"
        " --workers {threads} > {log:q} 2>&1"


# Pretraining waits for the pool and every arm for pretraining, so the pool is recorded first: its
# priority outweighs that of several datasets together.
use rule get_dataset as get_pool_dataset with:
    wildcard_constraints:
        dataset=dataset_names(
            name for name in experiment.pool if experiment.is_simulated(name)
        ),
    priority: 100
    threads: 2


# Of the hub or of a folder. A rule of its own, so that a change of the download records nothing anew.
rule fetch_dataset:
    output:
        dataset=directory(f"{DATASET_FOLDER}/dataset"),
        manifest=f"{DATASET_FOLDER}/manifest.json",
        hotfixes=f"{DATASET_FOLDER}/hotfixes.json",
    log:
        "logs/datasets/{dataset}/{version}/fetch_dataset.log",
    benchmark:
        "logs/datasets/{dataset}/{version}/fetch_dataset.tsv"
    wildcard_constraints:
        dataset=dataset_names(
            name for name in experiment.datasets if not experiment.is_simulated(name)
        ),
    priority: 40
    conda:
        "../envs/video.yaml"
    resources:
        mem_mb=more_each_time(4000),
        runtime=480,
    params:
        config=resolved_config,
        script=script_of("fetch_dataset"),
        code=code_of("fetch_dataset"),
        recipe=lambda wildcards: digest_value(experiment.recipe(wildcards.dataset)),
    shell:
        "python {params.script:q} --config {params.config:q} --dataset {wildcards.dataset}"
        " > {log:q} 2>&1"


rule check_dataset:
    input:
        manifest=f"{DATASET_FOLDER}/manifest.json",
    output:
        checks=f"{DATASET_FOLDER}/checks.json",
    log:
        "logs/datasets/{dataset}/{version}/check_dataset.log",
    benchmark:
        "logs/datasets/{dataset}/{version}/check_dataset.tsv"
    priority: 35
    conda:
        "../envs/video.yaml"
    resources:
        mem_mb=more_each_time(2000),
        runtime=30,
    params:
        config=resolved_config,
        script=script_of("check_dataset"),
        code=code_of("check_dataset"),
    shell:
        "python {params.script:q} --config {params.config:q} --dataset {wildcards.dataset}"
        " > {log:q} 2>&1"


rule cache_frames:
    input:
        manifest=f"{DATASET_FOLDER}/manifest.json",
    output:
        frames=f"{DATASET_FOLDER}/cache_{{size}}px/frames.npy",
        columns=f"{DATASET_FOLDER}/cache_{{size}}px/columns.npz",
        manifest=f"{DATASET_FOLDER}/cache_{{size}}px/manifest.json",
    log:
        "logs/datasets/{dataset}/{version}/cache_frames_{size}px.log",
    benchmark:
        "logs/datasets/{dataset}/{version}/cache_frames_{size}px.tsv"
    priority: 35
    conda:
        "../envs/video.yaml"
    resources:
        mem_mb=more_each_time(2000),
        runtime=30,
    params:
        config=resolved_config,
        script=script_of("cache_frames"),
        code=code_of("cache_frames"),
    shell:
        "python {params.script:q} --config {params.config:q} --dataset {wildcards.dataset}"
        " > {log:q} 2>&1"

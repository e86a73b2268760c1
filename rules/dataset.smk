DATASET_FOLDER = f"{experiment.config.results_dir}/datasets/{{dataset}}/{{version}}"


rule get_dataset:
    input:
        config=ancient(experiment.resolved_config),
    output:
        dataset=directory(f"{DATASET_FOLDER}/dataset"),
        manifest=f"{DATASET_FOLDER}/manifest.json",
    log:
        "logs/datasets/{dataset}/{version}/get_dataset.log",
    benchmark:
        "logs/datasets/{dataset}/{version}/get_dataset.tsv"
    conda:
        CONDA
    threads: recording_threads
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        script=script_of("get_dataset"),
        code=code_of("get_dataset"),
        recipe=lambda wildcards: digest_value(experiment.recipe(wildcards.dataset)),
    shell:
        "python {params.script:q} --config {input.config:q} --dataset {wildcards.dataset}"
        " --workers {threads} > {log:q} 2>&1"


rule check_dataset:
    input:
        manifest=f"{DATASET_FOLDER}/manifest.json",
        config=ancient(experiment.resolved_config),
    output:
        checks=f"{DATASET_FOLDER}/checks.json",
        hotfixes=f"{DATASET_FOLDER}/hotfixes.json",
    log:
        "logs/datasets/{dataset}/{version}/check_dataset.log",
    benchmark:
        "logs/datasets/{dataset}/{version}/check_dataset.tsv"
    conda:
        CONDA
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        script=script_of("check_dataset"),
        code=code_of("check_dataset"),
    shell:
        "python {params.script:q} --config {input.config:q} --dataset {wildcards.dataset}"
        " > {log:q} 2>&1"


rule cache_frames:
    input:
        manifest=f"{DATASET_FOLDER}/manifest.json",
        config=ancient(experiment.resolved_config),
    output:
        frames=f"{DATASET_FOLDER}/cache_{{size}}px/frames.npy",
        columns=f"{DATASET_FOLDER}/cache_{{size}}px/columns.npz",
        manifest=f"{DATASET_FOLDER}/cache_{{size}}px/manifest.json",
    log:
        "logs/datasets/{dataset}/{version}/cache_frames_{size}px.log",
    benchmark:
        "logs/datasets/{dataset}/{version}/cache_frames_{size}px.tsv"
    conda:
        CONDA
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        script=script_of("cache_frames"),
        code=code_of("cache_frames"),
    shell:
        "python {params.script:q} --config {input.config:q} --dataset {wildcards.dataset}"
        " > {log:q} 2>&1"

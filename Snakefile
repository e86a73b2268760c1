from snakemake.utils import min_version

min_version("9.27")


# A file given with --configfile replaces the default experiment as a whole.
if not workflow.configfiles:

    configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/dataset.smk"
include: "rules/train.smk"
include: "rules/rollout.smk"
include: "rules/video.smk"
include: "rules/compare.smk"


report: "report/workflow.rst"


rule all:
    default_target: True
    input:
        targets(),
    localrule: True


onstart:
    write_resolved_config(experiment)


onsuccess:
    print(verdict_text())

import gc

from snakemake.persistence import PersistenceBase
from snakemake.utils import min_version

min_version("9.27")

# Another workflow that uses this one as a module gives it a configuration, and plans as it likes.
IS_MODULE = not workflow.modifier.is_main_snakefile()

if not IS_MODULE:
    # Planning makes objects that all stay: looking for garbage among them is a tenth of a run that has
    # nothing to do.
    gc.disable()
    # Snakemake imports pandas, another fifth, to look for data frames among parameters: here all are text.
    if hasattr(PersistenceBase, "_serialize_param_builtin"):
        PersistenceBase._serialize_param = PersistenceBase._serialize_param_builtin


# A file given with --configfile replaces the default experiment as a whole.
if not IS_MODULE and not workflow.configfiles:

    configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/dataset.smk"
include: "rules/gate.smk"
include: "rules/train.smk"
include: "rules/rollout.smk"
include: "rules/replay.smk"
include: "rules/video.smk"
include: "rules/reels.smk"
include: "rules/compare.smk"


if RECORDED_DIGEST is not None:

    include: "rules/recorded.smk"


report: "report/workflow.rst"


rule all:
    default_target: True
    input:
        targets(),
    localrule: True


onstart:
    gc.enable()
    check_cluster()
    write_resolved_config(experiment)
    declare(experiment)
    tracking.start()


onsuccess:
    tracking.end()
    print(verdict_text())


onerror:
    tracking.end()

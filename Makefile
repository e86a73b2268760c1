# make run    the lab experiment: prints the verdict and where the report is
# make test   the test suite; make test-sites: a federation between processes (minutes)
# make test-slurm   an arm through a real one-node SLURM, killed on the way (minutes)
# make test-conda   the rules of video and statistics in their conda environments
# make test-report   the report in headless Chromium, if the system has one
# make docs   the documentation as a site, in site/; fails on dead links
# make lint   style, types, layering, workflow
# make config-docs   docs/config.md anew from the schema
# make bench NAME=loader   one benchmark; its last lines are `figure: value`

UV_VERSION := 0.13.9
UV := .tools/bin/uv
RUN := $(UV) run --locked
INSTALLED := .venv/.installed
ARGS ?=

.PHONY: run test test-conda test-sites test-slurm test-report docs lint format bench install install-slurm launcher config-docs envs clean

run: $(INSTALLED)
	$(RUN) snakemake --cores all $(ARGS)

# The unit tests side by side; then the experiment end to end, which uses all cores by itself, beside plans
# that keep one busy.
test: $(INSTALLED)
	$(RUN) pytest --numprocesses 2 --dist worksteal tests/unit $(ARGS)
	$(RUN) pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder tests/e2e $(ARGS)

# A federation between real processes: Flower starts one for each message, which takes minutes.
test-sites: $(INSTALLED)
	$(RUN) pytest tests/sites $(ARGS)

# Needs SLURM's daemons, and installs Snakemake's executor for it, which stays.
test-slurm: $(INSTALLED)
	$(RUN) --group slurm pytest tests/slurm $(ARGS)

# With a stand-in for conda, which needs a solver and a packer that nothing else does.
test-conda: $(INSTALLED)
	$(RUN) --group conda pytest tests/conda $(ARGS)

test-report: $(INSTALLED)
	$(RUN) pytest tests/browser $(ARGS)

# In an environment of its own: whoever writes needs none of the packages that train.
docs: $(UV)
	$(RUN) --isolated --only-group docs zensical build --strict
	$(RUN) --isolated --only-group docs python -m tests.unit.docs.listing

lint: $(INSTALLED)
	$(RUN) ruff check --no-cache .
	$(RUN) ruff format --no-cache --check .
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) snakefmt --check Snakefile rules
	$(RUN) snakemake --lint
	$(RUN) python envs/export.py --check

format: $(INSTALLED)
	$(RUN) ruff check --fix .
	$(RUN) ruff format .
	$(RUN) snakefmt Snakefile rules

bench: $(INSTALLED)
	@test -f "benchmarks/$(NAME).py" || { echo "usage: make bench NAME=<one of: $(basename $(notdir $(wildcard benchmarks/*.py)))>"; exit 2; }
	$(RUN) python benchmarks/$(NAME).py $(ARGS)

config-docs: $(INSTALLED)
	$(RUN) python -m fedarm.config_reference > docs/config.md

envs: $(UV)
	$(RUN) python envs/export.py

install: $(INSTALLED)

# Without taking away what else is installed.
install-slurm: $(INSTALLED)
	$(UV) sync --locked --inexact --compile-bytecode --group slurm

# Plans and starts jobs that run in environments of their own (--use-conda), and has nothing to run them.
launcher: $(UV)
	UV_PROJECT_ENVIRONMENT=.launcher $(UV) sync --locked --only-group workflow --no-install-project $(ARGS)

# uv is installed from the package registry into a folder of its own: a `uv` on the PATH may be the dead
# shim of another Python.
$(UV):
	python3 -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# Compiled bytecode halves the start of every job.
$(INSTALLED): pyproject.toml uv.lock $(UV)
	$(UV) sync --locked --compile-bytecode
	@touch $@

clean:
	rm -rf results logs site .snakemake

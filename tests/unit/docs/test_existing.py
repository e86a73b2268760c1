"""What the pages name is there: commands, options, files, modules, keys of the configuration."""

import re
import shlex

import pytest

from fedarm.config import Config

from .existing import fedarm_options, has_key, problems, snakemake_options
from .pages import REPOSITORY, all_blocks, commands, inline_code, pages

FOLDERS = "fedarm|tests|configs|docs|benchmarks|envs|rules|profiles|workflow_scripts|report|\\.ci"
FILE = re.compile(rf"(?:{FOLDERS})/[\w./-]*")
MODULE = re.compile(r"fedarm(\.\w+)+")
KEY = re.compile(rf"({'|'.join(Config.model_fields)})(\.[a-z_]+)+(?=$|:)")
PLACEHOLDER = re.compile(r"[^a-z]*[A-Z_]+|\||\.\.\.")
COMMANDS = {"fedarm", "make", "pytest", "python", "snakemake"}
LANGUAGES = {"bash", "console", "csv", "diff", "json", "python", "text", "yaml"}


def missing(code):
    """Return what a piece of inline code names that is not there."""
    if FILE.fullmatch(code):
        return [] if (REPOSITORY / code).exists() else [f"no file {code}"]
    if MODULE.fullmatch(code):
        return [] if is_module(code) else [f"no module or name {code}"]
    if key := KEY.match(code):
        return [] if has_key(key[0]) else [f"no key {key[0]} in the configuration"]
    if re.fullmatch(r"--[a-z][\w.-]+", code):
        return [] if is_option(code) else [f"no option {code}"]
    if code.split()[0] not in COMMANDS:
        return []
    return problems([word for word in shlex.split(code) if not PLACEHOLDER.fullmatch(word)])


def is_module(dotted):
    """Return whether a name is a module, or stands in one."""
    path = REPOSITORY / dotted.replace(".", "/")
    if path.is_dir() or path.with_suffix(".py").exists():
        return True
    module, _, name = dotted.rpartition(".")
    file = (REPOSITORY / module.replace(".", "/")).with_suffix(".py")
    return file.exists() and re.search(rf"\b{name}\b", file.read_text()) is not None


def is_option(option):
    """Return whether an option is of one of our commands, of a documented one, or of a benchmark."""
    shown = {word.split("=")[0] for block in all_blocks("bash") for word in block.text.split()}
    if option in fedarm_options() | snakemake_options() | shown:
        return True
    if option.startswith("--env."):
        plugin = (REPOSITORY / "fedarm/lerobot_plugin/environment.py").read_text()
        return re.search(rf"^    {option.removeprefix('--env.')}: ", plugin, re.M) is not None
    benchmarks = (REPOSITORY / "benchmarks").glob("*.py")
    return any(f'"{option}"' in file.read_text() for file in benchmarks)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_what_the_text_names_is_there(page):
    assert {code: missing(code) for code in inline_code(page) if missing(code)} == {}


def test_every_block_says_what_it_is():
    assert [str(block) for block in all_blocks() if block.language not in LANGUAGES] == []


@pytest.mark.parametrize("block", all_blocks("bash", "console"), ids=str)
def test_commands_and_options_of_blocks_are_there(block):
    assert [each for words in commands(block) for each in problems(words)] == []


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("fedarm data chek cubes", "no command 'chek'"),
        ("fedarm data check cubes --jason", "no option --jason"),
        ("make bensh", "no target 'bensh'"),
        ("make bench NAME=nothing", "no nothing.py"),
        ('make bench NAME=data_checks ARGS="--quickly"', "no --quickly"),
        ('make run ARGS="--dry-rum"', "no option --dry-rum"),
        ("snakemake --coers 8", "no option --coers"),
        ("snakemake --until fetch_datasets", "no rule 'fetch_datasets'"),
        ("snakemake --configfile configs/none.yaml", "no file configs/none.yaml"),
        ("pytest tests/unit/test_nothing.py", "no file tests/unit/test_nothing.py"),
        ("fedarm/nothing.py", "no file"),
        ("fedarm.stats.nothing", "no module"),
        ("rollout.episods", "no key rollout.episods"),
        ("--no-such-option", "no option"),
    ],
)
def test_what_is_not_there_would_be_found(code, says):

    found = problems(shlex.split(code)) or missing(code)
    assert says in " ".join(found)


def test_the_tests_that_run_a_block_are_there():
    named = [(str(block), test) for block in all_blocks() for test in block.tested]
    assert named
    for block, test in named:
        file, _, name = test.partition("::")
        assert (REPOSITORY / file).exists(), (block, test)
        assert f"def {name}(" in (REPOSITORY / file).read_text(), (block, test)

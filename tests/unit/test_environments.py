"""Each rule's conda environment holds what its script imports, from the graph of imports."""

import ast
import re
import tomllib
from importlib import metadata
from pathlib import Path

import grimp
import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ("training", "video", "statistics")

# Asked for by name where nothing imports them.
UNIMPORTED = {
    "pyarrow": "pandas reads and writes parquet with it",
    "so101-nexus": "the arm's model, found as a folder of files",
}


def environments_by_script() -> dict[str, str]:
    """Return the environment of each rule's script, from the texts of the rules."""
    rules = "".join(path.read_text() for path in sorted((REPOSITORY / "rules").glob("*.smk")))
    found = {}
    for rule in re.split(r"^(?=rule )", rules, flags=re.M)[1:]:
        (environment,) = re.findall(r'conda:\n        "\.\./envs/(\w+)\.yaml"\n', rule)
        (script,) = re.findall(r'script_of\("(\w+)"\)', rule)
        found[script] = environment
    return found


SCRIPTS = environments_by_script()


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("fedarm", include_external_packages=True, cache_dir=None)


@pytest.fixture(scope="module")
def distributions():
    return metadata.packages_distributions()


def imported(graph, script: str) -> set[str]:
    """Return the packages of others that a script imports, or what it imports from fedarm does."""
    tree = ast.parse((REPOSITORY / "workflow_scripts" / f"{script}.py").read_text())
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {name for node in nodes for name in (node.module, *_members(node))}
    reached, queue = set(), [name for name in names if name in graph.modules]
    while queue:
        module = queue.pop()
        if module not in reached:
            reached.add(module)
            package = module.rpartition(".")[0]
            queue += [
                *graph.find_modules_directly_imported_by(module),
                *([package] if package else []),
            ]
    return {module for module in reached if graph.is_module_squashed(module)}


def _members(node: ast.ImportFrom) -> list[str]:
    return [f"{node.module}.{alias.name}" for alias in node.names]


def requirements(environment: str) -> dict[str, str]:
    """Return the pins of an environment by the name of their distribution."""
    content = yaml.safe_load((REPOSITORY / "envs" / f"{environment}.yaml").read_text())
    (pip,) = [entry["pip"] for entry in content["dependencies"] if isinstance(entry, dict)]
    return {normalized(re.split(r"[=\[]", pin)[0]): pin for pin in pip}


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_script_has_an_environment():
    scripts = {path.stem for path in (REPOSITORY / "workflow_scripts").glob("*.py")}
    assert set(SCRIPTS) == scripts
    assert set(SCRIPTS.values()) == set(ENVIRONMENTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_environment_holds_what_its_rules_import(script, graph, distributions):
    pinned = requirements(SCRIPTS[script])
    packages = imported(graph, script)
    assert "pydantic" in packages or script == "analyze_videos"
    missing = {
        package
        for package in packages & set(distributions)
        if not {normalized(name) for name in distributions[package]} & set(pinned)
    }
    assert not missing


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_is_no_larger_than_its_rules_need(environment, graph, distributions):
    scripts = [script for script, name in SCRIPTS.items() if name == environment]
    packages = set().union(*(imported(graph, script) for script in scripts))
    needed = {normalized(name) for each in packages for name in distributions.get(each, ())}
    groups = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["dependency-groups"]
    asked = {normalized(re.split(r"[\[>=<]", entry)[0]) for entry in groups[environment]}
    assert asked - needed <= set(UNIMPORTED)


def test_every_pin_has_a_version_and_hashes():
    for environment in ENVIRONMENTS:
        for pin in requirements(environment).values():
            assert re.match(r"\S+==\S+ ", pin), pin
            assert " --hash=sha256:" in pin, pin

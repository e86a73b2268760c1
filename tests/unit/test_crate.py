"""The RO-Crate of a run, read back by the library of those who define it."""

import hashlib
import json
from datetime import UTC, datetime

import pytest
from rocrate.rocrate import ROCrate

from fedarm.crate import CRATE, build_crate

FILES = {
    "config.yaml": b"experiment: smoke\n",
    "workflow/Snakefile": b"rule all:\n",
    "comparison/results.json": b"{}\n",
    "comparison/verdict.txt": b"inconclusive\n",
    "central/seed0/rollouts/sorting/episodes.parquet": b"rows",
}


@pytest.fixture
def root(tmp_path):
    """Return the folder of an experiment with its crate."""
    for path, content in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    manifest = {
        "experiment": "smoke",
        "files": {path: hashlib.sha256(content).hexdigest() for path, content in FILES.items()},
        "datasets": {"sorting": {"version": "0123456789ab", "content_sha256": "c" * 64}},
        "code": {"git_commit": "d" * 40, "git_clean": True, "lock_sha256": None},
        "versions": {"fedarm": "0.1.0", "snakemake": "9.27.1"},
        "hardware": {"machine": "x86_64", "cores": 2},
    }
    ended = datetime(2026, 11, 26, 5, 30, tzinfo=UTC)
    (tmp_path / CRATE).write_text(json.dumps(build_crate(manifest, root=tmp_path, ended=ended)))
    return tmp_path


def test_the_crate_says_what_ran_on_what_and_with_which_outcome(root):
    crate = ROCrate(root)
    assert crate.name == "fedarm experiment smoke"
    workflow = crate.mainEntity
    assert workflow.id == "workflow/Snakefile"
    assert workflow["version"] == "d" * 40
    versions = {each["name"]: each["softwareVersion"] for each in workflow["softwareRequirements"]}
    assert versions == {"fedarm": "0.1.0", "snakemake": "9.27.1"}
    assert workflow["programmingLanguage"]["name"] == "Snakemake"
    (run,) = crate.get_by_type("CreateAction")
    assert run["instrument"] == workflow
    assert {each.id for each in run["object"]} == {"config.yaml", "#dataset-sorting"}
    assert {each.id for each in run["result"]} == {
        "comparison/results.json",
        "comparison/verdict.txt",
    }
    assert run["endTime"] == "2026-11-26T05:30:00+00:00"
    assert "https://w3id.org/ro/wfrun/workflow/0.5" in {
        profile.id for profile in crate.root_dataset["conformsTo"]
    }


def test_every_file_has_its_digest_and_size(root):
    crate = ROCrate(root)
    files = {entity.id: entity for entity in crate.get_by_type("File")}
    assert set(files) == set(FILES)
    for path, content in FILES.items():
        assert files[path]["sha256"] == hashlib.sha256(content).hexdigest()
    parquet = files["central/seed0/rollouts/sorting/episodes.parquet"]
    assert parquet["contentSize"] == "4"
    assert parquet["encodingFormat"] == "application/vnd.apache.parquet"


def test_nothing_is_referred_to_that_is_not_described(root):
    graph = json.loads((root / CRATE).read_text())["@graph"]
    described = {entity["@id"] for entity in graph}
    assert len(described) == len(graph)

    def references(value):
        if isinstance(value, dict):
            yield from [value["@id"]] if set(value) == {"@id"} else []
            for inner in value.values():
                yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    named = {name for name in references(graph) if not name.startswith("http")}
    assert named <= described
    assert {"workflow/Snakefile", "#run", "#fedarm"} <= named

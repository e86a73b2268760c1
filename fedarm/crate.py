"""The run of an experiment as an RO-Crate: `ro-crate-metadata.json`, made from the manifest.

The workflow, one action that is its run, what went in and what came out, and every file with its size
and SHA-256.

Source: RO-Crate 1.1 (Sefton et al. 2022, doi:10.5281/zenodo.3406497) with the profile Workflow Run Crate
0.5 (Leo et al. 2024, doi:10.1371/journal.pone.0309210).
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

CRATE = "ro-crate-metadata.json"
WORKFLOW = "workflow/Snakefile"

Entity = dict[str, Any]

_ROOT, _RUN = "./", "#run"
_LANGUAGE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
_SPECIFICATION = "https://w3id.org/ro/crate/1.1"
_WORKFLOW_PROFILE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    _WORKFLOW_PROFILE: "Workflow RO-Crate",
}
_CONTEXT = [
    "https://w3id.org/ro/crate/1.1/context",
    "https://w3id.org/ro/terms/workflow-run/context",
]
_MEDIA_TYPES = {
    ".jsonl": "application/jsonl",
    ".parquet": "application/vnd.apache.parquet",
    ".safetensors": "application/octet-stream",
    ".smk": "text/plain",
    ".yaml": "application/yaml",
    "": "text/plain",
}
# What is not a release on PyPI.
_ADDRESSES = {"python": "https://www.python.org/", "fedarm": "#fedarm"}
_MAIN_RESULTS = ("comparison/results.json", "comparison/verdict.txt", "comparison/report.html")


def build_crate(manifest: Mapping[str, Any], *, root: Path, ended: datetime) -> Entity:
    """Return the content of `ro-crate-metadata.json`.

    Args:
        manifest: The experiment's manifest.
        root: The experiment's folder, for the sizes of the files.
        ended: When the run came to its end.
    """
    files = [_file(root, path, sha256) for path, sha256 in manifest["files"].items()]
    inputs = [_dataset(name, entry) for name, entry in manifest["datasets"].items()]
    software = [_software(name, version) for name, version in manifest["versions"].items()]
    entities = [
        _descriptor(),
        _crate(manifest, files, ended),
        _workflow(manifest, next(f for f in files if f["@id"] == WORKFLOW), software),
        _action(manifest, files, inputs, ended),
        _language(),
        *(
            _entity(iri, "CreativeWork", name=name, version=iri.rpartition("/")[2])
            for iri, name in _PROFILES.items()
        ),
        *(file for file in files if file["@id"] != WORKFLOW),
        *inputs,
        *software,
    ]
    return {"@context": _CONTEXT, "@graph": entities}


def _descriptor() -> Entity:
    conforms = _references([_SPECIFICATION, _WORKFLOW_PROFILE])
    return _entity(CRATE, "CreativeWork", about=_reference(_ROOT), conformsTo=conforms)


def _crate(manifest: Mapping[str, Any], files: Sequence[Entity], ended: datetime) -> Entity:
    return _entity(
        _ROOT,
        "Dataset",
        name=f"fedarm experiment {manifest['experiment']}",
        description="Robot policies trained federatedly, centrally and locally at equal budgets, their"
        " rollouts, and the verdict on whether federated training is as good as central.",
        datePublished=ended.date().isoformat(),
        license="Not stated: results belong to those who made them.",
        conformsTo=_references(_PROFILES),
        mainEntity=_reference(WORKFLOW),
        mentions=_reference(_RUN),
        hasPart=_references([file["@id"] for file in files]),
    )


def _workflow(manifest: Mapping[str, Any], file: Entity, software: Sequence[Entity]) -> Entity:
    code = manifest["code"]
    commit = {"version": code["git_commit"]} if code["git_commit"] else {}
    return {
        **file,
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": "fedarm",
        "programmingLanguage": _reference(_LANGUAGE),
        "softwareRequirements": _references([each["@id"] for each in software]),
        **commit,
    }


def _action(
    manifest: Mapping[str, Any],
    files: Sequence[Entity],
    inputs: Sequence[Entity],
    ended: datetime,
) -> Entity:
    results = [file["@id"] for file in files if file["@id"] in _MAIN_RESULTS]
    hardware = ", ".join(f"{key}: {value}" for key, value in manifest["hardware"].items())
    return _entity(
        _RUN,
        "CreateAction",
        name=f"The run of experiment {manifest['experiment']}",
        description=f"On {hardware}.",
        endTime=ended.isoformat(timespec="seconds"),
        instrument=_reference(WORKFLOW),
        object=_references(["config.yaml", *(each["@id"] for each in inputs)]),
        result=_references(results),
        actionStatus=_reference("http://schema.org/CompletedActionStatus"),
    )


def _file(root: Path, path: str, sha256: str) -> Entity:
    suffix = Path(path).suffix
    media = _MEDIA_TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    size = str((root / path).stat().st_size)
    return _entity(path, "File", contentSize=size, encodingFormat=media, sha256=sha256)


def _dataset(name: str, entry: Mapping[str, str]) -> Entity:
    """Return a dataset, which lies beside the experiment's folder and may be another's to give."""
    return _entity(
        f"#dataset-{name}",
        "CreativeWork",
        name=name,
        version=entry["version"],
        sha256=entry["content_sha256"],
    )


def _software(name: str, version: str) -> Entity:
    address = _ADDRESSES.get(name, f"https://pypi.org/project/{name}/{version}/")
    page = {"url": address} if address.startswith("https:") else {}
    return _entity(address, "SoftwareApplication", name=name, softwareVersion=version, **page)


def _language() -> Entity:
    return _entity(
        _LANGUAGE,
        "ComputerLanguage",
        name="Snakemake",
        identifier=_reference("https://doi.org/10.1093/bioinformatics/bts480"),
        url=_reference("https://snakemake.readthedocs.io"),
    )


def _entity(identity: str, kind: str, **properties: Any) -> Entity:
    return {"@id": identity, "@type": kind, **properties}


def _reference(identity: str) -> Entity:
    return {"@id": identity}


def _references(identities: Any) -> list[Entity]:
    return [_reference(identity) for identity in identities]

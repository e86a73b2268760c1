"""Digests and seeds: what makes a result traceable and repeatable.

- `digest_*`: short, stable names for settings, files and code. A rule carries the digest of the code
  that it runs as a parameter, because Snakemake sees neither imports nor content by itself.
- `derive_seed`: one integer for each (experiment seed, purpose, parts), so that no two draws share a
  stream and none depends on the arm.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

VERSION_DIGITS = 12
_PACKAGE = Path(__file__).resolve().parent
_HASH_CHUNK_BYTES = 1 << 20
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def canonical_json(value: Any) -> str:
    """Return `value` as JSON with sorted keys and no optional white space."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_value(value: Any) -> str:
    """Return the sha256 (hex, 64 digits) of a JSON-serialisable value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def digest_file(path: Path) -> str:
    """Return the sha256 (hex, 64 digits) of a file's bytes."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_HASH_CHUNK_BYTES):
            sha.update(chunk)
    return sha.hexdigest()


def digest_folder(folder: Path, *, exclude: Iterable[str] = ()) -> dict[str, str]:
    """Return `{relative posix path: sha256}` of all files below `folder`, sorted by path.

    Args:
        folder: The folder to read.
        exclude: Names (of a file or folder at any depth) to leave out.
    """
    left_out = set(exclude)
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not left_out.intersection(path.relative_to(folder).parts)
    )
    return {path.relative_to(folder).as_posix(): digest_file(path) for path in files}


def derive_seed(root_seed: int, purpose: str, *parts: str | int) -> int:
    """Return a 63-bit seed for one purpose, independent of every other purpose.

    Args:
        root_seed: The experiment's seed.
        purpose: What the draws are for, for example "batches" or "initial_condition".
        *parts: What tells draws of one purpose apart: run seed, client, round, episode.
    """
    payload = canonical_json([root_seed, purpose, list(parts)])
    return int.from_bytes(hashlib.sha256(payload.encode()).digest()[:8], "big") >> 1


def digest_code(*entry_files: Path) -> str:
    """Return the digest of Python files and of everything in `fedarm` that they import.

    Comments, docstrings and layout do not count: the digest is over the syntax trees. Imports inside
    functions count like imports at the top. Data files that the package ships (templates) count when
    they lie beside an imported module.

    Args:
        *entry_files: Scripts or modules to start from.
    """
    closure: dict[str, str] = {}
    queue = [Path(file).resolve() for file in entry_files]
    while queue:
        file = queue.pop()
        name = _display_name(file)
        if name in closure:
            continue
        text = file.read_text(encoding="utf-8")
        digest, imported = _read_module(text, _package_of(file))
        closure[name] = digest
        queue.extend(imported)
        queue.extend(_package_inits(file))
        closure.update(_digest_data_files(file))
    return digest_value(sorted(closure.items()))[:VERSION_DIGITS]


def _display_name(file: Path) -> str:
    root = _PACKAGE.parent
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name


def _package_of(file: Path) -> str:
    if not file.is_relative_to(_PACKAGE):
        return ""
    parts = file.relative_to(_PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1])


def _package_inits(file: Path) -> list[Path]:
    """Return the `__init__.py` files that Python runs before `file`."""
    if not file.is_relative_to(_PACKAGE):
        return []
    folders = [folder for folder in file.parents if folder.is_relative_to(_PACKAGE)]
    return [folder / "__init__.py" for folder in folders if (folder / "__init__.py").is_file()]


def _digest_data_files(file: Path) -> dict[str, str]:
    if not file.is_relative_to(_PACKAGE):
        return {}
    data_files = (
        path
        for path in file.parent.iterdir()
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    )
    return {_display_name(path): digest_file(path) for path in data_files}


@lru_cache(maxsize=512)
def _read_module(text: str, package: str) -> tuple[str, tuple[Path, ...]]:
    tree = ast.parse(text)
    imported = tuple(sorted(_imported_files(tree, package)))
    _strip_docstrings(tree)
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), imported


def _strip_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and node.body and _is_docstring(node.body[0]):
            node.body = node.body[1:] or [ast.Pass()]


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _imported_files(tree: ast.Module, package: str) -> set[Path]:
    files: set[Path] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            prefix = "." * node.level + (node.module or "")
            module = importlib.util.resolve_name(prefix, package) if node.level else prefix
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # "fedarm.sim.environment:SO101Env" entry points are imports by another name.
            names = [node.value.partition(":")[0]]
        else:
            continue
        files.update(file for name in names if (file := _module_file(name)) is not None)
    return files


def _module_file(name: str) -> Path | None:
    """Return the file of a `fedarm` module, or None for anything else (also for its attributes)."""
    head, *rest = name.split(".")
    if head != _PACKAGE.name or not all(part.isidentifier() for part in rest):
        return None
    base = _PACKAGE.joinpath(*rest)
    for candidate in (base / "__init__.py", base.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None

"""Digests of code: what a rule's script runs, comments and layout aside.

A rule carries the digest of its code as a parameter, because Snakemake sees neither imports nor content
by itself. Parsing every module is most of the time of a run that has nothing to do, so how a text parsed
is kept in the cache folder.
"""

from __future__ import annotations

import ast
import atexit
import hashlib
import importlib.util
import json
import os
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fedarm.errors import ResultsError
from fedarm.logging import get_logger
from fedarm.paths import cache_folder, write_json
from fedarm.provenance import VERSION_DIGITS, digest_file, digest_value

_PACKAGE = Path(__file__).resolve().parent
_ROOT = f"{_PACKAGE.parent}{os.sep}"
# What the package ships beside its code. What editors, merges and desktops leave in its folders changes
# no result: `.loop.py.swp`, `loop.py~`, `loop.py.orig`, `.DS_Store`.
_DATA = {".j2", ".js", ".css"}
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

# Modules whose digest is kept: some ten versions of the package.
_KEPT_MODULES = 2000


class _Module(NamedTuple):
    """What is known of a module's text: the digest of its syntax, and names that it may import."""

    digest: str
    names: tuple[str, ...]


def digest_code(*entry_files: Path) -> str:
    """Return the digest of Python files and of everything in `fedarm` that they import.

    Comments, docstrings and layout do not count: the digest is over the syntax trees. Imports inside
    functions count like imports at the top. Data files that the package ships (templates) count when
    they lie beside an imported module.

    Args:
        *entry_files: Scripts or modules to start from.
    """
    closure: dict[str, str] = {}
    queue = [str(Path(file).resolve()) for file in entry_files]
    while queue:
        file = queue.pop()
        if file in closure:
            continue
        status = os.stat(file)  # noqa: PTH116  pathlib takes many times as long
        module = _read_file(file, (status.st_mtime_ns, status.st_size))
        closure[file] = module.digest
        queue.extend(module.files)
    # A script outside of the package goes by its name: where it lies makes no difference.
    named = {
        file.removeprefix(_ROOT) if file.startswith(_ROOT) else file.rpartition(os.sep)[2]: digest
        for file, digest in closure.items()
    }
    return digest_value(sorted(named.items()))[:VERSION_DIGITS]


class _File(NamedTuple):
    """A file as it was when read: its digest, and the files that come with it."""

    digest: str
    files: tuple[str, ...]


@cache
def _read_file(file: str, _state: tuple[int, int]) -> _File:
    """Return a file's digest and what it brings along; one whose date or size changes is read again."""
    if not file.endswith(".py"):
        return _File(digest_file(Path(file)), ())
    folder = file.rpartition(os.sep)[0]
    is_ours = file.startswith(f"{_PACKAGE}{os.sep}")
    package = folder.removeprefix(_ROOT).replace(os.sep, ".") if is_ours else ""
    with open(file, "rb") as stream:  # noqa: PTH123
        module = _read_module(stream.read(), package)
    imported = (_module_file(name) for name in module.names)
    files = [found for found in imported if found is not None]
    return _File(module.digest, (*files, *(_beside(folder) if is_ours else ())))


@cache
def _beside(name: str) -> tuple[str, ...]:
    """Return what comes with every module of a folder: `__init__.py` files above it, and data files."""
    folder = Path(name)
    packages = [each for each in (folder, *folder.parents) if each.is_relative_to(_PACKAGE)]
    inits = [each / "__init__.py" for each in packages if (each / "__init__.py").is_file()]
    data = [
        path
        for path in folder.iterdir()
        if path.suffix in _DATA and not path.name.startswith(".") and path.is_file()
    ]
    return tuple(str(path) for path in (*inits, *data))


def _read_module(source: bytes, package: str) -> _Module:
    """Parse a module, or remember how it parsed: the key is its text, so nothing goes out of date."""
    key = hashlib.sha256(f"{sys.version_info[:2]} {package} ".encode() + source).hexdigest()
    known = _known_modules()
    if key not in known:
        tree = ast.parse(source)
        names = tuple(sorted(_imported_names(tree, package)))
        _strip_docstrings(tree)
        known[key] = _Module(hashlib.sha256(ast.dump(tree).encode()).hexdigest(), names)
    return known[key]


@cache
def _known_modules() -> dict[str, _Module]:
    """Return the modules parsed before, by key; what is new is kept when the process ends."""
    file = cache_folder() / "code_digests.json"
    try:
        stored = json.loads(file.read_bytes())
        known = {key: _Module(digest, tuple(names)) for key, (digest, names) in stored.items()}
    except (OSError, ValueError):
        # None yet, or one that another version or a full disk has left: parsing makes it anew.
        known = {}
    atexit.register(_keep_modules, file, known, before=len(known))
    return known


def _keep_modules(file: Path, known: dict[str, _Module], *, before: int) -> None:
    if len(known) == before:
        return
    newest = dict(list(known.items())[-_KEPT_MODULES:])
    entries = {key: [module.digest, module.names] for key, module in newest.items()}
    try:
        write_json(file, entries)
    except ResultsError as error:
        get_logger(__name__).info("the cache of code digests is not kept: %s", error)


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


def _imported_names(tree: ast.Module, package: str) -> set[str]:
    """Return everything that a module may import from the package, under its full name."""
    found: set[str] = set()
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
        found.update(name for name in names if _is_module_name(name))
    return found


def _is_module_name(name: str) -> bool:
    head, *rest = name.split(".")
    return head == _PACKAGE.name and all(part.isidentifier() for part in rest)


@cache
def _module_file(name: str) -> str | None:
    """Return the file of a module of the package, or None for an attribute of one."""
    base = os.path.join(_PACKAGE, *name.split(".")[1:])  # noqa: PTH118  pathlib takes six times as long
    for candidate in (f"{base}{os.sep}__init__.py", f"{base}.py"):
        if os.path.isfile(candidate):  # noqa: PTH113
            return candidate
    return None

"""A rule reruns when the code that it runs changes, and not when that is only written otherwise."""

import json
import subprocess
from pathlib import Path

import pytest

import fedarm.code_digest as code_digest
from fedarm.code_digest import digest_code


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FEDARM_CACHE", str(tmp_path / "cache"))
    kept = (code_digest._known_modules, code_digest._module_file)
    for each in kept:
        each.cache_clear()
    yield
    for each in kept:
        each.cache_clear()


SOURCE = '''
"""Docstring."""
from fedarm.registry import Registry


def f(x):
    """Docstring."""
    return x + 1
'''


def code(tmp_path, text):
    file = tmp_path / "script.py"
    file.write_text(text)
    return digest_code(file)


def test_comments_docstrings_and_layout_do_not_count(tmp_path):
    before = code(tmp_path, SOURCE)
    assert code(tmp_path, SOURCE.replace("Docstring", "Another") + "\n# a comment\n") == before
    assert code(tmp_path, SOURCE.replace("x + 1", "(x  +  1)")) == before


def test_code_and_imports_count(tmp_path):
    before = code(tmp_path, SOURCE)
    assert code(tmp_path, SOURCE.replace("x + 1", "x + 2")) != before
    assert (
        code(tmp_path, SOURCE.replace("registry import Registry", "errors import suggest"))
        != before
    )


def test_import_inside_a_function_counts(tmp_path):
    lazy = "def f():\n    from fedarm.{} import thing\n    return thing\n"
    assert code(tmp_path, lazy.format("registry")) != code(tmp_path, lazy.format("paths"))


def test_transitive_imports_count(tmp_path, monkeypatch):
    package = tmp_path / "fedarm"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "outer.py").write_text("from fedarm.inner import value\n")
    (package / "inner.py").write_text("value = 1\n")
    monkeypatch.setattr(code_digest, "_PACKAGE", package)
    script = tmp_path / "script.py"
    script.write_text("import fedarm.outer\n")
    before = digest_code(script)
    (package / "inner.py").write_text("value = 1  # same\n")
    assert digest_code(script) == before
    (package / "inner.py").write_text("value = 2\n")
    assert digest_code(script) != before


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("page.html.j2", True),
        ("page.css", True),
        (".outer.py.swp", False),
        (".page.css", False),
        ("outer.py~", False),
        ("outer.py.orig", False),
        ("outer.py.rej", False),
        (".DS_Store", False),
    ],
)
def test_of_files_beside_a_module_only_shipped_ones_count(tmp_path, monkeypatch, name, counts):
    package = tmp_path / "fedarm"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "outer.py").write_text("value = 1\n")
    monkeypatch.setattr(code_digest, "_PACKAGE", package)
    script = tmp_path / "script.py"
    script.write_text("import fedarm.outer\n")
    (package / name).write_text("one")
    before = digest_code(script)
    (package / name).write_text("another")
    assert (digest_code(script) != before) == counts


def test_the_package_ships_no_other_kind_of_file():
    shipped = subprocess.run(
        ["git", "ls-files", code_digest._PACKAGE.name],
        cwd=code_digest._PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    if shipped.returncode != 0:
        pytest.skip("not a checkout of git")
    assert {Path(file).suffix for file in shipped.stdout.split()} <= {".py", *code_digest._DATA}


def test_a_kept_digest_is_that_of_a_fresh_parse(tmp_path):
    fresh = code(tmp_path, SOURCE)
    known = code_digest._known_modules()
    code_digest._keep_modules(tmp_path / "cache/code_digests.json", known, before=0)
    code_digest._known_modules.cache_clear()
    assert code_digest._known_modules() == known
    assert code(tmp_path, SOURCE) == fresh
    assert code(tmp_path, SOURCE.replace("x + 1", "x + 2")) != fresh


def test_a_broken_cache_is_made_anew(tmp_path):
    fresh = code(tmp_path, SOURCE)
    file = tmp_path / "cache/code_digests.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"key": "no pair"})[:-3])
    code_digest._known_modules.cache_clear()
    assert code(tmp_path, SOURCE) == fresh

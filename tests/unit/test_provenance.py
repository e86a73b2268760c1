"""Digests see what matters and nothing else; seeds do not collide."""

from fedarm.provenance import derive_seed, digest_code, digest_folder, digest_value

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
    import fedarm.provenance as provenance

    package = tmp_path / "fedarm"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "outer.py").write_text("from fedarm.inner import value\n")
    (package / "inner.py").write_text("value = 1\n")
    monkeypatch.setattr(provenance, "_PACKAGE", package)
    script = tmp_path / "script.py"
    script.write_text("import fedarm.outer\n")
    before = digest_code(script)
    (package / "inner.py").write_text("value = 1  # same\n")
    assert digest_code(script) == before
    (package / "inner.py").write_text("value = 2\n")
    assert digest_code(script) != before


def test_seeds_differ_by_purpose_and_part():
    seeds = {
        derive_seed(0, "batches", 1, "left"),
        derive_seed(0, "batches", 11, "left"),
        derive_seed(0, "weights", 1, "left"),
        derive_seed(1, "batches", 1, "left"),
        derive_seed(0, "batches", "1", "left"),
    }
    assert len(seeds) == 5
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_digest_value_ignores_key_order():
    assert digest_value({"a": 1, "b": 2}) == digest_value({"b": 2, "a": 1})


def test_digest_folder_is_sorted_and_excludes(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x").write_text("1")
    (tmp_path / "a").write_text("2")
    (tmp_path / "skip").write_text("3")
    assert list(digest_folder(tmp_path, exclude=["skip"])) == ["a", "b/x"]

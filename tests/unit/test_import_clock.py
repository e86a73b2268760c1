"""The clock counts imports, nested ones once, and puts the interpreter back as it was."""

import builtins
import sys
import time

from fedarm.import_clock import ImportClock


def burn(seconds):
    end_s = time.process_time() + seconds
    while time.process_time() < end_s:
        pass


def test_clock_counts_imports_once_and_restores(tmp_path, monkeypatch):
    source = "import time\nend = time.process_time() + 0.1\nwhile time.process_time() < end: pass\n"
    (tmp_path / "inner_slow.py").write_text(source)
    (tmp_path / "outer_slow.py").write_text("import inner_slow\n" + source)
    monkeypatch.syspath_prepend(tmp_path)
    original = builtins.__import__
    clock = ImportClock()
    before_s = clock.imports_s
    with clock:
        burn(0.1)
        import outer_slow  # noqa: F401
    assert 0.2 <= clock.imports_s - before_s < 0.3
    assert builtins.__import__ is original
    del sys.modules["outer_slow"], sys.modules["inner_slow"]
    assert f"imports {clock.imports_s:.2f}" in clock.line()

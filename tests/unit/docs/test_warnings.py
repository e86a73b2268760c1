"""Every code that `warnings` of `results.json` may have is in the table of its page, and no other."""

import ast
import re

from .pages import DOCS, REPOSITORY

EMITTING = ("fedarm/report", "fedarm/stats")


def emitted_codes(source):
    """Return the codes in a module's `Caution(code, text)` and `{"code": code, ...}`."""
    tree = ast.parse(source)
    assigned = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            assigned.setdefault(node.targets[0].id, []).append(node.value)
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "Caution":
            code = node.args[0]
            values = assigned[code.id] if isinstance(code, ast.Name) else [code]
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            values = [value for key, value in pairs if getattr(key, "value", None) == "code"]
        else:
            continue
        found |= {text for value in values for text in strings(value)}
    return found


def strings(value):
    """Return the text that an expression is, or the two of `one if condition else other`."""
    if isinstance(value, ast.IfExp):
        return strings(value.body) | strings(value.orelse)
    return {value.value} if isinstance(value, ast.Constant) else set()


def test_codes_are_found_however_they_are_written():
    source = (
        'def f():\n    code = "one" if g == "no" else "two"\n    return Caution(code, "text")\n'
        'def h():\n    return Caution("three", f"text"), {"code": "four"}, {"code": other.code}\n'
    )
    assert emitted_codes(source) == {"one", "two", "three", "four"}


def test_every_code_is_documented():
    page = (DOCS / "results_schema.md").read_text()
    _, _, table = page.partition("### Codes of `warnings`")
    rows = re.findall(r"^\|(.+?)\|", table.partition("\n#")[0], flags=re.MULTILINE)
    documented = {code for row in rows for code in re.findall(r"`(\w+)`", row)}
    files = [file for folder in EMITTING for file in (REPOSITORY / folder).rglob("*.py")]
    assert documented == {code for file in files for code in emitted_codes(file.read_text())}

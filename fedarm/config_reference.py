"""The reference of a configuration's keys, written from the schema: `make config-docs`.

Sections come in the order in which the schema names them; a section that is one of several kinds has a
part for each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fedarm.config import Config

Schema = Mapping[str, Any]

_REF = "#/$defs/"
_HEAD = """\
# Configuration

Every key of a configuration, from the schema (`fedarm/config*.py`); `make config-docs` writes this page.
Unknown keys are errors. `config.yaml` is a whole one, with comments on why one would change what.
"""
_BOUNDS = {
    "exclusiveMinimum": "above {}",
    "minimum": "at least {}",
    "exclusiveMaximum": "below {}",
    "maximum": "at most {}",
    "multipleOf": "a multiple of {}",
    "minItems": "{} or more of them",
}
_TYPES = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
}


@dataclass(frozen=True)
class _Section:
    """A model of the schema, at the places where it stands.

    Attributes:
        path: The keys that lead to it first; empty for the whole configuration.
        name: Its name among the schema's definitions.
        tag: What tells it from the other kinds at that place, for example "source: sim".
        elsewhere: The keys that lead to it, too.
    """

    path: str
    name: str
    tag: str = ""
    elsewhere: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """The section's title: all places, and the kind."""
        words = (self.path, *self.elsewhere, self.tag)
        return ", ".join(f"`{word}`" for word in words if word) or "The whole"


def config_reference() -> str:
    """Return the reference as Markdown."""
    schema = Config.model_json_schema()
    definitions = {**schema["$defs"], "Config": schema}
    sections = _sections(definitions)
    parts = [_HEAD]
    for section in sections.values():
        model = definitions[section.name]
        about = " ".join(str(model.get("description", "")).split())
        rows = [
            f"| `{key}` | {_kind(entry, sections)} | {_default(key, entry, model)} |"
            f" {_cell(entry.get('description', ''))} |"
            for key, entry in model.get("properties", {}).items()
        ]
        table = ["| key | value | default | meaning |", "|---|---|---|---|", *rows]
        parts.append("\n".join([f"## {section.heading}\n", f"{about}\n", *table]) + "\n")
    return "\n".join(parts)


def _sections(definitions: Mapping[str, Schema]) -> dict[str, _Section]:
    """Return the sections by the name of their model, in the order of the whole configuration."""
    found = {"Config": _Section("", "Config")}
    queue = ["Config"]
    while queue:
        outer = found[queue.pop(0)]
        for key, entry in definitions[outer.name].get("properties", {}).items():
            path = f"{outer.path}.{key}".lstrip(".")
            for inner in _models(entry, path):
                known = found.get(inner.name)
                if known is None:
                    found[inner.name] = inner
                    queue.append(inner.name)
                elif inner.path not in (known.path, *known.elsewhere):
                    places = (*known.elsewhere, inner.path)
                    found[inner.name] = replace(known, elsewhere=places)
    top = list(definitions["Config"]["properties"])
    return dict(sorted(found.items(), key=lambda item: _place(item[1], top)))


def _place(section: _Section, top: list[str]) -> int:
    """Return where a section stands: with that of the whole configuration to which it belongs."""
    return top.index(section.path.split(".")[0].removesuffix("[]")) if section.path else -1


def _models(entry: Schema, path: str) -> Iterator[_Section]:
    """Yield the models that a value may be, with the tags that tell them apart."""
    if "$ref" in entry:
        yield _Section(path, entry["$ref"].removeprefix(_REF))
    if "discriminator" in entry:
        key = entry["discriminator"]["propertyName"]
        for tag, reference in entry["discriminator"]["mapping"].items():
            if isinstance(reference, str):
                yield _Section(path, reference.removeprefix(_REF), f"{key}: {tag}")
    for choice in entry.get("oneOf", ()) if "discriminator" in entry else entry.get("anyOf", ()):
        if "$ref" not in choice or "discriminator" not in entry:
            yield from _models(choice, path)
    if isinstance(entry.get("items"), Mapping):
        yield from _models(entry["items"], f"{path}[]")
    for named in _named(entry):
        yield from _models(named, f"{path}.<name>")


def _named(entry: Schema) -> list[Schema]:
    """Return what the values of a mapping from names may be."""
    named = [*entry.get("patternProperties", {}).values(), entry.get("additionalProperties")]
    return [each for each in named if isinstance(each, Mapping)]


def _kind(entry: Schema, sections: Mapping[str, _Section]) -> str:
    """Return what a value may be, in words."""
    if "$ref" in entry:
        section = sections[entry["$ref"].removeprefix(_REF)]
        return f"[{section.tag or section.path}](#{_anchor(section.heading)})"
    for union in ("oneOf", "anyOf"):
        if union in entry:
            return "; or ".join(dict.fromkeys(_kind(each, sections) for each in entry[union]))
    if "const" in entry:
        return f"`{entry['const']}`"
    if "enum" in entry:
        return ", ".join(f"`{value}`" for value in entry["enum"])
    if entry.get("type") == "array":
        inner = _kind(entry.get("items", {}), sections)
        return _bounded(f"list of {inner}", entry)
    for named in _named(entry):
        return f"by name: {_kind(named, sections)}"
    if entry.get("type") == "null":
        return "none"
    return _bounded(_TYPES.get(entry.get("type", ""), "any"), entry)


def _bounded(kind: str, entry: Schema) -> str:
    bounds = [text.format(entry[key]) for key, text in _BOUNDS.items() if key in entry]
    return f"{kind}, {', '.join(bounds)}" if bounds else kind


def _default(key: str, entry: Schema, model: Schema) -> str:
    if key in model.get("required", ()):
        return "required"
    default = entry.get("default")
    # A section's own table says what it is when nothing is given.
    if default is None or isinstance(default, Mapping):
        return ""
    return f"`{json.dumps(default)}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _anchor(heading: str) -> str:
    """Return the fragment that GitHub and MkDocs give a heading."""
    kept = "".join(c for c in heading.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")


if __name__ == "__main__":
    print(config_reference(), end="")

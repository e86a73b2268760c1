"""Hotfixes from a file of their own, for a repair outside an experiment."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from fedarm.config_hotfixes import AnyFix
from fedarm.errors import ConfigError

_FIXES: TypeAdapter[list[AnyFix]] = TypeAdapter(list[AnyFix])
_REMEDY = (
    "write a list such as `- {fix: declared_rows}`, or `hotfixes:` above one, as in a configuration"
)


def read_fixes(file: Path) -> tuple[AnyFix, ...]:
    """Read a YAML list of hotfixes, or a mapping that holds one under `hotfixes`.

    Raises:
        ConfigError: It is missing, not YAML, no such list, or names an unknown hotfix or setting.
    """
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read it: {error.strerror}", file=file, remedy=_REMEDY) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"not valid YAML: {error}", file=file, remedy=_REMEDY) from None
    if isinstance(raw, dict) and set(raw) == {"hotfixes"}:
        raw = raw["hotfixes"]
    try:
        fixes = _FIXES.validate_python(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(
            f"no list of hotfixes: {first['msg']}",
            file=file,
            key=".".join(map(str, first["loc"])) or None,
            value=first["input"],
            remedy=_REMEDY,
        ) from None
    if not fixes:
        raise ConfigError("the list is empty", file=file, remedy=_REMEDY)
    return tuple(fixes)

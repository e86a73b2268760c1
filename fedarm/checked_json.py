"""JSON files with a documented schema, read and checked."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ValidationError

from fedarm.errors import FedarmError, ResultsError
from fedarm.paths import read_json


def read_checked[Model: BaseModel](
    model: type[Model],
    file: Path,
    *,
    remedy: str,
    problem: str = "not of the documented schema",
    error: type[FedarmError] = ResultsError,
) -> Model:
    """Return a file's content.

    Args:
        model: Its schema.
        file: The JSON file.
        remedy: What the user can do about a file that breaks it.
        problem: What is wrong then.
        error: Of which kind it is.

    Raises:
        ResultsError: The file is missing or no JSON.
        FedarmError: It breaks the schema; an `error`.
    """
    try:
        return model.model_validate(read_json(file))
    except ValidationError as breach:
        first = breach.errors(include_url=False)[0]
        raise error(
            f"{problem}: {first['msg']}",
            file=file,
            key=".".join(str(part) for part in first["loc"]) or None,
            remedy=remedy,
        ) from None

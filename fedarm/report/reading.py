"""JSON files with a documented schema, read and checked."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ValidationError

from fedarm.errors import ResultsError
from fedarm.paths import read_json


def read_checked[Model: BaseModel](
    model: type[Model], file: Path, *, remedy: str, problem: str = "not of the documented schema"
) -> Model:
    """Return a file's content.

    Args:
        model: Its schema.
        file: The JSON file.
        remedy: What the user can do about a file that breaks it.
        problem: What is wrong then.

    Raises:
        ResultsError: The file is missing, is no JSON, or breaks the schema.
    """
    try:
        return model.model_validate(read_json(file))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ResultsError(
            f"{problem}: {first['msg']}",
            file=file,
            key=".".join(str(part) for part in first["loc"]),
            remedy=remedy,
        ) from None

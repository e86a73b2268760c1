"""What the sections of the configuration are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=48)]
Positive = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]


class Model(BaseModel):
    """Base of all sections: unknown keys are errors and values cannot change."""

    # Sections are validated as parts of `Config`, so only that one is built.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

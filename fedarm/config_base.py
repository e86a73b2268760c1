"""What every section of the configuration shares: its base class and the kinds of its values."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=48)]
Positive = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]


class Model(BaseModel):
    """Base of all sections: unknown keys are errors and values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

"""Says what is wrong with a configuration: each breach with its key, its value and a remedy."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from fedarm.errors import suggest


def describe_breaches(error: ValidationError, schema: type[BaseModel]) -> str:
    """Return a message with one line for each breach of a schema.

    Args:
        error: What validation raised.
        schema: The model that was validated against.
    """
    lines = ["the configuration is not valid:"]
    for breach in error.errors(include_url=False):
        key = ".".join(str(part) for part in breach["loc"])
        lines.append(f"  {key or '(top level)'}: {_remedy(breach, schema)}")
    return "\n".join(lines)


def _remedy(breach: Any, schema: type[BaseModel]) -> str:
    """Return pydantic's message with the value and, for a misspelt key, the closest known one."""
    message = str(breach["msg"])
    if breach["type"] == "extra_forbidden":
        known = _fields_at(schema, breach["loc"][:-1])
        return f"unknown key; {suggest(str(breach['loc'][-1]), known)}"
    if breach["type"] == "missing":
        return "this key is required"
    if breach["type"] == "union_tag_invalid":
        context = {key: str(value) for key, value in breach["ctx"].items()}
        kind = context["discriminator"].strip("'")
        known = context["expected_tags"].replace("'", "").split(", ")
        return f"unknown {kind} {context['tag']!r}; {suggest(context['tag'], known)}"
    if breach["type"] == "float_type" and isinstance(breach["input"], str):
        # YAML 1.1 reads 1e-3 as text: an exponent needs a decimal point before it.
        return f"{message} (got the text {breach['input']!r}; write 0.001 or 1.0e-3)"
    return f"{message} (got {breach['input']!r})"


def _fields_at(schema: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """Return the known keys of the section at a pydantic error location.

    A location names fields, dictionary keys, positions in a list and tags of unions.
    """
    annotation: Any = schema
    for part in location:
        annotation = _step(annotation, part)
    fields = {name for model in _models(annotation) for name in model.model_fields}
    return sorted(fields)


def _step(annotation: Any, part: int | str) -> Any:
    """Return the type that one part of a location leads to."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _step(args[0], part)
    if origin in (Union, types.UnionType):
        tagged = [member for member in args if _has_tag(member, str(part))]
        return tagged[0] if tagged else _step(args[0], part)
    if origin is dict:
        return args[1]
    if origin is tuple:
        return args[0]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(part))
        return field.annotation if field else annotation
    return annotation


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is Annotated:
        yield from _models(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _models(member)


def _has_tag(annotation: Any, tag: str) -> bool:
    """Return whether a union's member is the one that a tag stands for."""
    return any(
        tag in get_args(field.annotation)
        for model in _models(annotation)
        for field in model.model_fields.values()
        if get_origin(field.annotation) is Literal
    )

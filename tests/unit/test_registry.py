"""A registry answers with its entries, and with the closest name when there is none."""

import pytest

from fedarm.errors import ConfigError
from fedarm.registry import Registry


def test_registry():
    registry: Registry[int] = Registry("check")
    registry.register("schema")(1)
    assert registry["schema"] == 1
    assert list(registry) == ["schema"]
    with pytest.raises(ConfigError, match="did you mean 'schema'"):
        registry["shcema"]
    with pytest.raises(ValueError, match="twice"):
        registry.register("schema")(2)

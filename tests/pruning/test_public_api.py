import ast
from pathlib import Path

import pytest

import pruning


@pytest.mark.parametrize("name", pruning.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(pruning, name) is not None
    assert name in dir(pruning)


def test_type_checkers_see_every_public_name() -> None:
    source = ast.parse(Path(pruning.__file__).read_text())
    imported = {
        alias.name for node in ast.walk(source) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert set(pruning.__all__) <= imported
    assert Path(pruning.__file__).with_name("py.typed").exists()


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'pruning' has no attribute 'Wanda'"):
        pruning.Wanda  # noqa: B018

"""Optional parts: imported if there, named if not, and never mistaken for another fault."""

from __future__ import annotations

import json

import pytest

from offbeat import MissingPartError, parts
from offbeat.parts import optional_part


def test_what_is_there_is_imported() -> None:
    assert optional_part("json", extra="x", needed_by="A test") is json


@pytest.mark.parametrize("module", ["no_such_package", "no_such_package.models.knn"])
def test_what_is_missing_is_named_with_the_line_that_installs_it(module: str) -> None:
    with pytest.raises(MissingPartError) as told:
        optional_part(module, extra="models", needed_by="A test")
    assert str(told.value) == 'A test needs no_such_package: pip install "offbeat[models]"'


def test_a_package_that_is_there_but_broken_says_so_itself(monkeypatch) -> None:
    def broken(_: str) -> None:
        raise ModuleNotFoundError("No module named 'something_else'", name="something_else")

    monkeypatch.setattr(parts, "import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="something_else"):
        optional_part("json", extra="x", needed_by="A test")

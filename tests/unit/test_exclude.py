"""`exclude` in all its forms: ids with commas between, a parameter for each, ids that hold commas."""

import pytest

from serving.errors import ApiError
from serving.routes.parameters import excluded


@pytest.mark.parametrize(
    ("values", "items"),
    [
        ([], set()),
        ([""], set()),
        (["a"], {"a"}),
        (["a,b,,c"], {"a", "b", "c"}),
        (["a", "b"], {"a", "b"}),
        (["a,b", "c"], {"a", "b", "c"}),
        (["x,y"], {"x,y"}),
        (["x,[y", "c"], {"x,[y", "c"}),
        ([",".join(f"item-{n}" for n in range(200))], {f"item-{n}" for n in range(200)}),
        ([f"item-{n}" for n in range(200)], {f"item-{n}" for n in range(200)}),
        ([f"a{n},b{n},c{n}" for n in range(200)], {f"a{n},b{n},c{n}" for n in range(200)}),
    ],
)
def test_every_item_named_is_left_out(values: list[str], items: set[str]) -> None:
    assert items <= excluded(values)
    assert not {"item", "d"} & excluded(values)


@pytest.mark.parametrize(
    "values", [["x" * 65], ["*"], ["a", "{b"], [f"{'x' * 64},*"], ["a\x00"], list(map(str, range(201)))]
)
def test_what_is_no_id_and_too_many_are_refused(values: list[str]) -> None:
    with pytest.raises(ApiError, match="exclude"):
        excluded(values)

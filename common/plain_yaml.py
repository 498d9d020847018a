"""YAML as people read it: one meaning for each value, each key once.

PyYAML takes the last of two equal keys, 010 for 8, 1:30 for 90, `no` for false and 2026-01-31 for a date (YAML 1.1).
Here a key that comes twice is an error with its place, numbers are decimal and only true and false are these (YAML
1.2's core schema). All else is text, which must fit where it stands.
"""

import re
from typing import Any

import yaml

TAG = "tag:yaml.org,2002:"
DIGITS = r"(?:0|[1-9][0-9]{0,17})"  # a number of thousands of digits would stop Python's own parser
FORMS = (  # tag, what the whole scalar must match, what it can begin with
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", rf"[-+]?{DIGITS}", "-+0123456789"),
    ("float", rf"[-+]?(?:{DIGITS}\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{{1,3}})?", "-+.0123456789"),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+."),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", "<<", "<"),
)


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if name in names and key.tag != f"{TAG}merge":
                raise yaml.constructor.ConstructorError(None, None, f"key '{key.value}' comes twice", key.start_mark)
            names.add(name or key)
        return super().construct_mapping(node, deep)


for _tag, _form, _first in FORMS:
    _Loader.add_implicit_resolver(f"{TAG}{_tag}", re.compile(f"(?:{_form})\\Z"), list(_first))


def read_yaml(text: str) -> Any:
    """The value of one document; `yaml.YAMLError` where it is none, or has a key twice."""
    return yaml.load(text, _Loader)


def what_is_wrong(error: yaml.YAMLError) -> str:
    """In one line, and without the line of the file itself, which may hold a password."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"{error.problem}, line {mark.line + 1}, column {mark.column + 1}"
    return " ".join(str(error).split())

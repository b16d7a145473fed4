"""Read YAML safely: plain data, no aliases, tags or repeated keys, limited in size and depth.

Plain scalars mean what the core schema of YAML 1.2 says (section 10.3.2): `1e-4` is a number, `1:30`, `no`, `1_000` and
a date are text, `010` is ten and `0o10` is eight.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import yaml

from harness.errors import UserError
from harness.textfile import read_text

LARGEST = 1_000_000  # bytes; a suite is a few kilobytes
DEEPEST = 20
LONGEST = 64  # characters of a number
NULL, BOOL, INT, FLOAT = (f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float"))
SCALARS = {
    NULL: r"|~|null|Null|NULL",
    BOOL: r"true|True|TRUE|false|False|FALSE",
    INT: r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
    FLOAT: r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
}


def _mistake(problem: str, node: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


class _Loader(yaml.SafeLoader):
    """A safe loader that also refuses features that a suite never needs and an attack would use."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # by the first character; None is any
        None: [(tag, re.compile(f"({pattern})\\Z")) for tag, pattern in SCALARS.items()]
    }
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()
        if self.check_event(yaml.AliasEvent):
            raise _mistake("aliases are not allowed", event)
        if getattr(event, "tag", None) is not None:
            raise _mistake("tags are not allowed", event)
        self.depth += 1
        if self.depth > DEEPEST:
            raise _mistake(f"nested deeper than {DEEPEST} levels", event)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _mistake("a key must be plain text", key_node)
            key = key_node.value
            if key == "<<":
                raise _mistake("merge keys are not allowed", key_node)
            if key in seen:
                raise _mistake(f"the key '{key}' stands twice", key_node)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)

    def construct_scalar(self, node: Any) -> Any:
        text = super().construct_scalar(node)
        if re.search("[\0\ud800-\udfff]", text):
            raise _mistake("a NUL or half a character is no text", node)
        return text

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """Return a number of the core schema."""
        text = node.value
        if len(text) > LONGEST:
            raise _mistake(f"a number of {len(text):,} characters; up to {LONGEST} are allowed", node)
        if node.tag == INT:
            return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
        if text.strip("+-")[:2].lower() in (".i", ".n"):
            return float(text.replace(".", "", 1))
        if math.isinf(float(text)):
            raise _mistake(f"{text} is too large for a number", node)
        return float(text)


_Loader.add_constructor(INT, _Loader.construct_number)
_Loader.add_constructor(FLOAT, _Loader.construct_number)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read the mapping that a YAML file holds.

    Raises:
        UserError: no such file, no regular one, not readable, too large, not YAML (with the line), or not a mapping.
    """
    return parse_yaml(read_text(path, LARGEST), path)


def parse_yaml(text: str, path: Path) -> dict[str, Any]:
    """Parse the mapping that a YAML text holds; the path is for messages.

    Raises:
        UserError: not YAML (with the line), or not a mapping.
    """
    try:
        document = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{path}{line}: {error.problem or error.context}; fix the YAML there.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is not YAML ({str(error).splitlines()[0]}); fix it.") from None
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise UserError(f"{path} must hold a mapping of keys to values, such as 'name: my-suite'.")
    return document

"""YAML documents, read safely: plain data only, no aliases, tags or repeated keys, of a reasonable size and depth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from harness.errors import UserError

LARGEST = 1_000_000  # bytes; a suite is a few kilobytes
DEEPEST = 20


class _Loader(yaml.SafeLoader):
    """Safe loading that also refuses what a suite never needs and an attack would use."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=event.start_mark)
        if getattr(event, "tag", None) is not None:
            raise yaml.MarkedYAMLError(problem="tags are not allowed", problem_mark=event.start_mark)
        self.depth += 1
        if self.depth > DEEPEST:
            problem = f"nested deeper than {DEEPEST} levels"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = key_node.value
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key must be plain text", problem_mark=key_node.start_mark)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"the key '{key}' stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds.

    Raises:
        UserError: no such file, not readable, too large, not YAML (with the line), or not a mapping.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise UserError(f"{path} has {size:,} bytes; a suite may have up to {LARGEST:,}.")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; name an existing YAML file.") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text; name a YAML file.") from None
    try:
        document = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{path}{line}: {error.problem or error.context}; mend the YAML there.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is not YAML ({str(error).splitlines()[0]}); mend it.") from None
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise UserError(f"{path} must hold a mapping of keys to values, such as 'name: my-suite'.")
    return document

"""Validates every example of the OpenAPI 3.1 document with JSON Schema 2020-12: `examples.py DOCUMENT`."""

import json
import sys
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

document: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
assert document["openapi"].startswith("3.1."), document["openapi"]
registry: Any = Registry().with_resource("urn:d", Resource(contents=document, specification=DRAFT202012))


def absolute(value: Any) -> Any:
    """References into the document, wherever the schema that holds them is put."""
    if isinstance(value, dict):
        return {
            name: f"urn:d{child}" if name == "$ref" and isinstance(child, str) else absolute(child)
            for name, child in value.items()
        }
    return [absolute(item) for item in value] if isinstance(value, list) else value


def check(schema: Any, example: Any, where: str) -> None:
    for error in Draft202012Validator(absolute(schema), registry=registry).iter_errors(example):
        faults.append(f"{where}: {error.json_path}: {error.message}")


def walk(value: Any, where: str) -> int:
    """Checks the examples below a value; answers how many there are."""
    if isinstance(value, list):
        return sum(walk(item, f"{where}/{index}") for index, item in enumerate(value))
    if not isinstance(value, dict):
        return 0
    found = 0
    if "schema" in value and "example" in value:
        check(value["schema"], value["example"], where)
        found += 1
    return found + sum(walk(child, f"{where}/{name}") for name, child in value.items() if name != "example")


faults: list[str] = []
for name, schema in document["components"]["schemas"].items():
    Draft202012Validator.check_schema(schema)
    for example in schema.get("examples", []):
        check(schema, example, name)
count = walk(document["paths"], "")
print("\n".join(faults[:20]), file=sys.stderr)
print(f"json schema 2020-12: {count} examples of the 3.1 document, {len(faults)} faults")
sys.exit(1 if faults or count < 900 else 0)

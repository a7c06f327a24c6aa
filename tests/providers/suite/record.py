"""Whether a pack's record is one: schemas/record.schema.json, as far as its keywords go."""

import json
import os
import re

from suite.place import ROOT, Wrong

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
KNOWN = {"type", "enum", "pattern", "properties", "additionalProperties", "propertyNames", "required", "description", "$schema",
         "title", "$id", "examples"}

with open(os.path.join(ROOT, "schemas", "record.schema.json"), encoding="utf-8") as _f:
    SCHEMA = json.load(_f)


def check(value, schema=None, at="record"):
    """A pack writes no order, fence or names: what the schema requires of them is tvbridge's own."""
    schema = SCHEMA if schema is None else schema
    if set(schema) - KNOWN:
        raise Wrong("suite/record.py does not know %s" % sorted(set(schema) - KNOWN))
    if "type" in schema and not isinstance(value, TYPES[schema["type"]]):
        raise Wrong("%s: wanted %s, got %s" % (at, schema["type"], json.dumps(value)))
    if "enum" in schema and value not in schema["enum"]:
        raise Wrong("%s: wanted one of %s, got %s" % (at, schema["enum"], json.dumps(value)))
    if "pattern" in schema and not re.search(schema["pattern"], value):
        raise Wrong("%s: wanted %s, got %s" % (at, schema["pattern"], json.dumps(value)))
    if isinstance(value, dict):
        _members(value, schema, at)


def _members(value, schema, at):
    for name, member in value.items():
        inner = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
        if isinstance(inner, dict):
            check(member, inner, "%s.%s" % (at, name))

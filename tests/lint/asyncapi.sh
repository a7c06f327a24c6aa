#!/bin/bash
# The AsyncAPI parser over schemas/asyncapi.yaml and all that it refers to.
set -uo pipefail
here="$(dirname "$(readlink -f "$0")")"
root="$(dirname "$(dirname "$here")")"

if [ ! -d "$here/node_modules/@asyncapi/parser" ]; then
    echo "lint asyncapi: the parser is not installed; run: npm ci --prefix tests/lint"
    exit 1
fi
if [ ! -f "$root/schemas/asyncapi.yaml" ]; then
    echo "lint asyncapi: schemas/asyncapi.yaml is missing"
    exit 1
fi
if ! (cd "$root" && node tests/lint/asyncapi.mjs schemas/asyncapi.yaml); then
    echo "lint asyncapi: failed"
    exit 1
fi
echo "lint asyncapi: ok"

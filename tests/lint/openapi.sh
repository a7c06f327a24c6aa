#!/bin/bash
# Redocly CLI over the description of the gateway's HTTP API.
set -uo pipefail
here="$(dirname "$(readlink -f "$0")")"
root="$(dirname "$(dirname "$here")")"
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true CI=1

redocly="$here/node_modules/.bin/redocly"
if [ ! -x "$redocly" ]; then
    echo "lint openapi: the linters are not installed; run: npm ci --prefix tests/lint"
    exit 1
fi
if ! "$redocly" lint --config "$here/redocly.yaml" --max-problems 200 --format stylish "$root/schemas/serve.openapi.yaml"; then
    echo "lint openapi: failed"
    exit 1
fi
echo "lint openapi: ok"

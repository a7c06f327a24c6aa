#!/bin/bash
# Redocly CLI over the description of the gateway's HTTP API and both files of every provider's pack.
set -uo pipefail
here="$(dirname "$(readlink -f "$0")")"
root="$(dirname "$(dirname "$here")")"
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true CI=1

redocly="$here/node_modules/.bin/redocly"
if [ ! -x "$redocly" ]; then
    echo "lint redocly: the linters are not installed; run: npm ci --prefix tests/lint"
    exit 1
fi

files=("$root/schemas/serve.openapi.yaml")
for pack in "$root"/schemas/providers/*/; do
    # a folder that names another pack has its documents there
    grep -qs '^pack: ' "${pack}settings.yaml" && continue
    for name in openapi.yaml workflows.arazzo.yaml; do
        if [ ! -f "$pack$name" ]; then
            echo "lint redocly: ${pack#"$root"/}$name is missing"
            exit 1
        fi
        files+=("$pack$name")
    done
done
[ ${#files[@]} -gt 1 ] || { echo "lint redocly: no pack under schemas/providers"; exit 1; }

if ! "$redocly" lint --config "$here/redocly.yaml" --max-problems 200 --format stylish "${files[@]}"; then
    echo "lint redocly: failed"
    exit 1
fi
echo "lint redocly: ok"

#!/bin/bash
# Redocly CLI over both files of every provider's pack.
set -uo pipefail
here="$(dirname "$(readlink -f "$0")")"
root="$(dirname "$(dirname "$here")")"
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true CI=1

redocly="$here/node_modules/.bin/redocly"
if [ ! -x "$redocly" ]; then
    echo "lint packs: the linters are not installed; run: npm ci --prefix tests/lint"
    exit 1
fi

files=()
for pack in "$root"/schemas/providers/*/; do
    # a folder that names another pack has its documents there
    grep -qs '^pack: ' "${pack}settings.yaml" && continue
    for name in openapi.yaml workflows.arazzo.yaml; do
        if [ ! -f "$pack$name" ]; then
            echo "lint packs: ${pack#"$root"/}$name is missing"
            exit 1
        fi
        files+=("$pack$name")
    done
done
[ ${#files[@]} -gt 0 ] || { echo "lint packs: no pack under schemas/providers"; exit 1; }

if ! "$redocly" lint --config "$here/redocly.yaml" --max-problems 200 --format stylish "${files[@]}"; then
    echo "lint packs: failed"
    exit 1
fi
echo "lint packs: ok"

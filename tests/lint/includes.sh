#!/bin/bash
# Rules of the tree that a compiler does not enforce: who includes whom, how long a function or file may be, and words
# that must not be in it. Each violation is one line `file:line: what`.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
found=0

violation() {
    echo "$1"
    found=1
}

# The project's own files: tracked and new ones, nothing that is ignored or deleted.
own_files() {
    if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git ls-files -co --exclude-standard -- "$@"
    else
        find "$@" -type f -not -path '*/node_modules/*' -not -path '*/build/*'
    fi | sort -u | while read -r f; do [ -f "$f" ] && echo "$f"; done
}

sources() { own_files "$@" | grep -E '\.[ch]$'; }

# ---- layers: main -> engine -> {io, workflow} -> core -> contract -> base ----------------------------------------------

declare -A may_include=(
    [base]="base"
    [contract]="contract base"
    [core]="core contract base"
    [workflow]="workflow core contract base"
    [io]="io core contract base"
    [engine]="engine io workflow core contract base"
    [main]="engine contract base"
    [producer]="producer contract base workflow io core"
)

# core/call.h is the plain struct that workflow and io share; the producer meets it through them.
layer_of() {
    case "$1" in
    worker/main.c) echo main ;;
    worker/*/*) cut -d/ -f2 <<<"$1" ;;
    producer/*) echo producer ;;
    esac
}

check_layers() {
    local file line text target layer of
    while IFS=: read -r file line text; do
        layer="$(layer_of "$file")"
        target="$(sed -E 's/.*#[[:space:]]*include[[:space:]]*"([^"]+)".*/\1/' <<<"$text")"
        case "$target" in
        */*) of="${target%%/*}" ;;
        *) of="$layer" ;; # a neighbour in the same folder
        esac
        [ -n "${may_include[$layer]:-}" ] || violation "$file:$line: \"$layer\" is no layer of the design"
        [[ " ${may_include[$layer]:-} " == *" $of "* ]] ||
            violation "$file:$line: $layer must not include $target (it may: ${may_include[$layer]:-nothing})"
    done < <(sources worker producer | xargs grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"')
}

# ---- third-party headers: one family of files each ----------------------------------------------------------------------

check_third_party() {
    local file line text header allowed
    while IFS=: read -r file line text; do
        header="$(sed -E 's/.*<([^>]+)>.*/\1/' <<<"$text")"
        case "$header" in
        uv.h) allowed='worker/io/*' ;;
        curl/*) allowed='worker/io/http* producer/*' ;;
        librdkafka/*) allowed='worker/io/* producer/*' ;;
        hiredis/*) allowed='worker/io/redis*' ;;
        microhttpd.h) allowed='worker/io/admin* producer/*' ;;
        yaml.h) allowed='worker/contract/yaml*' ;;
        pcre2.h) allowed='worker/contract/schema* worker/workflow/*' ;;
        openssl/*) allowed='worker/base/hash.c' ;;
        jansson.h) allowed='worker/contract/* worker/workflow/* worker/engine/* producer/*' ;;
        systemd/*) allowed='worker/io/* worker/engine/*' ;;
        sql*.h) allowed='producer/*' ;;
        ut*.h) allowed='worker/* producer/*' ;;
        *) continue ;;
        esac
        local pattern good='' patterns
        read -ra patterns <<<"$allowed"
        for pattern in "${patterns[@]}"; do
            # shellcheck disable=SC2254 # a pattern is meant
            case "$file" in $pattern) good=1 ;; esac
        done
        [ -n "$good" ] || violation "$file:$line: <$header> belongs to $allowed only"
    done < <(sources worker producer | xargs grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*<')
}

# ---- lengths ---------------------------------------------------------------------------------------------------------------

# shellcheck disable=SC2016 # $0 is awk's own
check_lengths() {
    local file lines
    while read -r file; do
        lines="$(wc -l <"$file")"
        [ "$lines" -le 800 ] || violation "$file:1: $lines lines (at most 800)"
    done < <(sources worker producer)
    while read -r line; do
        violation "$line"
    done < <(sources worker producer | xargs awk '
        FNR == 1  { start = 0; head = "" }
        /^\{/     { start = FNR; name = head }
        /^\}/     { if (start && FNR - start - 1 > 70)
                        printf "%s:%d: %d lines in one function (at most 70): %s\n", FILENAME, start, FNR - start - 1, name
                    start = 0 }
        /^[a-zA-Z]/ { head = $0 }')
}

# ---- words. The brackets keep this file from matching itself ---------------------------------------------------------------

check_words() {
    local what="$1" pattern="$2"
    shift 2
    while read -r line; do
        violation "$(cut -c1-160 <<<"$line"): $what"
    done < <(own_files . | grep -vE "^(tests/lint/package-lock\.json|LICENSE)$" | grep -E "$1" | xargs -d '\n' grep -nHIE "$pattern" |
        cut -d: -f1,2)
}

check_layers
check_third_party
check_lengths
check_words "unfinished work" '\b(TO[D]O|FIX[M]E|X[X]X)\b' '\.(c|h|sh|py|mjs|yaml|yml|json|cmake|txt|sql)$|^(tests/run|\.ci/run|deploy/demo)$'
check_words "stops processes by name; use the pid" '\b(pkil[l]|killal[l])\b' '\.(c|h|sh|py|mjs|yaml|yml|txt)$|^[^.]*$'
check_words "names a package registry's host" '(registry\.[n]pmjs|[p]ypi\.org|repo1\.[m]aven|repo\.[m]aven|[c]rates\.io/|[r]ubygems\.org|proxy\.[g]olang|deb\.[d]ebian\.org|registry-1\.[d]ocker)' '.'
check_words "a path of one machine" '(^|[^a-z0-9_])/(work/(main|shared)|tmp/[b]rief)' '.'
check_words "Criterion 2.4's gt() lets equal values pass: lt() with the two exchanged does not" '\b[g]t\([a-z0-9]+, ' '^tests/.*\.[ch]$'
while read -r hit; do
    violation "$hit: names a package registry's host"
done < <(grep -nHE '"resolved"' tests/lint/package-lock.json | cut -d: -f1,2)

if [ "$found" -ne 0 ]; then
    echo "lint includes: failed"
    exit 1
fi
echo "lint includes: ok"

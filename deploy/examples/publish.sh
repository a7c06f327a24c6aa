#!/bin/bash
# Sends one event to `tvbridge serve` with curl, and ends when Kafka has it.
# usage: TVBRIDGE_KEY=... publish.sh PROVIDER SERVICE TYPE [DATA]     e.g. publish.sh stalker 70001 contract.blocked '{"reason":"delinquency"}'
set -uo pipefail
url="${TVBRIDGE_URL:-http://127.0.0.1:9465}/v1/events"
event="$(jq -cn --arg id "$(cat /proc/sys/kernel/random/uuid)" --arg provider "$1" --arg service "$2" --arg type "tvbridge.$3" \
    --argjson data "${4:-"{}"}" '{specversion: "1.0", $id, source: "/billing/shell", $type, subject: $service, $provider, $data}')" || exit 2

answer="$(mktemp)" && trap 'rm -f "$answer"' EXIT
for _ in 1 2 3 4 5 6 7 8; do
    # The key comes in by a descriptor: a command line can be read by every user of the machine.
    status="$(curl -s -o "$answer" -w '%{http_code} %header{retry-after}' --max-time 30 -H @<(echo "Authorization: Bearer $TVBRIDGE_KEY") \
        -H 'Content-Type: application/cloudevents+json' --data-binary "$event" "$url")"
    case "$status" in
    202*) exit 0 ;;
    429* | 503* | 000*) sleep "${status#* }" 2>/dev/null || sleep 2 ;; # the same event again: an id is applied once
    *) cat "$answer" >&2 && exit 1 ;;
    esac
done
echo "not accepted: $status" >&2
exit 1

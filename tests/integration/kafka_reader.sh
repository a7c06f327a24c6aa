#!/bin/bash
# Runs the program kafka_reader on real Kafka: the one that TVB_BROKERS names, or one of its own of TVB_KAFKA_VERSION;
# then on one of its own again, which is stopped and started while a read is under way.
set -u -o pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=${TVB_BIN:-$here/../../build/release/bin}/kafka_reader
[ -x "$program" ] || { echo "kafka_reader.sh: $program is not built" >&2; exit 1; }

dir=$(mktemp -d)
pid='' port=0
clean_up() {
    [ -z "$pid" ] || { kill "$pid"; wait_for_end "$pid"; }
    rm -rf "$dir"
}
trap clean_up EXIT

wait_for_end() {
    local i
    for ((i = 0; i < 300; i++)); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.1
    done
}

start() {
    local line
    line=$("$here/../../deploy/kafka/start" --background --version "${TVB_KAFKA_VERSION:-4.1}" --dir "$dir/data" \
        --port "$port") || exit 1
    eval "$line"
}

stop() {
    kill "$pid"
    wait_for_end "$pid"
    pid=''
}

passed=0 failed=0
# note LINE: passes a check's line on and counts what the program's last line says.
note() {
    if [[ $1 =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
    else
        echo "$1"
    fi
}

brokers=${TVB_BROKERS:-}
if [ -z "$brokers" ]; then
    start
    brokers=127.0.0.1:$port
fi
while read -r text; do note "$text"; done < <("$program" "$brokers" "rd$$" || echo "0 passed, 1 failed")

[ -n "$pid" ] || start
coproc "$program" "127.0.0.1:$port" "rs$$" restart
# shellcheck disable=SC2154 # COPROC_PID is the shell's
program_pid=$COPROC_PID
exec {from}<&"${COPROC[0]}" {to}>&"${COPROC[1]}"
while read -r text; do
    case $text in
    restart) stop && echo d >&"$to" ;;
    start) start ;;
    *) note "$text" ;;
    esac
done <&"$from"
wait "$program_pid" || failed=$((failed + (failed == 0)))

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 20 ]

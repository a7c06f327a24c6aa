#!/bin/bash
# shellcheck disable=SC2154 # pid and port come from the line that deploy/kafka/start prints
# Runs the program kafka_io on real Kafka: the one that TVB_BROKERS names, or one of its own of TVB_KAFKA_VERSION.
set -u -o pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=${TVB_BIN:-$here/../../build/release/bin}/kafka_io
[ -x "$program" ] || { echo "kafka_io.sh: $program is not built" >&2; exit 1; }

brokers=${TVB_BROKERS:-}
if [ -z "$brokers" ]; then
    line=$("$here/../../deploy/kafka/start" --background --version "${TVB_KAFKA_VERSION:-4.1}") || exit 1
    eval "$line"
    trap 'kill "$pid"' EXIT
    brokers=127.0.0.1:$port
fi

# Another broker's topics of an earlier run must not be ours.
run=it$$
make_topic() {
    (cd "$here" && python3 -c 'import sys, kafka_admin
kafka_admin.Admin(sys.argv[1]).create(sys.argv[2], int(sys.argv[3]), {})' "$brokers" "$run.$1" "$2")
}

make_topic one 1 && make_topic four 4 || exit 1
"$program" "$brokers" "$run" | while read -r text; do
    case "$text" in
    "make late") make_topic late 2 ;;
    "make acts") make_topic acts 4 ;;
    *) echo "$text" ;;
    esac
done
exit "${PIPESTATUS[0]}"

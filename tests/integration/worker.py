#!/usr/bin/env python3
"""tvbridge-worker from end to end: real Kafka, real Redis, and stand-ins of platforms that can be told to fail.

usage: tests/integration/worker.py [--list] [NAME...]    NAME: a case, or the beginning of some (`faults.`)

Cases mostly wait, so TVB_CASES of them (default: 5) run side by side, each with topics, a platform and workers of its own.
TVB_BROKERS: a Kafka; without it one is started. TVB_BIN: the folder with the programs; without it they are built.
TVB_KEEP=1 keeps logs, journals and settings, and says where. Ends with one line `N passed, N failed`.
"""
import os
import pathlib
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "deploy/demo.d")]
sys.dont_write_bytecode = True

import servers  # noqa: E402
from lib import cases, place  # noqa: E402
from lib import ordinary, refusals, provider_faults, crashes, surroundings, operation, tokens  # noqa: E402,F401
from lib import acts, adopted, bad_start, conversions, dayone, guard, holds, lists, pace, packs, regressions, snapshots  # noqa: E402,F401


def chosen(words):
    unknown = [w for w in words if not any(name.startswith(w) for name in cases.ALL)]
    if unknown:
        sys.exit(f"worker.py: no case begins with {unknown[0]}; --list names them")
    return [name for name in cases.ALL if not words or any(name.startswith(w) for w in words)]


def run(name, bench):
    """True when it passed; says so."""
    began = time.monotonic()
    try:
        cases.ALL[name](bench)
    except (place.CaseFailed, servers.Failure) as why:
        print(f"FAILED {name}: {why}", flush=True)
        return False
    except Exception:  # a fault of the test itself is one failed case, not the end of all
        print(f"FAILED {name}: {traceback.format_exc()}", flush=True)
        return False
    print(f"ok {name} ({time.monotonic() - began:.0f} s)", flush=True)
    return True


def main():
    words = sys.argv[1:]
    if "--list" in words:
        print("\n".join(cases.ALL))
        return 0
    names = chosen(words)
    servers.stop_on_signals()
    keep = os.environ.get("TVB_KEEP") == "1"
    with servers.Stack(keep) as stack:
        if keep:
            print(f"files: {stack.dir}", flush=True)
        bench = place.Bench(stack)
        with ThreadPoolExecutor(int(os.environ.get("TVB_CASES", "5"))) as pool:
            results = list(pool.map(lambda name: run(name, bench), names))
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except servers.Failure as failure:
        print(f"worker.py: {failure}\n0 passed, 1 failed")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)

#!/bin/sh
# SPDX-License-Identifier: ISC
# long.sh: what takes longer than a run of the tests may: hundreds of kill -9 rounds, and each fuzz
# target for FUZZ_SECONDS.  Its last result is in DESIGN.md.
set -eu
cd "$(dirname "$0")/.."
: "${FUZZ_SECONDS:=300}" "${ACCORD_ROUNDS:=300}"
make -s fuzz
for f in build-fuzz/tests/fuzz-*; do
	[ -x "$f" ] || continue
	name=${f##*/fuzz-}
	case $name in *.o|*.d) continue ;; esac
	echo "== $name"
	work=$(mktemp -d)
	"$f" -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
	    "$work" "tests/fuzz/corpus/$name" 2>&1 | tail -n 12
	rm -rf "$work"
done
make -s
ACCORD_ROUNDS=$ACCORD_ROUNDS python3 tests/system/run.py kill_9

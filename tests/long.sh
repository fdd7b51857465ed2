#!/bin/sh
# SPDX-License-Identifier: ISC
# long.sh: what takes longer than a run of the tests may: each fuzz target for FUZZ_SECONDS of CPU time,
# logged in tests/fuzz/log; planted bugs that the targets must find; each call of the system
# that fails, by number; thousands of power cuts on paper; hundreds of kill -9 rounds; as root hundreds of
# power cuts of each file system and strategy, and the faults that these must find.  Its last result is in
# DESIGN.md.
set -eu
cd "$(dirname "$0")/.."
: "${FUZZ_SECONDS:=300}" "${FUZZ_JOBS:=2}" "${ACCORD_ROUNDS:=300}" "${ACCORD_CUTS:=400}"
python3 tests/fuzz/run.py --seconds "$FUZZ_SECONDS" --jobs "$FUZZ_JOBS"
python3 tests/fuzz/run.py --sum
make -s fuzz-planted
make -s all crash
ACCORD_FAULTS_ALL=1 python3 tests/system/run.py test_faults
make -s check-sim SIM="--images 5000 --whole 30 --seconds 15 --messages 1500"
ACCORD_ROUNDS=$ACCORD_ROUNDS python3 tests/system/run.py kill_9
if [ "$(id -u)" = 0 ]; then
	ACCORD_CUTS=$ACCORD_CUTS make -s check-blocks
	python3 tests/mutants/run.py "blocks "
else
	echo "SKIPPED power cuts: not root"
fi

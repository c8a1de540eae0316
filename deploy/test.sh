#!/usr/bin/env bash
# Installs what the tests need, builds with gcc and with clang and its sanitizers, and runs all tests under both.
# deploy/test.sh [PRESET..]: only these (dev, asan, coverage, fuzz). Exit status 0: everything passed.
set -euo pipefail
cd "$(dirname "$0")/.."

summary=()
failed=0

run_preset()
{
	local preset=$1 began=$SECONDS log=build/$1.log result=passed
	printf '\n== %s\n' "$preset"
	cmake --workflow --preset "$preset" 2>&1 | tee "$log" || result=FAILED
	[ "$result" = passed ] || failed=1
	summary+=("$(printf '%-9s %-7s %4d s  %s' "$preset" "$result" $((SECONDS - began)) \
		"$(sed -n 's/^\([0-9]*% tests passed.*\)/\1/p' "$log" | tail -n 1)")")
}

[ $# -gt 0 ] || set -- dev asan
printf '== Packages\n'
deploy/packages.sh test
mkdir -p build
for preset in "$@"; do
	run_preset "$preset"
done
printf '\n== Summary\n'
printf '%s\n' "${summary[@]}"
exit "$failed"

#!/bin/sh
# Runs the test programs given and closes with one line in Check's form.  Zero checks is a failure.
# T=NAME: only programs whose name contains NAME; where none does, only Check test cases of that name.
set -u
checks=0 failures=0 errors=0 ran=0 broken=0
progs=
for p in "$@"; do
	case "${p##*/}" in *"${T:-}"*) progs="$progs $p" ;; esac
done
if [ -z "$progs" ] && [ -n "${T:-}" ]; then
	progs="$*"
	export CK_RUN_CASE="$T"
fi
for p in $progs; do
	log=$(mktemp)
	CK_VERBOSITY=${CK_VERBOSITY:-normal} "$p" >"$log" 2>&1
	rc=$?
	# Where nothing was selected, Check writes it behind "Running suite(s):".
	line=$(grep -oE '[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+$' "$log" | tail -n 1)
	set -- $(printf '%s\n' "$line" | sed 's/[^0-9]/ /g')
	if [ $# -ne 4 ]; then
		echo "== ${p##*/}: no closing line (exit $rc)"
		tail -n 40 "$log"
		broken=$((broken + 1))
	else
		if [ "$2" -gt 0 ]; then
			echo "== ${p##*/}: $line"
			grep -E '^SKIP' "$log"
			[ "$rc" -eq 0 ] || grep -vE '^(SKIP|[0-9]+%:|Running suite| [a-z0-9_]+$)' "$log"
			ran=$((ran + 1))
		fi
		checks=$((checks + $2)) failures=$((failures + $3)) errors=$((errors + $4))
		[ "$rc" -eq 0 ] || [ $(($3 + $4)) -gt 0 ] || { echo "== ${p##*/}: exit $rc"; tail -n 40 "$log"; broken=$((broken + 1)); }
	fi
	rm -f "$log"
done
errors=$((errors + broken))
if [ "$checks" -eq 0 ]; then
	echo "no test ran${T:+ for T=$T}"
	echo "0%: Checks: 0, Failures: 0, Errors: 1"
	exit 1
fi
bad=$((failures + errors))
[ "$bad" -le "$checks" ] || bad=$checks
echo "$(((checks - bad) * 100 / checks))%: Checks: $checks, Failures: $failures, Errors: $errors"
[ $((failures + errors)) -eq 0 ]

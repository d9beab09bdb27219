#!/bin/sh
# Runs the test programs given, JOBS at a time (default: one a processor), and closes with one line
# in Check's form.  Zero checks is a failure.
# T=NAME: only programs whose name contains NAME; where none does, only Check test cases of that name.
set -u

# run.sh --one DIR PROGRAM: run it, tell of it, and leave its closing line and exit status in DIR.
if [ "${1:-}" = --one ]; then
	name=${3##*/}
	out=$2/$name
	CK_VERBOSITY=${CK_VERBOSITY:-normal} "$3" >"$out.log" 2>&1
	rc=$?
	echo "$rc" >"$out.rc"
	# Where nothing was selected, Check writes it behind "Running suite(s):".
	line=$(grep -oE '[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+$' "$out.log" | tail -n 1)
	echo "$line" >"$out.line"
	{
		if [ -z "$line" ]; then
			echo "== $name: no closing line (exit $rc)"
			tail -n 40 "$out.log"
		elif ! echo "$line" | grep -q 'Checks: 0,'; then
			echo "== $name: $line"
			grep -E '^SKIP' "$out.log"
			[ "$rc" -eq 0 ] || grep -vE '^(SKIP|[0-9]+%:|Running suite| [a-z0-9_]+$)' "$out.log"
		fi
	} >"$out.told"
	cat "$out.told"
	exit 0
fi

progs=
for p in "$@"; do
	case "${p##*/}" in *"${T:-}"*) progs="$progs $p" ;; esac
done
if [ -z "$progs" ] && [ -n "${T:-}" ]; then
	progs="$*"
	export CK_RUN_CASE="$T"
fi
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
# Those that run a whole daemon or engine take longest: first.
for p in $progs; do
	case "${p##*/}" in run-*) echo "$p" ;; esac
done >"$dir/order"
for p in $progs; do
	case "${p##*/}" in run-*) ;; *) echo "$p" ;; esac
done >>"$dir/order"
xargs -P "${JOBS:-$(nproc)}" -n 1 "$0" --one "$dir" <"$dir/order"

checks=0 failures=0 errors=0 broken=0
for p in $progs; do
	out=$dir/${p##*/}
	rc=$(cat "$out.rc" 2>/dev/null || echo "none: it was not run")
	set -- $(sed 's/[^0-9]/ /g' "$out.line" 2>/dev/null)
	if [ $# -ne 4 ]; then
		broken=$((broken + 1))
		continue
	fi
	checks=$((checks + $2)) failures=$((failures + $3)) errors=$((errors + $4))
	[ "$rc" = 0 ] || [ $(($3 + $4)) -gt 0 ] || { echo "== ${p##*/}: exit $rc"; tail -n 40 "$out.log"; broken=$((broken + 1)); }
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

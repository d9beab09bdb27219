#!/bin/bash
# Applies each mutant of mutants.txt to a copy of the engine and runs unit-engine and run-sim on it:
# every one must be caught.  A mutant that changes nothing, because the code has changed, fails too.
# Usage: tests/sim/mutants.sh [WORDS]       only mutants whose name contains WORDS
#   BUILD=DIR (build)   PB_MUTANTS_JOBS=N (all cores)   PB_SIM_SEEDS=N (100)
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
export PB_SIM_SEEDS=${PB_SIM_SEEDS:-100} LC_ALL=C
jobs=${PB_MUTANTS_JOBS:-$(nproc)}
list=tests/sim/mutants.txt
here=$BUILD/mutants
progs="tests/unit-engine tests/run-sim"

trim() { printf '%s' "$1" | sed 's/^[ \t]*//; s/[ \t]*$//'; }

copy() { # DIR: the tree and what is built already
	rm -rf "$1"
	mkdir -p "$1/$BUILD/tests"
	cp -a Makefile lib daemon tests "$1/"
	for d in lib tests/unit tests/sim; do
		mkdir -p "$1/$BUILD/$d" && cp -a "$BUILD/$d/." "$1/$BUILD/$d/"
	done
}

build() { make -s BUILD="$BUILD" WERROR= WARN=-w $(printf "$BUILD/%s " $progs); }

caught_by() { # prints which test caught it; fails when none did
	timeout 120 "$BUILD/tests/unit-engine" >out 2>&1 || { echo unit-engine; return 0; }
	local t
	for t in a_scenario_goes_as_it_says a_scenario_survives_a_crash_at_each_point \
		a_random_world_breaks_no_promise; do
		CK_RUN_CASE=$t timeout 300 "$BUILD/tests/run-sim" >out 2>&1 || { echo "$t"; return 0; }
	done
	return 1
}

one() { # NAME FILE SED; in a copy
	local file=lib/engine/$2
	cp -p "$file" kept
	if ! sed -i -E "$3" "$file" || cmp -s "$file" kept; then
		echo "STALE     $1: its sed script changes nothing in $file"
	elif ! build >out 2>&1; then
		echo "UNBUILT   $1: $(grep -m1 error out)"
	elif by=$(caught_by); then
		echo "caught    $1: $by"
	else
		echo "SURVIVED  $1"
	fi
	cp kept "$file" # newer than what was built of the mutant
}

worker() { # NUMBER: every jobs-th mutant
	cd "$here/$1" || exit 1
	local n=0 name file script
	while IFS='|' read -r name file script; do
		case $name in '#'* | '') continue ;; esac
		case $name in *"$only"*) ;; *) continue ;; esac
		n=$((n + 1))
		[ $((n % jobs)) = "$1" ] || continue
		one "$(trim "$name")" "$(trim "$file")" "$(trim "$script")"
	done <"tests/sim/mutants.txt"
}

only=${1:-}
make -s BUILD="$BUILD" $(printf "$BUILD/%s " $progs) || exit 1
# A test that fails on the engine as it is would "catch" them all.
if by=$(caught_by); then
	echo "mutants: $by fails without any mutant"
	exit 1
fi
rm -f out
for j in $(seq 0 $((jobs - 1))); do copy "$here/$j"; done
for j in $(seq 0 $((jobs - 1))); do
	worker "$j" | tee "$here/$j.out" &
done
wait
all=$(cat "$here"/*.out | wc -l)
good=$(cat "$here"/*.out | grep -c '^caught')
echo "mutants: $good of $all caught"
rm -rf "${here:?}"
[ "$all" -gt 0 ] && [ "$good" = "$all" ]

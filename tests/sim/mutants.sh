#!/bin/bash
# Applies each mutant of mutants.txt to a copy of the engine and runs the test that its line names on it.
# Where that one does not catch it, all of unit-engine and run-sim are tried, and the line is to be mended.
# Usage: tests/sim/mutants.sh [WORDS]       only mutants whose name contains WORDS
#        tests/sim/mutants.sh --stale       only whether the list fits the code; nothing is built
#   BUILD=DIR (build)   PB_MUTANTS_JOBS=N (all cores)   PB_SIM_SEEDS=N (100)
#
# What it says of a mutant; all but the first make it fail:
#   caught     by the test that its line names
#   WRONG      caught, but not by that test: put the one it tells into the line
#   SURVIVED   no test noticed: one is missing
#   STALE      its sed script changes nothing, since the code has changed
#   UNBUILT    does not compile, so it proves nothing
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
export PB_SIM_SEEDS=${PB_SIM_SEEDS:-100} LC_ALL=C
jobs=${PB_MUTANTS_JOBS:-$(nproc)}
list=tests/sim/mutants.txt
here=$BUILD/mutants
unit=tests/unit-engine sim=tests/run-sim

trim() { local s=$1; s=${s#"${s%%[! ]*}"}; printf '%s' "${s%"${s##*[! ]}"}"; }

# Calls FUNCTION NAME FILE TEST SED for every line whose name contains the words that were given.
each() {
	local name file test script
	while IFS='|' read -r name file test script; do
		case $name in '#'* | '') continue ;; esac
		case $name in *"$only"*) ;; *) continue ;; esac
		"$1" "$(trim "$name")" "$(trim "$file")" "$(trim "$test")" "$(trim "$script")"
	done <"$list"
}

# --- does the list fit the code?

fits() { # NAME FILE TEST SED
	local file=lib/engine/$2 changed kind which
	n_lines=$((n_lines + 1))
	if ! changed=$(sed -E "$4" "$file" 2>&1 && echo x) || [ "$changed" = "$(cat "$file" 2>/dev/null; echo x)" ]; then
		echo "STALE     $1: its sed script changes nothing in $file"
		n_bad=$((n_bad + 1))
	fi
	read -r kind which <<<"$3"
	case $kind in
	unit) grep -qs "(${which:-?})" tests/unit/engine/*.c && return ;;
	sim | crash) [ -e "tests/sim/scenarios/${which:-?}.yaml" ] && return ;;
	spoilt | random | -) return ;;
	esac
	echo "WRONG     $1: there is no test \"$3\""
	n_bad=$((n_bad + 1))
}

check_list() {
	n_lines=0 n_bad=0
	each fits
	[ "$n_lines" -gt 0 ] || { echo "mutants: none of that name in $list"; exit 1; }
	[ $n_bad = 0 ] || { echo "mutants: $list is to be mended"; exit 1; }
}

# --- tests; in a copy or at the root

build() { # PROGRAM...; unoptimised, since most of the time goes into compiling
	make -s BUILD="$BUILD" WERROR= WARN=-w HARDEN="-O0 -fPIE" $(printf "$BUILD/%s " "$@")
}

run() { # TEST: does it pass?
	local kind which
	read -r kind which <<<"$1"
	case $kind in
	-) return 0 ;;
	unit) CK_RUN_CASE=$which timeout 60 "$BUILD/$unit" ;;
	sim) PB_SIM_SCENARIO=$which CK_RUN_CASE=a_scenario_goes_as_it_says timeout 60 "$BUILD/$sim" ;;
	crash)
		PB_SIM_SCENARIO=$which CK_RUN_CASE=a_scenario_survives_a_crash_at_each_point timeout 120 \
			"$BUILD/$sim"
		;;
	spoilt) CK_RUN_CASE=spoilt timeout 60 "$BUILD/$sim" ;;
	random) CK_RUN_CASE=a_random_world_breaks_no_promise timeout 300 "$BUILD/$sim" ;;
	esac >out 2>&1
}

program() { # TEST: that has it
	case $1 in unit*) echo $unit ;; *) echo $sim ;; esac
}

first_failed() { # of what Check wrote: its case and the number of its turn
	sed -n -E 's/^[^ ]+:[0-9]+:[FE]:[a-z0-9_]+:([a-z0-9_]+):([0-9]+): .*/\1 \2/p' out | head -n 1
}

any_test() { # prints which test catches it; fails when none does
	local files found
	timeout 120 "$BUILD/$unit" >out 2>&1 || { found=$(first_failed); echo "unit ${found% *}"; return; }
	files=(tests/sim/scenarios/*.yaml)
	for t in sim:a_scenario_goes_as_it_says crash:a_scenario_survives_a_crash_at_each_point; do
		CK_RUN_CASE=${t#*:} timeout 600 "$BUILD/$sim" >out 2>&1 && continue
		found=$(first_failed)
		echo "${t%%:*} $(basename "${files[${found#* }]}" .yaml)"
		return
	done
	for t in spoilt random; do
		run $t || { echo $t; return; }
	done
	return 1
}

# --- mutants; in a copy

copy() { # DIR: the tree and what is built already
	rm -rf "$1"
	mkdir -p "$1/$BUILD/tests"
	cp -a Makefile lib daemon tests "$1/"
	for d in lib tests/unit tests/sim; do
		mkdir -p "$1/$BUILD/$d" && cp -a "$BUILD/$d/." "$1/$BUILD/$d/"
	done
}

try() { # TEST: prints what became of the mutant
	local by
	build "$(program "$1")" >out 2>&1 || { echo "UNBUILT   $name: $(grep -m1 error out)"; return; }
	run "$1" || { echo "caught    $name: $1"; return; }
	build $unit $sim >out 2>&1 || { echo "UNBUILT   $name: $(grep -m1 error out)"; return; }
	if by=$(any_test); then
		echo "WRONG     $name: not caught by \"$1\", but by \"$by\""
	else
		echo "SURVIVED  $name"
	fi
}

one() { # NAME FILE TEST SED: every jobs-th; each changes the engine's archive, so that is always built anew
	local name=$1 file=lib/engine/$2 object=$BUILD/lib/engine/${2%.c}.o
	n=$((n + 1))
	[ $((n % jobs)) = "$number" ] || return
	cp -p "$file" kept.c && cp -p "$object" kept.o
	sed -i -E "$4" "$file"
	try "$3"
	cp -p kept.c "$file" && cp -p kept.o "$object"
}

worker() {
	number=$1 n=0
	cd "$here/$number" || exit 1
	each one
}

# A test that fails on the engine as it is would "catch" every mutant.
check_tests() {
	local tests t
	tests=$(each_test | sort -u)
	while read -r t; do
		[ "$t" = - ] && continue
		run "$t" && grep -q 'Checks: [1-9]' out && continue
		cat out
		echo "mutants: \"$t\" fails, or does not run, without any mutant"
		exit 1
	done <<<"$tests"
	rm -f out
}
each_test() { each echo_test; }
echo_test() { echo "$3"; }

only=${1:-}
[ "$only" = --stale ] && { only=; check_list; echo "mutants: all $n_lines fit"; exit; }
check_list
make -s BUILD="$BUILD" "$BUILD/$unit" "$BUILD/$sim" || exit 1
check_tests
for j in $(seq 0 $((jobs - 1))); do copy "$here/$j"; done
for j in $(seq 0 $((jobs - 1))); do
	worker "$j" | tee "$here/$j.out" &
done
wait
good=$(cat "$here"/*.out | grep -c '^caught')
echo "mutants: $good of $n_lines caught"
rm -rf "${here:?}"
[ "$good" = "$n_lines" ]

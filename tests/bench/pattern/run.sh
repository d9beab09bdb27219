#!/bin/sh
# Measures the matcher, with --peers beside event-ruler and quamina on the same bytes in one sitting.
#   BUILD=build tests/bench/pattern/run.sh [--peers]
# PB_SHARED     the folder with bench/matching (default ../shared)
# PB_EVENTS     events of each kind (default 20000)
# PB_CASES      only cases whose name has this (an extended regular expression)
# PB_RULES_MAX  the largest set of alarm rules (default 1000000; peers take minutes to build it)
# QUAMINA       a checkout of quamina to build instead of the module
#
# Each figure of ours is the median of three sittings, before, between and after the peers, each of
# which is a median of five passes; "spread" is how far the sittings are apart, so what is not much
# beyond it is noise.  "unlike" is what an event takes where no two are built alike (lib/pattern/shape.h).
set -eu
BUILD=${BUILD:-build}
SHARED=${PB_SHARED:-../shared}/bench/matching
N=${PB_EVENTS:-20000}
MAX=${PB_RULES_MAX:-1000000}
HERE=tests/bench/pattern
DIR=$BUILD/bench-pattern
QUAMINA_VERSION=v2.0.2

if [ ! -r "$SHARED/gen_cl2.py" ]; then
	echo "SKIP bench-pattern: no $SHARED"
	exit 0
fi
mkdir -p "$DIR"
DIR=$(cd "$DIR" && pwd)
if [ ! -e "$DIR/lots.$N" ]; then
	python3 "$SHARED/gen_cl2.py" "$DIR/obj.jsonl" "$DIR/arr.jsonl" >/dev/null
	head -n "$N" "$DIR/obj.jsonl" >"$DIR/lots.$N"
	rm "$DIR/obj.jsonl" "$DIR/arr.jsonl"
	(gen=$(cd "$SHARED" && pwd)/cl2_rules.py && cd "$DIR" && python3 "$gen")
fi
if [ ! -e "$DIR/alarms.$N.$MAX" ]; then
	python3 "$SHARED/gen_cw.py" "$DIR" "$MAX" "$N" 10 1000 10000 100000 1000000
	touch "$DIR/alarms.$N.$MAX"
fi
# A thousand wildcards on one field, in three shapes.
awk 'BEGIN {
	for (i = 0; i < 1000; i++) {
		if (i % 3 == 0) w = sprintf("*svc%05d*", i * 37 % 40000)
		else if (i % 3 == 1) w = sprintf("prod-*-svc%05d-*-%07d", i * 7919 % 40000, i)
		else w = sprintf("*Errors*%04d*", i)
		printf "w%d\t{\"detail\":{\"alarmName\":[{\"wildcard\":\"%s\"}]}}\n", i, w
	}
}' >"$DIR/wildcards.tsv"

cases=$DIR/cases
: >"$cases"
for c in EXACT PREFIX SUFFIX EQUALS_IGNORE_CASE WILDCARD NUMERIC ANYTHING-BUT ANYTHING-BUT-IGNORE-CASE \
    ANYTHING-BUT-PREFIX ANYTHING-BUT-SUFFIX ANYTHING-BUT-WILDCARD COMPLEX_ARRAYS PARTIAL_COMBO COMBO; do
	printf '%s\t%s\t%s\t0\t%s\n' "$c" "$DIR/cl2_rules.tsv" "$c" "$DIR/lots.$N" >>"$cases"
done
for n in 10 1000 10000 100000 1000000; do
	[ "$n" -gt "$MAX" ] ||
		printf 'alarms-%s\t%s\t-\t%s\t%s\n' "$n" "$DIR/rules.tsv" "$n" "$DIR/events_$n.jsonl" >>"$cases"
done
printf 'wildcards-1000\t%s\t-\t0\t%s\n' "$DIR/wildcards.tsv" "$DIR/events_1000.jsonl" >>"$cases"
if [ -n "${PB_CASES:-}" ]; then
	grep -E "^[^	]*($PB_CASES)" "$cases" >"$cases.some" && mv "$cases.some" "$cases"
fi

sitting=0
ours() {
	sitting=$((sitting + 1))
	for mode in plain early unlike; do
		"$BUILD/tests/bench-pattern" "$cases" $([ $mode = plain ] || echo +$mode) >"$DIR/$mode.$sitting"
	done
}
rm -f "$DIR"/plain.* "$DIR"/early.* "$DIR"/unlike.*
: >"$DIR/ruler"
: >"$DIR/quamina"
ours
if [ "${1:-}" = --peers ]; then
	if command -v mvn >/dev/null && command -v javac >/dev/null; then
		[ -d "$DIR/lib" ] || mvn -q -B -f $HERE/peers/pom.xml dependency:copy-dependencies "-DoutputDirectory=$DIR/lib"
		javac -nowarn -Xlint:none -cp "$DIR/lib/*" -d "$DIR" $HERE/peers/Ruler.java 2>"$DIR/javac.log" || cat "$DIR/javac.log"
		java -Xmx12g -cp "$DIR:$DIR/lib/*" Ruler "$cases" >"$DIR/ruler"
	else
		echo "SKIP event-ruler: no mvn or javac"
	fi
	ours
	if command -v go >/dev/null; then
		mkdir -p "$DIR/go"
		cp $HERE/peers/main.go "$DIR/go/"
		printf 'module bench\n\ngo 1.22\n\nrequire quamina.net/go/quamina/v2 %s\n' "$QUAMINA_VERSION" >"$DIR/go/go.mod"
		# A checkout needs no module but itself: what only its tests need is not asked for.
		if [ -n "${QUAMINA:-}" ]; then
			printf 'replace quamina.net/go/quamina/v2 => %s\n' "$QUAMINA" >>"$DIR/go/go.mod"
			get="go mod edit -fmt"
		else
			get="go mod tidy"
		fi
		if (cd "$DIR/go" && $get && go build -mod=mod -o ../quamina-bench .) >"$DIR/go/log" 2>&1; then
			"$DIR/quamina-bench" "$cases" >"$DIR/quamina"
		else
			echo "SKIP quamina: $(tail -n 1 "$DIR/go/log")"
		fi
	else
		echo "SKIP quamina: no go"
	fi
	ours
fi
"$BUILD/tests/bench-pattern" "$cases" +fields >"$DIR/fields"

awk -F '\t' -f $HERE/table.awk "$DIR"/plain.* "$DIR"/early.* "$DIR"/unlike.* "$DIR/fields" "$DIR/ruler" "$DIR/quamina"

#!/bin/sh
# Asks event-ruler for its opinion on random patterns and events, and on the list of settled differences.
#   BUILD=build tests/bench/pattern/third.sh
# PB_CASES_N  how many random cases (default 100000)
# PB_SEED     where they begin (default the day, so that each night sees others)
set -eu
BUILD=${BUILD:-build}
HERE=tests/bench/pattern
DIR=$BUILD/bench-pattern
SEED=${PB_SEED:-$(date +%Y%m%d)}

if ! command -v mvn >/dev/null || ! command -v javac >/dev/null; then
	echo "SKIP event-ruler: no mvn or javac"
	exit 0
fi
mkdir -p "$DIR"
[ -d "$DIR/lib" ] || mvn -q -B -f $HERE/peers/pom.xml dependency:copy-dependencies "-DoutputDirectory=$(cd "$DIR" && pwd)/lib"
javac -cp "$DIR/lib/*" -d "$DIR" $HERE/peers/Third.java
"$BUILD/tests/third-cases" --settled $HERE/third/settled.tsv
echo "seed $SEED"
"$BUILD/tests/third-cases" "${PB_CASES_N:-100000}" "$SEED" | java -cp "$DIR:$DIR/lib/*" Third $HERE/third/settled.tsv

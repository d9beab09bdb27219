#!/bin/sh
# Fails when a lower layer includes a higher one.  The table is the design's: what a folder may include.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0
check() { # FOLDER ALLOWED...
	dir=$1
	shift
	for f in "$dir"/*.[ch]; do
		[ -e "$f" ] || continue
		for inc in $(sed -n 's/^#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$f"); do
			ok=0
			for a in "$@"; do
				case "$inc" in "$a" | "$a"/*) ok=1 ;; esac
			done
			case "$inc" in */*) ;; *) [ -e "$dir/$inc" ] && ok=1 ;; esac # a neighbour
			[ $ok = 1 ] || { echo "$f: includes \"$inc\"; $dir may include only: $*"; bad=1; }
		done
	done
}
check lib/base base
check lib/pattern pattern base
check lib/event event pattern base
check lib/playbook playbook event pattern base
check lib/engine engine playbook event pattern base
check lib/aws aws base
check lib/io io base
check lib/store store engine/record.h event pattern playbook base
check lib/sim sim store engine playbook event pattern aws base
check daemon daemon sim store engine playbook event pattern aws io base
# Who may touch the outside: the clock, chance, the loop, the network and children.
only() { # REGEX WHAT FOLDERS...
	re=$1 what=$2
	shift 2
	for f in $(find lib daemon -name '*.[ch]' | sort); do
		for d in "$@"; do
			case "$f" in "$d"*) continue 2 ;; esac
		done
		grep -nE "$re" "$f" | sed "s|^|$f:|;s|\$|   <- $what only in: $*|" | grep . && bad=1
	done
}
only '\b(clock_gettime|gettimeofday|time)\(' 'reading the clock' lib/base/clock
only '\b(getrandom|rand|random|RAND_bytes)\(' 'randomness' lib/base/rand
only '#include <(event2|curl|systemd)/' 'libevent, libcurl, libsystemd' lib/io daemon/
only '#include <(sqlite3)' 'SQLite' lib/store
only '\b(fork|posix_spawn|posix_spawnp|execv|execve|system|popen)\(' 'starting programs' lib/io daemon/main_playbookd.c
[ $bad = 0 ] && echo "layers: ok"
exit $bad

#!/bin/bash
# playbookd under a real systemd: installed by `make install`, started, watched, killed, reloaded and
# stopped by the manager of a small Debian that runs in namespaces.  Needs root; BUILD names the build
# folder, whose parts/ keeps the Debian between runs.  Closes with one line; no check at all is a failure.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${BUILD:-build}")
here=tests/systemd
tree=$build/parts/bookworm
work=$(mktemp -d "$build/systemd-XXXXXX")
root=$work/root name=pb-$(basename "$work")
boss= checks=0 failures=0

finish() {
	[ -z "$boss" ] || { kill -9 "$boss"; $here/up.sh --down "$name"; }
	rm -rf "$work"
}
trap finish EXIT
die() { echo "$*"; exit 1; }
in_ns() { nsenter -t "$boss" -a "$@"; }

# check WHAT COMMAND...: one check; what the command wrote is shown when it fails.
check() {
	local what=$1 out rc
	shift
	out=$("$@" 2>&1)
	rc=$?
	checks=$((checks + 1))
	if [ $rc = 0 ]; then
		echo "ok   $what"
	else
		failures=$((failures + 1))
		echo "FAIL $what (exit $rc)"
		printf '%s\n' "$out" | tail -n 15 | sed 's/^/     /'
		in_ns journalctl -q -u playbookd -n 15 --no-pager -o cat 2>&1 | sed 's/^/     | /'
	fi
}
# soon SECONDS COMMAND...: until it succeeds, looking five times a second.
soon() {
	local until=$(($(date +%s) + $1)) out
	shift
	until out=$("$@" 2>&1); do
		[ "$(date +%s)" -lt "$until" ] || { printf 'not so: %s\n%s\n' "$*" "$out"; return 1; }
		sleep 0.2
	done
}
# prop NAME WANTED: a property of the service is that text.
prop() {
	local is
	is=$(in_ns systemctl show playbookd -p "$1" --value)
	[ "$is" = "$2" ] || { echo "$1 is \"$is\", wanted \"$2\""; return 1; }
}
has() { # TEXT COMMAND...: it writes that
	local text=$1 out
	shift
	out=$("$@" 2>&1)
	case $out in *"$text"*) return 0 ;; esac
	printf 'wanted "%s" in:\n%s\n' "$text" "$out"
	return 1
}
is() { # TEXT COMMAND...: it writes that and nothing else
	local text=$1 out
	shift
	out=$("$@" 2>&1)
	[ "$out" = "$text" ] || { printf 'wanted "%s", got:\n%s\n' "$text" "$out"; return 1; }
}
not() { ! "$@"; }
ctl() { in_ns playbookctl "$@"; }
sandbox() { # METHOD TARGET [BODY]
	in_ns curl -sS -f --max-time 5 -X "$1" ${3:+-d "$3"} "http://127.0.0.1:4600/_sandbox/$2"
}
alarm() { sandbox POST alarms "{\"name\":\"$1\",\"state\":\"OK\"}" >/dev/null && sandbox POST "alarms/$1/state" '{"state":"ALARM"}' >/dev/null; }
n_pages() { sandbox GET topics/pager | jq --arg t "$1" '[.published[] | select(tostring | contains($t))] | length'; }
id_of() { ctl --json incidents | jq -r --arg t "$1" '.incidents[] | select(.title == $t) | .id'; }
n_attempts() { in_ns journalctl -q --no-pager -o cat PLAYBOOKD_INCIDENT="$1" | grep -c '^start: attempt'; }
paged() { has "$1" sandbox GET topics/pager; }
main_pid() { in_ns systemctl show playbookd -p MainPID --value; }
is_new() { # OLD PID
	local pid
	pid=$(main_pid)
	[ "$pid" != 0 ] && [ "$pid" != "$1" ] && prop ActiveState active
}

configure() { # TEXT: into the configuration, as another file
	mkdir -p "$root/etc/playbookd/playbooks.d"
	cat >"$root/etc/playbookd/$1"
}

prepare() {
	$here/tree.sh "$tree" || die "no Debian to boot"
	cp -a "$tree" "$root" || die "cannot copy $tree"
	make -s install BUILD="${BUILD:-build}" DESTDIR="$root" PREFIX=/usr || die "make install failed"
	install -m 755 "$build/playbookd-sandbox" "$root/usr/local/bin/"
	configure playbookd.yaml <<-'END'
		version: 1
		daemon: {exec: {driver: child}}
		sources:
		  - {name: events, type: sqs, queue_url: "http://127.0.0.1:4600/111122223333/events", wait: 2s, visibility: 30s, receivers: 1}
		channels:
		  - {name: pager, type: sns, topic: "arn:aws:sns:us-east-1:111122223333:pager"}
		contacts: [{name: ana}]
		unmatched: {alarms: escalate, escalate: oncall, events: drop}
		escalations:
		  - {name: oncall, levels: [{notify: [ana], via: [pager]}]}
	END
	configure playbooks.d/a.yaml <<-'END'
		version: 1
		playbooks:
		  - name: late
		    match: {detail: {alarmName: [{prefix: late-}], state: {value: [ALARM]}}}
		    hold: 8s
		    page_by: 10s
		    escalate: oncall
		    steps:
		      - {name: never, action: exec, argv: [/bin/true], timeout: 30s}
		  - name: slow
		    match: {detail: {alarmName: [{prefix: slow-}], state: {value: [ALARM]}}}
		    page_by: 5m
		    escalate: oncall
		    steps:
		      - {name: work, action: exec, argv: [/usr/bin/sleep, "4"], timeout: 30s}
	END
	cat >"$root/etc/playbookd/environment" <<-'END'
		AWS_ENDPOINT_URL=http://127.0.0.1:4600
		AWS_REGION=us-east-1
		AWS_ACCESS_KEY_ID=AKIDSANDBOX
		AWS_SECRET_ACCESS_KEY=sandbox-secret
	END
	chmod 600 "$root/etc/playbookd/environment"
	mkdir -p "$root/etc/systemd/system/playbookd.service.d"
}

start_all() {
	boss=$($here/up.sh "$name" "$root") || exit 1
	in_ns systemd-run -q --unit=sandbox /usr/local/bin/playbookd-sandbox --port 4600 \
		--queue events --queue inbox --topic pager=inbox --events events || die "no sandbox"
	soon 10 sandbox GET queues/events || die "the sandbox does not answer"
}

runs_from_the_start() {
	check "sysusers makes the user" in_ns systemd-sysusers
	check "the unit starts, and start waits for READY" in_ns systemctl start playbookd
	check "it is active" prop ActiveState active
	check "of Type=notify" prop Type notify
	check "STATUS says what it does" has playbook in_ns systemctl show playbookd -p StatusText
	check "the state folder is the service's alone" has "playbookd 700" in_ns stat -c '%U %a' /var/lib/playbookd
	check "the store is there" in_ns test -s /var/lib/playbookd/playbookd.db
	check "the socket is for the group" has "playbookd 660" in_ns stat -c '%G %a' /run/playbookd/playbookd.sock
	check "root may ask" ctl status
	in_ns useradd -M ana && in_ns useradd -M -G playbookd bo
	check "a stranger may not" not in_ns setpriv --reuid=ana --regid=ana --init-groups playbookctl status
	check "a member of the group may" in_ns setpriv --reuid=bo --regid=bo --init-groups playbookctl status
	check "it does not run as root" not has "root" in_ns ps -o user= -C playbookd
}

pages() {
	alarm svc-1
	check "an alarm becomes a page" soon 15 paged svc-1
	check "the journal has the incident as a field" soon 5 has svc-1 in_ns bash -c \
		'journalctl -q -o json --output-fields=MESSAGE,PLAYBOOKD_INCIDENT,PLAYBOOKD_PLAYBOOK _SYSTEMD_UNIT=playbookd.service | grep PLAYBOOKD_INCIDENT'
	check "and can be asked by it" has svc-1 in_ns bash -c \
		'id=$(playbookctl --json incidents | grep -o "[0-9]\{8\}-[0-9]*" | head -1); journalctl -q --no-pager PLAYBOOKD_INCIDENT="$id"'
}

reloads() {
	local pid
	pid=$(main_pid)
	configure playbooks.d/b.yaml <<-'END'
		version: 1
		playbooks:
		  - {name: added, match: {detail: {alarmName: [{prefix: added-}], state: {value: [ALARM]}}}, escalate: oncall}
	END
	check "a good configuration is reloaded" in_ns systemctl reload playbookd
	check "and in force" has added in_ns curl -sS --unix-socket /run/playbookd/playbookd.sock http://x/v1/config
	configure playbooks.d/b.yaml <<<'playbooks: [{nam: x}]'
	check "a bad one makes reload fail" not in_ns systemctl reload playbookd
	check "with the reason in the journal" has "b.yaml" in_ns journalctl -q -u playbookd -n 30 --no-pager
	check "the old one stays in force" has added in_ns curl -sS --unix-socket /run/playbookd/playbookd.sock http://x/v1/config
	check "in the same process" prop MainPID "$pid"
	check "still active" prop ActiveState active
	rm "$root/etc/playbookd/playbooks.d/b.yaml"
	check "HUP reloads too" in_ns systemctl kill -s HUP --kill-who=main playbookd
	check "and takes the playbook away" soon 5 not has added in_ns curl -sS --unix-socket /run/playbookd/playbookd.sock http://x/v1/config
}

survives_kill() {
	local pid
	pid=$(main_pid)
	alarm late-1
	soon 10 has late-1 ctl incidents || die "the alarm did not arrive"
	in_ns systemctl kill -s KILL --kill-who=main playbookd
	check "killed, it is started again" soon 10 is_new "$pid"
	check "it still knows the incident" soon 5 has late-1 ctl incidents
	check "and pages by page_by" soon 13 paged late-1
	check "once" is 1 n_pages late-1
}

watched() {
	local pid
	printf '[Service]\nWatchdogSec=2s\n' >"$root/etc/systemd/system/playbookd.service.d/watchdog.conf"
	in_ns systemctl daemon-reload
	in_ns systemctl restart playbookd
	pid=$(main_pid)
	check "it keeps the watchdog quiet" bash -c "sleep 5; [ \"\$(nsenter -t $boss -a systemctl show playbookd -p MainPID --value)\" = $pid ]"
	in_ns kill -STOP "$pid"
	check "hung, it is started again" soon 25 is_new "$pid"
	check "because of the watchdog" soon 5 has watchdog in_ns journalctl -q -u playbookd -n 40 --no-pager
	rm "$root/etc/systemd/system/playbookd.service.d/watchdog.conf"
	in_ns systemctl daemon-reload
	in_ns systemctl restart playbookd
}

drains() {
	alarm slow-1
	soon 10 in_ns pgrep -f '^/usr/bin/sleep 4' || die "the step did not start"
	check "stop waits for the running step" in_ns systemctl stop playbookd
	check "and ends well" prop Result success
	check "with exit status 0" prop ExecMainStatus 0
	check "nothing of it is left" not in_ns pgrep -f '^/usr/bin/sleep 4'
	check "it starts again" in_ns systemctl start playbookd
	check "the step counts as done" has succeeded ctl show "$(id_of slow-1)"
	check "and was tried once" is 1 n_attempts "$(id_of slow-1)"
}

runs_commands_outside() {
	local pid
	sed -i 's/^daemon: .*//' "$root/etc/playbookd/playbookd.yaml"
	configure playbooks.d/a.yaml <<-'END'
		version: 1
		playbooks:
		  - name: helped
		    match: {detail: {alarmName: [{prefix: helped-}], state: {value: [ALARM]}}}
		    page_by: 5m
		    escalate: oncall
		    steps:
		      - {name: work, action: exec, argv: [/usr/bin/sleep, "6"], timeout: 30s}
		  - name: rude
		    match: {detail: {alarmName: [{prefix: rude-}], state: {value: [ALARM]}}}
		    page_by: 5m
		    escalate: oncall
		    steps:
		      - {name: work, action: exec, argv: [/usr/local/bin/rude], timeout: 2s, on_failure: continue}
		      - {name: who, action: exec, argv: [/usr/bin/id, -un], timeout: 10s}
	END
	configure commands.yaml <<-'END'
		version: 1
		commands:
		  - {name: sleep, argv: [/usr/bin/sleep, [{prefix: ""}]], user: bo}
		  - {name: rude, argv: [/usr/local/bin/rude]}
		  - {name: who, argv: [/usr/bin/id, -un], user: bo}
	END
	cat >"$root/usr/local/bin/rude" <<-'END'
		#!/bin/bash
		trap '' TERM
		setsid bash -c 'trap "" TERM; exec -a rude-one sleep 600' &
		sleep 600
	END
	chmod 755 "$root/usr/local/bin/rude"
	in_ns systemctl daemon-reload
	check "the catalogue is good" in_ns playbookd-exec --check
	check "the socket of playbookd-exec starts" in_ns systemctl start playbookd-exec.socket
	check "and is the daemon's alone" has "playbookd 600" in_ns stat -c '%U %a' /run/playbookd-exec.sock
	check "a configuration without driver: child is taken" in_ns systemctl reload playbookd
	alarm helped-1
	soon 10 in_ns pgrep -u bo -f '^/usr/bin/sleep 6' || die "the command did not start as the catalogue's user"
	pid=$(main_pid)
	in_ns systemctl kill -s KILL --kill-who=main playbookd
	check "killed, the daemon is started again" soon 10 is_new "$pid"
	check "the command goes on" in_ns pgrep -u bo -f '^/usr/bin/sleep 6'
	check "and its outcome is found" soon 15 has succeeded ctl show "$(id_of helped-1)"
	check "it was started once" is 1 n_attempts "$(id_of helped-1)"
	alarm rude-1
	soon 10 in_ns pgrep -f '^rude-one' || die "the rude command did not start"
	check "a grandchild that ignores TERM is ended with it" soon 25 not in_ns pgrep -f '^rude-one'
	check "the step knows that its time was over" soon 10 has States.Timeout ctl show "$(id_of rude-1)"
	check "the next command runs as the catalogue's user" soon 10 has '"text":"bo"' ctl --json show "$(id_of rude-1)"
}

looks_good() {
	check "systemd-analyze finds nothing wrong" in_ns bash -c 'out=$(systemd-analyze verify --man=no playbookd.service playbookd-exec.socket 2>&1); printf "%s\n" "$out"; [ -z "$out" ]'
	in_ns systemd-analyze security --no-pager playbookd.service | tail -n 1
}

[ "$(id -u)" = 0 ] || die "needs root: namespaces, cgroups"
prepare
start_all
runs_from_the_start
pages
reloads
survives_kill
watched
drains
runs_commands_outside
looks_good
echo "systemd $(in_ns systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p'): Checks: $checks, Failures: $failures"
[ "$checks" -gt 0 ] && [ "$failures" = 0 ]

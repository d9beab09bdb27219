#!/bin/bash
# Runs the fuzz programs given, FUZZ_SECONDS each (default 10), two at a time, and closes with one line.
# Seeds come from conf/ and, where they are there, from PB_SHARED's sample events and vectors; words
# come from the texts of the library under test.  What was found is kept beside the programs: the
# corpus for the next run, and inputs that broke something as crash-NAME-*.
set -u
cd "$(dirname "$0")/../.." || exit 1
seconds=${FUZZ_SECONDS:-10} shared=${PB_SHARED:-../shared}
home=$(dirname "$1")

# put FOLDER FILE...: copies under names that differ
put() {
	local to=$1 f
	shift
	for f in "$@"; do [ -f "$f" ] && cp "$f" "$to/$(cksum <"$f" | tr ' ' -)"; done
}
# text FOLDER FORMAT: one seed, by printf
text() {
	printf "$2" >"$1/seed-$(printf '%s' "$2" | cksum | tr ' ' -)"
}

seed_json() {
	put "$1" conf/iam-policy.json "$shared"/events/*.json
	text "$1" '[1,2.5e3,-9223372036854775808,"\\u00e9",{"a.b":[null,true]}]\0[4]["a.b"][0]'
}
seed_pattern() {
	local p event='{"source":"aws.cloudwatch","detail":{"state":{"value":"ALARM"},"n":[1,2.5,"x"],"ip":"10.0.0.7"}}'
	for p in '{"source":["aws.cloudwatch",{"prefix":"aws."}]}' '{"detail":{"n":[{"numeric":[">",0,"<=",5]}]}}' \
		'{"$or":[{"detail.ip":[{"cidr":"10.0.0.0/24"}]},{"a":[{"exists":false}]}]}' \
		'{"detail":{"state":{"value":[{"anything-but":{"wildcard":["O*","*K"]}}]}}}' \
		'{"source":[{"equals-ignore-case":"AWS.CloudWatch"},{"suffix":{"equals-ignore-case":"H"}}]}'; do
		text "$1" "$p\0$event"
	done
	# Recorded cases, a line each: {"name": ..., "pattern": {...}, "event": {...}}.
	[ -f "$shared/vectors/event-patterns/aws-recorded.jsonl" ] && command -v jq >/dev/null || return 0
	jq -c '.pattern' "$shared/vectors/event-patterns/aws-recorded.jsonl" | while IFS= read -r p; do
		printf '%s\0%s' "$p" "$event" >"$1/recorded-$(printf '%s' "$p" | cksum | tr ' ' -)"
	done
}
seed_match() {
	put "$1" "$shared"/events/*.json
	text "$1" ' {"source":"aws.cloudwatch","detail":{"state":{"value":"ALARM"},"n":[1,2.5e0,"300",null],"ip":"10.0.0.7"}}\n'
	text "$1" '{"a.b":"\\u00e9\\n\\"","a":{"c":{}},"detail":{"list":[{"a":"x","b":"yz"},{"a":["x",{}],"b":[[]]}]}}'
	text "$1" '{"detail":{"n":[-0,1e308,1E-5,18446744073709551616,"\\ud83d\\ude00"]},"source":"\303\251\342\200\256\360\237\230\200"}'
}
seed_event() {
	put "$1" "$shared"/events/*.json
	text "$1" '{"version":"0","id":"1","detail-type":"CloudWatch Alarm State Change","source":"aws.cloudwatch","account":"111122223333","time":"2026-03-03T09:14:05Z","region":"eu-west-1","resources":["arn:aws:cloudwatch:eu-west-1:111122223333:alarm:web"],"detail":{"alarmName":"web","state":{"value":"ALARM","timestamp":"2026-03-03T09:14:05.118+0000"},"previousState":{"value":"OK"}}}'
	text "$1" '{"AlarmName":"web","AlarmArn":"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:web","StateValue":"ALARM","StateUpdatedTimestamp":1.7e9,"HistoryData":"{\\"newState\\":{\\"stateValue\\":\\"ALARM\\"}}","Timestamp":1.7e9}'
	text "$1" '{"Type":"Notification","MessageId":"1","TopicArn":"arn:aws:sns:eu-west-1:111122223333:t","Message":"{\\"AlarmName\\":\\"web\\",\\"NewStateValue\\":\\"ALARM\\",\\"OldStateValue\\":\\"OK\\",\\"StateChangeTime\\":\\"2026-03-03T09:14:05.118+0000\\",\\"AlarmArn\\":\\"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:web\\"}"}'
	text "$1" '{"source":"aws.cloudwatch","alarmArn":"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:web","accountId":"111122223333","time":"2026-03-03T09:14:06Z","region":"eu-west-1","alarmData":{"alarmName":"web","state":{"value":"ALARM","timestamp":"2026-03-03T09:14:05.118+0000"}}}'
	text "$1" '{"awsAccountId":"111122223333","awsRegion":"us-east-2","configRuleName":"ssh","newEvaluationResult":{"complianceType":"NON_COMPLIANT"},"notificationCreationTime":"2026-03-03T10:20:31.380Z"}'
}
seed_config() {
	local f
	put "$1" conf/*.yaml conf/playbooks.d/*.yaml
	for f in conf/playbooks.d/*.yaml; do { cat conf/playbookd.example.yaml; printf '\0'; cat "$f"; } >"$1/both-${f##*/}"; done
}
seed_testfile() {
	put "$1" conf/tests/*.yaml
}
seed_template() {
	text "$1" '${alarm.tags.asg|default:"none"}\0{"alarm":{"tags":{"asg":"web"}}}'
	text "$1" 'at $${x} ${steps.pick.output.instances[0]} ${incident["x.y"]}\0{"steps":{"pick":{"output":{"instances":["i-1"]}}}}'
}
seed_aws_answer() {
	local i
	for i in 000 001 002 004 010 020; do
		text "$1" "\\$i\\000Content-Type: application/x-amz-json-1.0\nx-amzn-RequestId: 1\n\n{\"Messages\":[{\"Body\":\"a\",\"MD5OfBody\":\"0cc175b9c0f1b6a831c399e269772661\"}],\"MessageId\":\"1\"}"
		text "$1" "\\$i\\000Content-Type: text/xml\n\n<DescribeAlarmsResponse><DescribeAlarmsResult><MetricAlarms><member><AlarmName>a</AlarmName><Threshold>1.5</Threshold></member></MetricAlarms></DescribeAlarmsResult></DescribeAlarmsResponse>"
		text "$1" "\\$i\\003Content-Type: text/xml\n\n<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>m</Message></Error><RequestId>1</RequestId></ErrorResponse>"
		text "$1" "\\$i\\003x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender\nDate: Tue, 03 Mar 2026 09:14:05 GMT\n\n{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"m\"}"
	done
}
seed_aws_profile() {
	text "$1" '[default]\nregion = eu-west-1\nservices = local\nendpoint_url = https://x.example/base\n[services local]\nsqs =\n  endpoint_url = http://127.0.0.1:1\n[profile a]\nsource_profile=default\nrole_arn=arn:aws:iam::111122223333:role/a\n\0[default]\naws_access_key_id=AKID\naws_secret_access_key = s\n# x\n'
}
seed_scalar() {
	text "$1" '\0002026-03-03T09:14:05.118+0000'
	text "$1" '\0002026-02-28 23:59:60-01:30'
	text "$1" '\001Tue, 03 Mar 2026 09:14:05 GMT'
	text "$1" '\00290s'
	text "$1" '\00264KiB'
	text "$1" '\003aGVsbG8='
	text "$1" '\004arn:aws:sns:eu-west-1:111122223333:topic'
	text "$1" '\004https://sqs.eu-west-1.amazonaws.com/111122223333/q'
	text "$1" '\005<r><a>x</a><b><member>1</member></b><c><entry><key>k</key><value>v</value></entry></c><d>7</d><g><a>1.5</a></g></r>'
	text "$1" '\006\342\200\256 \033[31mred\033[0m \303\251\377'
}

# Words of the library, so that keys need not be guessed letter by letter.
words() {
	grep -ohE '"[A-Za-z][A-Za-z0-9_.:/${}-]{1,40}"' "$@" | sort -u | grep -v '\\' | awk '{print "w" NR "=" $0}'
}
words_of() {
	case $1 in
	pattern | match | json) words lib/pattern/*.c ;;
	event) words lib/event/*.c ;;
	config | template) words lib/playbook/*.c ;;
	testfile) words lib/sim/test*.c ;;
	aws_*) words lib/aws/*.c ;;
	*) words lib/base/time*.c lib/base/text*.c lib/aws/arn.c lib/aws/endpoint.c ;;
	esac
}

fuzz_one() { # PROGRAM
	local name=${1##*/} corpus seeds log rc
	corpus=$home/corpus/$name seeds=$home/seeds/$name log=$home/$name.log
	rm -rf "$seeds"
	mkdir -p "$corpus" "$seeds"
	"seed_$name" "$seeds"
	words_of "$name" >"$home/$name.dict"
	# A seed that fits no parser would be a mistake of this script: there must be some.
	[ -n "$(ls "$seeds")" ] || { echo "$name: no seeds" >"$log"; return 1; }
	"$1" -max_total_time="$seconds" -max_len=20000 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-dict="$home/$name.dict" -artifact_prefix="$home/crash-$name-" "$corpus" "$seeds" >"$log" 2>&1
	rc=$?
	return $rc
}

report() { # PROGRAM STATUS
	local name=${1##*/} n
	n=$(sed -n 's/^stat::number_of_executed_units: *//p' "$home/$name.log")
	if [ "$2" = 0 ] && [ "${n:-0}" -gt 0 ]; then
		printf '%-12s ok, %s inputs\n' "$name" "$n"
		inputs=$((inputs + n))
	else
		printf '%-12s FAILED (exit %s)\n' "$name" "$2"
		grep -vE '^#[0-9]+|^INFO|^stat|^###' "$home/$name.log" | tail -n 60
		broken=$((broken + 1))
	fi
}

inputs=0 broken=0 ran=0
while [ $# -gt 0 ]; do
	batch=("$1")
	shift
	[ $# -gt 0 ] && { batch+=("$1"); shift; }
	pids=()
	for p in "${batch[@]}"; do fuzz_one "$p" & pids+=($!); done
	for i in "${!batch[@]}"; do
		wait "${pids[$i]}"
		report "${batch[$i]}" $?
		ran=$((ran + 1))
	done
done
echo "fuzz: $ran programs, $inputs inputs, $broken broken"
[ "$ran" -gt 0 ] && [ "$broken" = 0 ]

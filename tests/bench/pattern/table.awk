# Prints what run.sh measured: a table of times, and each target with what was reached.  Fails where
# the engines do not find the same matches, or ours allocates.

function median(of, name,    n, i, k, t, v) {
	n = split(of[name], v, " ")
	for (i = 2; i <= n; i++)
		for (k = i; k > 1 && v[k] + 0 < v[k - 1] + 0; k--) { t = v[k]; v[k] = v[k - 1]; v[k - 1] = t }
	least = v[1]
	most = v[n]
	return n == 0 ? "" : v[int((n + 1) / 2)] + 0
}
function cell(ns) { return ns == "" || ns == "refused" ? "-" : sprintf("%.0f", ns) }
function is_time(ns) { return ns != "" && ns != "refused" && ns != "-" }
# What is asked of a ratio of theirs to ours, and whether that was reached.
function at_least(what, theirs, ns, asked, ns_unlike,    got) {
	if (!is_time(theirs))
		return
	got = theirs / ns
	targets++
	reached += got >= asked
	lines[++n_lines] = sprintf("%-44s >= %5.1fx %8.1fx  %-11s %s", what, asked, got,
	    got >= asked ? "reached" : "NOT REACHED",
	    ns_unlike == "" ? "" : sprintf("unlike: %.1fx", theirs / ns_unlike))
}
function at_most(what, got, asked, unit) {
	targets++
	reached += got <= asked
	lines[++n_lines] = sprintf("%-44s <= %5g%-1s %8.5g%-1s %s", what, asked, unit, got, unit,
	    got <= asked ? " reached" : " NOT REACHED")
}
function check(who, n, name) {
	if (n != "" && n != matches[name])
		bad = bad sprintf("%s: %s has %s matches, we %s\n", name, who, n, matches[name])
}

FILENAME ~ /plain\.[0-9]+$/ {
	if (!($1 in plain))
		names[++n_names] = $1
	plain[$1] = plain[$1] " " $2
	check("another sitting", $1 in matches ? $3 : "", $1)
	matches[$1] = $3
	rate[$1] = rate[$1] " " $4
	bytes[$1] = $5
	allocated += $6
	next
}
FILENAME ~ /early\.[0-9]+$/ { early[$1] = early[$1] " " $2; next }
FILENAME ~ /unlike\.[0-9]+$/ { unlike[$1] = unlike[$1] " " $2; check("unlike", $3, $1); next }
FILENAME ~ /fields$/ { fields[$1] = $2; check("fields", $3, $1); next }
FILENAME ~ /ruler$/ { ruler[$1] = $2; check("event-ruler", $3, $1); next }
FILENAME ~ /quamina$/ { quamina[$1] = $2; check("quamina", $3, $1); next }

END {
	printf "ns an event by thread-CPU time\n"
	printf "%-26s %7s %7s %7s %7s %7s %9s %9s %9s %10s %8s\n", "case", "ours", "spread", "unlike", "early",
	    "fields", "ruler", "quamina", "matches", "rules/s", "B/rule"
	for (i = 1; i <= n_names; i++) {
		name = names[i]
		ns = median(plain, name)
		spread = (most - least) * 100 / ns
		u = median(unlike, name)
		e = median(early, name)
		r = ruler[name]
		q = quamina[name]
		r_ = median(rate, name)
		printf "%-26s %7.0f %6.0f%% %7.0f %7.0f %7.0f %9s %9s %9d %10d %8d\n", name, ns, spread, u, e,
		    fields[name], cell(r), cell(q), matches[name], r_, bytes[name]
		if (name ~ /^(EXACT|PREFIX|SUFFIX|EQUALS_IGNORE_CASE|WILDCARD)$/) {
			at_least(name " / event-ruler", r, ns, 10, u)
			at_least(name " / quamina", q, ns, 1.2, u)
			at_least(name ", early stop / quamina", q, e, 1.5)
		} else if (name ~ /^(NUMERIC|ANYTHING-BUT)/) {
			at_least(name " / event-ruler", r, ns, 10, u)
			at_least(name " / quamina", q, ns, 4, u)
		} else if (name ~ /^(COMPLEX_ARRAYS|PARTIAL_COMBO|COMBO)$/) {
			at_least(name " / event-ruler", r, ns, 12, u)
		} else {
			better = !is_time(q) || (is_time(r) && r < q) ? r : q
			at_least(name " / the better peer", better, ns,
			    name == "wildcards-1000" ? 100 : name == "alarms-1000000" ? 6 : 8, u)
		}
		if (name ~ /^alarms-/)
			time[name] = ns
		if (name ~ /^alarms-10+000$/) {
			at_most("memory of a rule, " name, bytes[name], 250, "B")
			targets++
			reached += r_ >= 300000
			lines[++n_lines] = sprintf("%-44s >= %6d %9d  %s", "rules built a second, " name, 300000, r_,
			    r_ >= 300000 ? "reached" : "NOT REACHED")
		}
	}
	if (time["alarms-10"] > 0 && time["alarms-100000"] > 0)
		at_most("100,000 rules, times the time of 10", time["alarms-100000"] / time["alarms-10"], 1.5, "x")
	at_most("allocations, all passes but the first", allocated, 0, "")
	printf "\n%-44s %9s %9s\n", "target", "asked", "got"
	for (i = 1; i <= n_lines; i++)
		print lines[i]
	printf "%d of %d reached\n", reached, targets
	printf "%s", bad
	exit bad != "" || allocated > 0
}

# Prints what run.sh measured: a table of times, and each target with what was reached.  Fails where
# the engines do not find the same matches, or ours allocates.
#
# A cell of which something is asked ends in '+' where that was reached, in '!' where it was not: a
# peer's time beside how many times ours it is, the rate of building, the memory of a rule.

function median(of, name,    n, i, k, t, v) {
	n = split(of[name], v, " ")
	for (i = 2; i <= n; i++)
		for (k = i; k > 1 && v[k] + 0 < v[k - 1] + 0; k--) { t = v[k]; v[k] = v[k - 1]; v[k - 1] = t }
	least = v[1]
	most = v[n]
	return n == 0 ? "" : v[int((n + 1) / 2)] + 0
}
function mark(is_reached) { return is_reached ? "+" : "!" }
function is_time(ns) { return ns != "" && ns != "refused" && ns != "-" }
# A peer's time; `asked` times ours, 0 = nothing is asked of it.
function cell(theirs, ns, asked) {
	if (!is_time(theirs))
		return theirs == "refused" ? "refused" : "-"
	if (asked == 0)
		return sprintf("%.0f", theirs)
	return sprintf("%.0f %.1fx%s", theirs, theirs / ns, mark(theirs / ns >= asked))
}
# What is asked of the better peer: by a set of rules.
function asked_of_sets(name) { return name == "wildcards-1000" ? 100 : name == "alarms-1000000" ? 6 : 8 }
function is_single(name) { return name ~ /^(EXACT|PREFIX|SUFFIX|EQUALS_IGNORE_CASE|WILDCARD)$/ }
function is_number_or_but(name) { return name ~ /^(NUMERIC|ANYTHING-BUT)/ }
function is_combined(name) { return name ~ /^(COMPLEX_ARRAYS|PARTIAL_COMBO|COMBO)$/ }
function asked_of_ruler(name) {
	return is_single(name) || is_number_or_but(name) ? 10 : is_combined(name) ? 12 : asked_of_sets(name)
}
function asked_of_quamina(name) {
	return is_single(name) ? 1.2 : is_number_or_but(name) ? 4 : is_combined(name) ? 0 : asked_of_sets(name)
}
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
	printf "%-26s %7s %7s %7s %7s %7s %17s %17s %9s %10s %8s\n", "case", "ours", "spread", "unlike", "early",
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
		is_large = name ~ /^alarms-10+000$/
		printf "%-26s %7.0f %6.0f%% %7.0f %7s %7.0f %17s %17s %9d %10s %8s\n", name, ns, spread, u,
		    sprintf("%.0f%s", e, is_single(name) && is_time(q) ? mark(q / e >= 1.5) : ""),
		    fields[name], cell(r, ns, asked_of_ruler(name)), cell(q, ns, asked_of_quamina(name)),
		    matches[name], sprintf("%d%s", r_, is_large ? mark(r_ >= 300000) : ""),
		    sprintf("%d%s", bytes[name], is_large ? mark(bytes[name] <= 250) : "")
		if (is_single(name)) {
			at_least(name " / event-ruler", r, ns, asked_of_ruler(name), u)
			at_least(name " / quamina", q, ns, asked_of_quamina(name), u)
			at_least(name ", early stop / quamina", q, e, 1.5)
		} else if (is_number_or_but(name)) {
			at_least(name " / event-ruler", r, ns, asked_of_ruler(name), u)
			at_least(name " / quamina", q, ns, asked_of_quamina(name), u)
		} else if (is_combined(name)) {
			at_least(name " / event-ruler", r, ns, asked_of_ruler(name), u)
		} else {
			better = !is_time(q) || (is_time(r) && r < q) ? r : q
			at_least(name " / the better peer", better, ns, asked_of_sets(name), u)
		}
		if (name ~ /^alarms-/)
			time[name] = ns
		if (name == "alarms-1000")
			rate_of_1000 = r_
		if (is_large) {
			at_most("memory of a rule, " name, bytes[name], 250, "B")
			targets++
			reached += r_ >= 300000
			lines[++n_lines] = sprintf("%-44s >= %6d %9d  %s", "rules built a second, " name, 300000, r_,
			    r_ >= 300000 ? "reached" : "NOT REACHED")
			# Flat: a rule of a larger set takes no longer, but for what is noise.
			if (rate_of_1000 > 0)
				at_most("building a rule, " name " by alarms-1000", rate_of_1000 / r_, 1.5, "x")
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

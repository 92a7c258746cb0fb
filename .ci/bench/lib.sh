# Functions of the benchmarks. Source it in the repository's root. Servers listen
# on 127.0.0.0/8 only.
#
# .ci/bench/all runs every script that has a place in CONTRIBUTING.md, between
# <!-- bench:NAME --> and <!-- /bench -->, and writes there what it prints on
# standard output: Markdown tables. A script knows --quick, prints its bars with
# row, ends with status 1 if one was missed, and with 2 if a program is missing
# (need). With --quick it takes a minute at most and fails only if a result is
# wrong.
# shellcheck shell=bash
here=.ci/bench
work=$(mktemp -d)
running=()
cleanup() {
	((${#running[@]} == 0)) || kill "${running[@]}" 2>/dev/null || true
	wait
	chmod -R u+w "$work" # of a module cache, if one was made
	rm -rf "$work"
}
trap cleanup EXIT
say() { printf '%s\n' "$*" >&2; }

need() { # PROGRAM...: or name those that are missing
	local missing=() program
	for program; do command -v "$program" >/dev/null || missing+=("$program"); done
	((${#missing[@]} == 0)) || { printf 'missing: %s\n' "${missing[@]}" >&2 && exit 2; }
}

field() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"; } # of a line of JSON
note() { printf '%s %s\n' "$1" "$2" >>"$work/figures"; }
median() { awk -v k="$1" '$1 == k {print $2}' "$work/figures" | sort -g | awk '{v[NR] = $1} END {
	if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2; else print 0}'; }
worst() { awk -v k="$1" '$1 == k && $2 + 0 > m {m = $2 + 0} END {print m + 0}' "$work/figures"; }
calc() { awk "BEGIN {printf \"%.${2-0}f\", $1}"; }
thousands() { awk -v x="$1" 'BEGIN {s = sprintf("%.0f", x); while (length(s) > 3) {t = "," substr(s, length(s) - 2) t; s = substr(s, 1, length(s) - 3)}; print s t}'; }

row() { # what, figure as printed, figure, bar as an awk condition on x, the bar in words
	local verdict=yes
	if ! awk -v x="$3" "BEGIN {exit !($4)}"; then
		verdict=**no**
		note missed 1
	fi
	printf '| %s | %s | %s | %s |\n' "$1" "$2" "$5" "$verdict"
}

# free_port prints a port that is free on all given addresses. If another process
# takes it before it is used, the server fails to start, and so does the benchmark.
free_port() {
	local port
	for _ in {1..50}; do
		port=$((20000 + RANDOM % 12000)) # below the ports that connections get
		if ! grep -q -i ":$(printf %04X "$port") " /proc/net/tcp /proc/net/udp; then
			echo "$port"
			return
		fi
	done
	say "no port is free" && exit 1
}

# nameserver PORT: starts NSD with the zones of $work/zones.conf, one process.
nameserver() {
	cat >"$work/nsd.conf" <<-CONF
		server:
		  ip-address: 127.0.0.1@$1
		  server-count: 1
		  do-ip6: no
		  username: ""
		  zonesdir: "$work"
		  database: ""
		  zonelistfile: "$work/zone.list"
		  xfrdfile: "$work/xfrd.state"
		  xfrdir: "$work"
		  pidfile: "$work/nsd.pid"
		  logfile: "$work/nsd.log"
		  rrl-ratelimit: 0
		  round-robin: no
		remote-control:
		  control-enable: no
		include: "$work/zones.conf"
	CONF
	nsd -d -c "$work/nsd.conf" 2>>"$work/nsd.log" &
	running+=("$!")
}

# await NAME SERVER: waits until the server has an address for the name.
await() {
	for _ in {1..60}; do
		sleep 0.5
		if echo "$1" | "$work/lookups" "$2" 2>/dev/null | grep -q ' A '; then return; fi
	done
	say "the name server does not answer" && cat "$work/nsd.log" >&2
	exit 1
}

machine() {
	printf '%s cores (%s), %s, NSD %s' "$(nproc)" "$(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1)" "$(go env GOVERSION)" "$(nsd -v 2>&1 | sed -n '1s/.*version //p')"
}

#!/bin/sh
# What the guest's own programs take, idle: the kernel's numbers, of a guest without a debugger, through the agent.
. tests/boot/common
needs "bulla-init and bulla-agent are small" python3
needs_client "bulla-init and bulla-agent are small"

rss() {
	guest "$WORK/guest" "$RELEASE" && sleep 5 && "$CLIENT" -t 20s call GetMetrics >"$WORK/metrics"
	got=$?
	end_guest
	return $got
}

# at_most BYTES NAME…: the sum of these gauges
at_most() {
	python3 - "$WORK/metrics" "$@" <<-'EOF'
	import json, sys
	text = json.load(open(sys.argv[1]))["metrics"]
	values = dict(line.split() for line in text.splitlines() if line[0] != "#")
	seen = {name: int(values[name]) for name in sys.argv[3:]}
	print(seen)
	assert all(v > 0 for v in seen.values()) and sum(seen.values()) <= int(sys.argv[2])
	EOF
}

size_at_most() {
	size=$(stat -c %s "$1") && echo "$size" && [ "$size" -le "$2" ]
}

check "an idle guest tells its memory" rss
check "bulla-init and bulla-agent take at most 10 MB together" at_most 10000000 kata_agent_total_rss bulla_init_total_rss
sed 's/^/# /' "$WORK/.log"
check "bulla-agent has at most 400 KB" size_at_most "$OUT/guest/x86_64/bulla-agent" 400000
check "bulla-init has at most 64 KB" size_at_most "$OUT/guest/x86_64/bulla-init" 64000

#!/bin/sh
# The release bundle boots, in order, is found whole, and powers off when asked.
. tests/boot/common
needs "the sample bundle boots" python3

boots() {
	"$BULLA" run --bundle "$RELEASE" --until sealed --json --record "$WORK/boot/sample.json" >"$WORK/run.json"
}

in_order() {
	python3 - "$WORK/run.json" <<-'EOF'
	import json, sys
	d = json.load(open(sys.argv[1]))
	names = [s["name"] for s in d["stages"]]
	times = [s["boottime_ns"] for s in d["stages"]]
	print(names, times)
	assert names == ["initrd", "disk", "verity", "root", "init", "agent", "ready", "sealed"]
	assert times == sorted(times) and times[0] > 0
	assert times[-1] < d["seconds"] * 1e9, "the guest's clock runs ahead of ours"
	assert d["sealed"] is True and d["platform"] == "sample" and d["agent"]
	EOF
}

check "the sample bundle boots until sealed, and powers off when asked" boots
check "what is printed is recorded" cmp "$WORK/run.json" "$WORK/boot/sample.json"
check "its stages come in order, each later than the one before" in_order

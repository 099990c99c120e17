#!/bin/sh
# The page of the real build says what the manifests say, and a browser lays it out without anything that overlaps, is cut
# off or has to be scrolled to the side, on a phone and on a desk, light and dark.
. tests/boot/common
tests=$PWD/tests
[ -e "$OUT/report.json" ] || { skip "the report's page" "$OUT/report.json is missing"; exit 0; }
cp "$OUT/report.json" "$WORK/made.json"
"$BULLA" report --out "$OUT" --to "$WORK" --html >/dev/null

check "the page is whole, needs nothing else, and says what the manifests say" python3 "$tests/page.py" "$WORK/report.json" "$WORK/report.html"
every_bundle() { jq -r ".bundles[].manifest.platform" "$WORK/report.json" >"$WORK/names" && find "$OUT/bundles" -mindepth 1 -maxdepth 1 -name "[!.]*" -printf "%f\n" | sort | diff - "$WORK/names"; }
check "every bundle is on it" every_bundle
same() {
	"$BULLA" report --out "$OUT" --to "$WORK/again" --html --no-times >/dev/null &&
		"$BULLA" report --out "$OUT" --to "$WORK/more" --html --no-times >/dev/null &&
		cmp "$WORK/again/report.html" "$WORK/more/report.html" && cmp "$WORK/again/report.json" "$WORK/more/report.json"
}
check "without times it is the same each time" same

if ! command -v chromium >/dev/null; then
	skip "a browser lays it out" "chromium is missing"
	exit 0
fi
# probe CSS: a copy with a script that measures the layout; the page itself allows none
probe() {
	sed -e '/Content-Security-Policy/d' -e "s|</style>|${1-}</style>|" -e '/<\/body>/,$d' "$WORK/report.html"
	echo '<script>'
	cat "$tests/layout.js"
	echo '</script></body></html>'
}
# lays_out WIDTH SCHEME NUMBER: in a frame, because no window is as narrow as a phone
lays_out() {
	printf '<body><script>onmessage = (m) => document.body.append(Object.assign(document.createElement("pre"), { textContent: "\\n" + m.data + "\\n" }))</script><iframe src="probe.html" style="width: %spx; height: 900px; border: 0"></iframe></body>' \
		"$1" >"$WORK/frame.html"
	nice timeout 120 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$WORK/profile" --window-size=1400,1000 \
		--hide-scrollbars --blink-settings="preferredColorScheme=$3" --dump-dom "file://$WORK/frame.html" 2>/dev/null |
		sed -n '/^probed/,/<\/pre>/p' >"$WORK/said"
	cat "$WORK/said"
	grep -q "^probed $1 $2 [1-9]" "$WORK/said" && [ "$(wc -l <"$WORK/said")" = 2 ]
}
probe >"$WORK/probe.html"
for w in 400 1280; do
	check "nothing overlaps, is cut off or hard to read at $w pixels, light" lays_out $w light 1
	check "nor dark" lays_out $w dark 0
done
probe '.lead{color:#aaa}.card{min-width:600px}' >"$WORK/probe.html"
found() { ! lays_out 400 light 1 && grep -q '^contrast' "$WORK/said" && grep -q '^scrolls sideways' "$WORK/said"; }
check "a page that is too wide and too pale would be found" found

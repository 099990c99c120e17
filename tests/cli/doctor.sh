#!/bin/sh
# `bulla doctor`: what it finds is what is there, and what it asks for is what ci/install-deps installs.
. tests/tap.sh

# all of /usr/bin but one program
mkdir "$WORK/bin"
ln -s /usr/bin/* "$WORK/bin/" 2>/dev/null || :
rm -f "$WORK/bin/mmdebstrap"

tells_version() {
	"$BULLA" doctor >"$WORK/out" 2>/dev/null || :
	grep -qE "^ok +make +image check +$(make --version | awk 'NR == 1 { print $3 }')$" "$WORK/out"
}

packages_are_installed_by_ci() {
	PATH=$WORK/none:/bin "$BULLA" doctor --json 2>/dev/null |
		sed -n 's/.*"remedy": "apt install \(.*\)".*/\1/p' | sort >"$WORK/asked"
	[ "$(wc -l <"$WORK/asked")" -gt 10 ] || return 1
	while read -r p; do
		grep -qE "^	(tools|image|check) $p( |$)" ci/install-deps || { echo "ci/install-deps lacks $p"; return 1; }
	done <"$WORK/asked"
}

json_agrees_with_the_exit_status() {
	status=0
	"$BULLA" doctor --json >"$WORK/out" 2>/dev/null || status=$?
	case $status in
	0) grep -q '"ok": true' "$WORK/out" && ! grep -q '"state": "missing"' "$WORK/out" ;;
	4) grep -q '"ok": false' "$WORK/out" && grep -q '"state": "missing"' "$WORK/out" ;;
	*) return 1 ;;
	esac
}

check "a program that is there is told with its own version" tells_version
check "every package that it asks for is one that ci/install-deps installs" packages_are_installed_by_ci
check "the JSON says ok exactly when the exit status does" json_agrees_with_the_exit_status
refuses "a missing program is told with the package that has it, exit 4" 4 \
	"^missing  mmdebstrap .* not found; apt install mmdebstrap$" env PATH="$WORK/bin" "$BULLA" doctor
refuses "a file system too small for the build is told" 4 "^missing  disk .*; 6 GiB" env BULLA_CACHE=/proc "$BULLA" \
	doctor --out /proc/out

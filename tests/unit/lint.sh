#!/bin/sh
# The rules of the repository that no compiler checks.
. tests/tap.sh

# includes FOLDER ALLOWED…: quoted includes of the folder's files, but for those matching a prefix that is allowed
includes() {
	dir=$1
	shift
	found=$(find "$dir" -name '*.[ch]' -exec grep -Hn '^#include "' {} + || :)
	for allowed; do
		found=$(echo "$found" | grep -vE "#include \"$allowed" || :)
	done
	[ -z "$found" ] || { echo "$found"; return 1; }
}

own_headers_only() {
	includes agent/init '[^/]*"'
}

# another concern is reached through the header that bears its name
one_header_a_concern() {
	bad=$(grep -rn '^#include "[a-z]*/' agent --include='*.[ch]' | awk -F'[:"]' '
		{ split($4, inc, "/"); split($1, own, "/"); if (inc[1] != "lib" && inc[1] != "format" && inc[1] != own[2] && inc[2] != inc[1] ".h") print }')
	[ -z "$bad" ] || { echo "$bad"; return 1; }
}

formatted() {
	git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format --dry-run -Werror
}

scripts() {
	git ls-files -co --exclude-standard | while read -r f; do
		[ -f "$f" ] && head -c 20 "$f" | grep -q '^#!/bin/\(ba\)\?sh\|^# shellcheck shell' && echo "$f"
	done | xargs shellcheck -S warning
}

executable() {
	git ls-files -co --exclude-standard 'tests/*/*.sh' | while read -r f; do
		[ ! -f "$f" ] || [ -x "$f" ] || { echo "$f"; return 1; }
	done
}

no_mirror_named() {
	! git grep -nE 'deb\.debian\.org|snapshot\.debian|archive\.ubuntu|registry\.npmjs' -- . ':!tests/unit/lint.sh'
}

one_command_line() {
	# a token of the kernel command line comes from recipes/ alone
	! git grep -nE '(panic=-1|loglevel=|console=ttyS0)' -- tools kernel rootfs agent ':!*.md'
}

check "tools/lib includes nothing above itself" includes tools/lib lib/
check "tools/format includes only lib and itself" includes tools/format lib/ format/
check "measure includes only lib, format and itself" includes measure lib/ format/ measure/
check "agent/init includes nothing but its own headers and libc" own_headers_only
check "an agent's concern is reached through its one header" one_header_a_concern
git rev-parse --git-dir >/dev/null 2>&1 || {
	skip "no mirror is named, one command line, shellcheck, clang-format" "this is no git checkout, which says what is ours"
	exit 0
}
check "no mirror is named in the repository" no_mirror_named
check "a test can be executed" executable
check "command line tokens stand in recipes alone" one_command_line
if command -v shellcheck >/dev/null; then
	check "shell scripts pass shellcheck" scripts
else
	skip "shell scripts pass shellcheck" "shellcheck is missing"
fi
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
	check "C files are as .clang-format says" formatted
else
	skip "C files are as .clang-format says" "clang-format 14 is missing"
fi

#!/bin/sh
# bulla completion: what the shells are told is what the command takes.
. tests/tap.sh
cd "$WORK"
for shell in bash zsh fish; do
	"$BULLA" completion $shell >c.$shell
done
if ! command -v bash >/dev/null; then
	skip "bash completes" "bash is missing"
else
	# complete WORD…: what bash offers for the last word
	cat >complete.sh <<-'EOT'
		. ./c.bash
		compopt() { :; }
		COMP_WORDS=(bulla "$@") COMP_CWORD=$#
		_bulla
		printf '%s\n' "${COMPREPLY[@]}"
	EOT
	offers() {
		want=$1
		shift
		bash complete.sh "$@" | sort >got
		[ "$(paste -s -d ' ' got)" = "$want" ] || { cat got; return 1; }
	}
	all_verbs() {
		"$BULLA" --help | sed -n 's/^  \([a-z]*\) .*/\1/p' >verbs
		[ "$(wc -l <verbs)" -gt 10 ] && bash complete.sh '' | grep -v '^--' | sort | diff verbs -
	}
	check "bash completes every verb that --help lists" all_verbs
	all_options() {
		while read -r verb; do
			"$BULLA" "$verb" --help | sed -n 's/^  --\([a-z0-9-]*=\{0,1\}\).*/--\1/p' | sort >want
			bash complete.sh "$verb" -- | sort | diff want - || return 1
		done <verbs
	}
	check "and every option of every verb" all_options
	check "a beginning is completed" offers 'measure' mea
	check "an option's values are those it takes" offers 'none' run --progress n
	check "with = too" offers 'none' run --progress = n
	check "the platforms to measure are known" offers 'tdx' measure t
	check "and the stack profiles" offers 'stub-252 stub-257 stub-262' explain --stack stub
fi
for shell in zsh fish; do
	if command -v $shell >/dev/null; then
		check "$shell reads what it is given" $shell -n c.$shell
	else
		skip "$shell reads what it is given" "$shell is missing"
	fi
done
fish_offers() {
	HOME=$WORK fish -c "source c.fish; complete -C 'bulla measure --ovmf'" | grep -q '^--ovmf-hash' &&
		HOME=$WORK fish -c "source c.fish; complete -C 'bulla diff --'" | grep -q '^--svg'
}
if command -v fish >/dev/null; then check "fish completes options" fish_offers; fi
options() { "$BULLA" measure --help | sed -n 's/^  --\([a-z0-9-]*\).*/\1/p' | sort; }
fish_has() {
	sed -n "s/.*seen_subcommand_from measure' -l \([a-z0-9-]*\) .*/\1/p" c.fish | sort >got
	options | diff - got
}
check "fish has every option of measure" fish_has
zsh_has() {
	sed -n '/^measure)/,/;;/s/^.*\*--\([a-z0-9-]*\)=\{0,1\}\[.*/\1/p' c.zsh | sort >got
	options | diff - got
}
check "zsh has every option of measure" zsh_has
refuses "another shell is refused" 2 'bash, zsh or fish' "$BULLA" completion csh

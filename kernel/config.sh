#!/bin/sh
# Resolves the fragments into a .config and checks that nothing asked for was lost. There is no list of exceptions.
# Usage: config.sh SOURCE OBJECTS FRAGMENT…
set -eu
source=$1 objects=$2
shift 2
mkdir -p "$objects"
cat "$@" >"$objects/requested"
make -s -C "$source" O="$objects" KCONFIG_ALLCONFIG="$objects/requested" allnoconfig

lost=0
while read -r line; do
	case $line in
	'# CONFIG_'*' is not set')
		symbol=${line#\# }
		symbol=${symbol%% *}
		grep -q "^$symbol=" "$objects/.config" || continue
		got=$(grep "^$symbol=" "$objects/.config")
		;;
	CONFIG_*)
		grep -qxF -- "$line" "$objects/.config" && continue
		symbol=${line%%=*}
		got=$(grep -E "^(# )?$symbol( is not set|=)" "$objects/.config" || echo 'no such symbol here')
		;;
	*) continue ;;
	esac
	echo "kernel: $(grep -lxF -- "$line" "$@"): asked for '$line', got '$got'" >&2
	lost=1
done <"$objects/requested"
exit $lost

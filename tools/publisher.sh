#!/bin/sh
# Makes $STEP_TMP/publisher, the root of what `make publish` runs, from the store alone: exactly the packages of
# recipes/publish.lock.
set -eu
repo=$STEP_TMP/debs
"$BULLA" fetch publish -q --offline --into "$repo"
tools/localrepo.sh "$repo" trixie
packages=$(awk '!/^#/ { printf "%s%s", sep, $1; sep = "," }' recipes/publish.lock)
# a mount namespace of its own: whatever kills this leaves no mount behind
tools/userns.sh unshare --mount --pid --fork --kill-child mmdebstrap --mode=root --skip=output/dev \
	--variant=essential --include="$packages" --aptopt='APT::Sandbox::User "root"' \
	--aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io --dpkgopt=path-exclude=/usr/share/man/* \
	--dpkgopt=path-exclude=/usr/share/locale/* --dpkgopt=path-exclude=/usr/share/doc/* \
	trixie "$STEP_TMP/publisher" "deb [trusted=yes] copy:$repo trixie main"
mkdir -p "$STEP_TMP/publisher/build"

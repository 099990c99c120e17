#!/bin/sh
# Makes DIR, which holds .deb files, a repository that apt takes: localrepo.sh DIR SUITE
set -eu
dir=$1 suite=$2
index=dists/$suite/main/binary-amd64
cd "$dir"
mkdir -p "$index"
apt-ftparchive packages . >"$index/Packages"
printf 'Suite: %s\nCodename: %s\nArchitectures: amd64\nComponents: main\nOrigin: Debian\nLabel: Debian\n' "$suite" "$suite" >Release
apt-ftparchive release "dists/$suite" >>Release
mv Release "dists/$suite/Release"

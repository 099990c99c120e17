#!/bin/sh
# Inside the sandbox: unpacks the locked source, resolves the configuration, and builds. /out/debs holds the package.
# Usage: build.sh config|image ARCH
set -eu
what=$1 arch=$2
src=/build/linux obj=/build/obj
committed=/src/kernel/$arch.config

mkdir -p "$src"
dpkg-deb --fsys-tarfile /out/debs/linux-source-*.deb | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
	tar -xJ -C "$src" --strip-components=1

export KBUILD_BUILD_TIMESTAMP="@$SOURCE_DATE_EPOCH" KBUILD_BUILD_USER=bulla KBUILD_BUILD_HOST=bulla
export KBUILD_BUILD_VERSION=1
sh /src/kernel/config.sh "$src" "$obj" /src/kernel/fragments/*.config
if [ "$what" = config ]; then
	cp "$obj/.config" /out/config
	exit
fi
diff -u "$committed" "$obj/.config" || {
	echo "kernel: the resolved configuration is not kernel/$arch.config; \`make kernel-config\` writes it" >&2
	exit 1
}
make -s -C "$src" O="$obj" -j"$JOBS" CC='ccache gcc' bzImage
cp "$obj/arch/x86/boot/bzImage" /out/vmlinuz
cp "$obj/.config" /out/config
cp "$obj/System.map" /out/System.map

#!/bin/sh
# The security floor of the guest kernel, asserted on the configuration that is built, with no exceptions.
. tests/tap.sh
cfg=kernel/x86_64.config

has() {
	grep -qxF -- "$1" "$cfg" || { echo "$cfg has no line '$1'"; return 1; }
}

off() {
	! grep "^$1=" "$cfg"
}

all_mitigations() {
	[ "$(grep -c '^CONFIG_MITIGATION_.*=y' "$cfg")" -ge 20 ] && ! grep '^# CONFIG_MITIGATION_' "$cfg"
}

fragments_kept() {
	cat kernel/fragments/*.config | grep -E '^CONFIG_' | while read -r line; do has "$line"; done
	cat kernel/fragments/*.config | sed -n 's/^# \(CONFIG_[A-Z0-9_]*\) is not set$/\1/p' |
		while read -r symbol; do off "$symbol"; done
}

lost_is_noticed() {
	mkdir "$WORK/linux" "$WORK/obj"
	# a kernel source that answers every request with a configuration lacking one of them
	printf 'allnoconfig:\n\tgrep -v EROFS_FS_ZIP_ZSTD "$(O)/requested" >"$(O)/.config"\n' >"$WORK/linux/Makefile"
	if sh kernel/config.sh "$WORK/linux" "$WORK/obj" kernel/fragments/*.config 2>"$WORK/said"; then
		return 1
	fi
	grep -q "30-verity.config: asked for 'CONFIG_EROFS_FS_ZIP_ZSTD=y'" "$WORK/said"
}

check "lockdown is forced to confidentiality" has CONFIG_LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY=y
check "there is no /dev/mem" off CONFIG_DEVMEM
check "there is no /dev/port" off CONFIG_DEVPORT
check "there is no kexec" off CONFIG_KEXEC_CORE
check "there are no modules" off CONFIG_MODULES
check "memory is zeroed when it is allocated" has CONFIG_INIT_ON_ALLOC_DEFAULT_ON=y
check "usercopy is hardened" has CONFIG_HARDENED_USERCOPY=y
check "no virtio-mmio devices come from the command line" off CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES
check "there is no virtio-mmio at all" off CONFIG_VIRTIO_MMIO
check "the kernel starts no helper programs" has CONFIG_STATIC_USERMODEHELPER=y
check "the helper's path is empty" has 'CONFIG_STATIC_USERMODEHELPER_PATH=""'
check "mitigations are on" has CONFIG_CPU_MITIGATIONS=y
check "every mitigation the source knows is on" all_mitigations
check "an oops is a panic" has CONFIG_PANIC_ON_OOPS=y
check "no partition table but GPT is parsed" off CONFIG_MSDOS_PARTITION
check "everything the fragments ask for is in the configuration" fragments_kept
check "a request that is lost fails the build" lost_is_noticed
for symbol in BLK_DEV_NVME HYPERV_STORAGE HYPERV_NET VIRTIO_BLK VIRTIO_NET SCSI_VIRTIO ENA_ETHERNET GVE TCG_TIS TCG_CRB \
	SEV_GUEST INTEL_TDX_GUEST TDX_GUEST_DRIVER EFI_STUB; do
	check "one kernel for direct boot and clouds: $symbol" has "CONFIG_$symbol=y"
done

# The disk images of the platforms that boot from one; docs/disks.md.
.PHONY: disks
disks: $(DISK_PLATFORMS:%=disk-%)
$(DISK_PLATFORMS:%=disk-%): disk-%: uki-% rootfs firmware
	@$(STEP) disk-$* --in rootfs/disk.sh --in rootfs/esp.sh --in recipes/platforms/$*.conf --in $O/uki/$*/uki.efi \
		--in $(ROOTFS)/rootfs.img --in $(FIRMWARE)/shimx64.efi.signed --in $(FIRMWARE)/mmx64.efi.signed \
		--in $(BULLA) $(BUILDER_IN) --out $O/disk/$* -- \
		rootfs/disk.sh $(BUILDER) $* $O/uki/$*/uki.efi $(ROOTFS)/rootfs.img $(FIRMWARE)

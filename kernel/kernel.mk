# out/kernel/ARCH/{vmlinuz,config,System.map} from the locked source and the fragments.
KERNEL := $O/kernel/$(ARCH)
KERNEL_IN := --in kernel/build.sh --in kernel/config.sh --in kernel/fragments --in recipes/kernel.lock $(BUILDER_IN)
KERNEL_SH = $(BULLA) fetch kernel -q --offline --into $$STEP_TMP/debs && tools/sandbox.sh $(BUILDER) sh /src/kernel/build.sh

.PHONY: kernel kernel-config
kernel: builder
	@$(STEP) kernel $(KERNEL_IN) --in kernel/$(ARCH).config \
		--out $(KERNEL)/vmlinuz --out $(KERNEL)/config --out $(KERNEL)/System.map \
		-- sh -c '$(KERNEL_SH) image $(ARCH)'

# writes the committed configuration anew, for review in the next commit
kernel-config: builder
	@$(STEP) kernel-config $(KERNEL_IN) --out $O/kernel/$(ARCH)/config.new -- \
		sh -c '$(KERNEL_SH) config $(ARCH) && mv $$STEP_TMP/config $$STEP_TMP/config.new'
	@cp $O/kernel/$(ARCH)/config.new kernel/$(ARCH).config

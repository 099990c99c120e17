# out/reference-values: what verifiers compare with, of every bundle that is made.
REFVALS := $O/reference-values
REFVALS_CONF := $(call src,recipes/refvals.conf recipes/refvals.conf.d/*.conf)
.PHONY: refvals
image: refvals
refvals: bundles keys
	@$(STEP) refvals $$(ls $(PLATFORMS:%=$O/bundles/%/manifest.json) 2>/dev/null | sed 's/^/--in /') \
		$(REFVALS_CONF:%=--in %) --key "$$($(BULLA) sign public --keys $(KEYS) --role release)" --in $(BULLA) --out $(REFVALS) -- \
		sh -c '$(BULLA) refvals write --bundles $O/bundles --conf recipes/refvals.conf --keys "$(KEYS)" \
			--out $$STEP_TMP/reference-values'

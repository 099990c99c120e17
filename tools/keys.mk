# The key set lies outside of out/ (docs/keys.md); a development one is made where there is none. A step that signs depends on
# the target keys, and takes KEYS_IN, all that others see of the keys, among its inputs.
KEYS    := $(or $(BULLA_KEYS),$(or $(XDG_DATA_HOME),$(HOME)/.local/share)/bulla/keys)
KEYS_IN  = --key "$$($(BULLA) sign public --keys $(KEYS))"

.PHONY: keys
keys: tools
	@$(BULLA) sign keygen --missing --out $(KEYS)

SECUREBOOT := $O/secureboot
SECUREBOOT_FD = $(addprefix $(FIRMWARE)/,OVMF_VARS_4M.fd OVMF_VARS_4M.ms.fd shimx64.efi.signed)
.PHONY: secureboot
secureboot: keys firmware
	@$(STEP) secureboot $(KEYS_IN) $(SECUREBOOT_FD:%=--in %) --in recipes/versions.conf --in $(BULLA) --out $(SECUREBOOT) -- \
		sh -c '$(BULLA) sign enroll --keys $(KEYS) --out $$STEP_TMP/secureboot --vars $(FIRMWARE)/OVMF_VARS_4M.fd \
			--ms $(FIRMWARE)/OVMF_VARS_4M.ms.fd --shim $(FIRMWARE)/shimx64.efi.signed'

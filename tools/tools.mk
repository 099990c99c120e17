# out/bin/bulla. A verb is one file, tools/verb_NAME.c; nothing lists them but the folder.
TOOLS_SRC := $(call src,tools/*.c tools/lib/*.c tools/format/*.c measure/*.c)
TOOLS_OBJ := $(TOOLS_SRC:%.c=$O/obj/%.o)
TOOLS_LIB := libcrypto jansson zlib liblzma libzstd libcbor # and libcurl, which tools/lib/curl.c loads when it is needed
TOOLS_INC := -Itools -I. -I$O/gen
VERBS     := $(patsubst tools/verb_%.c,%,$(call src,tools/verb_*.c))

# Rewritten only when the set of verbs changes, so that adding or removing one relinks and nothing else rebuilds.
VERBS_INC := $(foreach v,$(VERBS),X($v))
ifneq ($(file <$O/gen/verbs.inc),$(VERBS_INC))
$(shell mkdir -p $O/gen)$(file >$O/gen/verbs.inc,$(VERBS_INC))
endif

# Likewise the stack profiles, which tools/stacks.c takes in.
STACKS     := $(call src,recipes/stacks/*.conf)
STACKS_INC := $(foreach f,$(STACKS),S($(subst -,_,$(subst .,_,$(basename $(notdir $f)))),"$(basename $(notdir $f))","$f"))
ifneq ($(wildcard $O/gen/stacks.inc)$(file <$O/gen/stacks.inc),$O/gen/stacks.inc$(STACKS_INC))
$(shell mkdir -p $O/gen)$(file >$O/gen/stacks.inc,$(STACKS_INC))
endif
$O/obj/tools/stacks.o: $(STACKS) $O/gen/stacks.inc

# And the schemas of verbs, which tools/schemas.c takes in.
SCHEMAS     := $(filter-out docs/schema/agent-%,$(call src,docs/schema/*.json))
SCHEMAS_INC := $(foreach f,$(SCHEMAS),S($(basename $(notdir $f)),"$f"))
ifneq ($(wildcard $O/gen/schemas.inc)$(file <$O/gen/schemas.inc),$O/gen/schemas.inc$(SCHEMAS_INC))
$(shell mkdir -p $O/gen)$(file >$O/gen/schemas.inc,$(SCHEMAS_INC))
endif
$O/obj/tools/schemas.o: $(SCHEMAS) $O/gen/schemas.inc

$O/obj/tools/page.o: tools/page.css

# And the platforms that can be measured: each is one file, measure/tee_NAME.c.
TEES_INC := $(foreach t,$(patsubst measure/tee_%.c,%,$(call src,measure/tee_*.c)),X($t))
ifneq ($(wildcard $O/gen/tees.inc)$(file <$O/gen/tees.inc),$O/gen/tees.inc$(TEES_INC))
$(shell mkdir -p $O/gen)$(file >$O/gen/tees.inc,$(TEES_INC))
endif
$O/obj/tools/measuring.o: $O/gen/tees.inc

# asked of pkg-config only when a file is compiled: the libraries may have to be installed first
$O/obj/%.o: %.c $O/gen/verbs.inc Makefile tools/tools.mk
	@mkdir -p $(@D)
	@echo "  cc $<"
	@$(CC) $(CSTD) $(CWARN) $(TOOLS_INC) $(SANFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$O/bin/bulla: $(TOOLS_OBJ)
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(SANFLAGS) $(CFLAGS) -o $@.tmp $^ $$(pkg-config --libs $(TOOLS_LIB)) -pthread
	@mv $@.tmp $@

.PHONY: tools
tools: $O/bin/bulla
-include $(TOOLS_OBJ:.o=.d)

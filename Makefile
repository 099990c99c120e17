# The targets that a person types. Each folder brings its own .mk; this is one non-recursive make.
#   make image    build, measure and seal the guest        make run      boot it
#   make tools    out/bin/bulla alone                      make check    all tests
#   make clean    remove out/ (the store of fetched files stays)
.DELETE_ON_ERROR:
.DEFAULT_GOAL := image
O ?= out

CSTD    := -std=gnu17 -D_GNU_SOURCE
CWARN   := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wshadow
CFLAGS  ?= -O2 -g
ifdef SAN
O       := $(O)/san
SANFLAGS := -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
src = $(sort $(wildcard $(1)))

include tools/tools.mk
include $(wildcard kernel/kernel.mk rootfs/rootfs.mk agent/agent.mk) tests/tests.mk

.PHONY: clean
clean:
	rm -rf --one-file-system $O

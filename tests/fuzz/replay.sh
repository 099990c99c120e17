#!/bin/sh
# Every harness takes its corpus: tests/fuzz/corpus/NAME through fuzz_NAME.
. tests/tap.sh
for source in tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	"$FUZZ/$name" "tests/fuzz/corpus/${name#fuzz_}"
done

#!/bin/sh
# The same results on a big-endian machine.
. tests/foreign/common
foreign s390x s390x-linux-gnu s390x-linux-gnu lib/ld64.so.1 qemu-s390x-static

#!/bin/sh
# The same results on a machine of 32 bits.
. tests/foreign/common
foreign i386 i686-linux-gnu i386-linux-gnu lib/ld-linux.so.2 qemu-i386-static

# SPDX-License-Identifier: ISC
# What lib.a itself needs; every program links it (--as-needed drops what it does not use).
LIB_LIBS = -lseccomp -lcrypto -lcdb

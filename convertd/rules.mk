# SPDX-License-Identifier: ISC
# What convertd's archive needs.  libjbig holds both decoders, jbig.h's and jbig85.h's.
CONVERTD_LIBS = -ltiff -ljbig -lm
$(O)/convertd.a: $(call objects,convertd)

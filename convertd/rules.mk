# SPDX-License-Identifier: ISC
# What convertd's archive needs.  libjbig holds both decoders, jbig.h's and jbig85.h's.
CONVERTD_LIBS = -ljbig -ljpeg -lpng16 -lm
$(eval $(call program,convertd,accord-convertd,$$(CONVERTD_LIBS) $$(LIB_LIBS)))

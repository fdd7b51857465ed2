# SPDX-License-Identifier: ISC
$(eval $(call program,capd,accord-capd,$$(LIB_LIBS)))

# SPDX-License-Identifier: ISC
$(eval $(call program,start,accord-start,$$(LIB_LIBS)))

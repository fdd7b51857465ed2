# SPDX-License-Identifier: ISC
$(eval $(call program,expand,accord-expand,$$(LIB_LIBS)))

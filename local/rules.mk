# SPDX-License-Identifier: ISC
$(eval $(call program,local,accord-local,$$(LIB_LIBS)))

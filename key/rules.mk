# SPDX-License-Identifier: ISC
$(eval $(call program,key,accord-key,$$(LIB_LIBS)))

# SPDX-License-Identifier: ISC
$(eval $(call program,auth,accord-auth,$$(LIB_LIBS)))

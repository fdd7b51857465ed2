# SPDX-License-Identifier: ISC
$(eval $(call program,bounce,accord-bounce,$(LIB_LIBS)))

# SPDX-License-Identifier: ISC
$(eval $(call program,qmgr,accord-qmgr,$(LIB_LIBS)))

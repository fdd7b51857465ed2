# SPDX-License-Identifier: ISC
$(eval $(call program,cmd,accord,$$(LIB_LIBS)))
$(eval $(call program,cmd/server,accord-control,$$(LIB_LIBS)))

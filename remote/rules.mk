# SPDX-License-Identifier: ISC
$(eval $(call program,remote,accord-remote,$$(LIB_LIBS)))

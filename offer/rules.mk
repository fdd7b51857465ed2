# SPDX-License-Identifier: ISC
$(eval $(call program,offer,accord-offer,$$(LIB_LIBS)))

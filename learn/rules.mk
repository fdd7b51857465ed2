# SPDX-License-Identifier: ISC
$(eval $(call program,learn,accord-learn,$$(LIB_LIBS)))

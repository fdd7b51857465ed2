# SPDX-License-Identifier: ISC
$(eval $(call program,smtpd,accord-smtpd,$(LIB_LIBS)))

# SPDX-License-Identifier: ISC
# lib/rules.mk comes later in the alphabet: its variable is looked up when the program is linked.
$(eval $(call program,bounce,accord-bounce,$$(LIB_LIBS)))

# SPDX-License-Identifier: ISC
$(eval $(call program,ldap,accord-ldap,-lldap -llber $$(LIB_LIBS)))

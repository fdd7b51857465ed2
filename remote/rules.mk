# SPDX-License-Identifier: ISC
$(eval $(call program,remote,accord-remote,$$(LIB_LIBS)))
# The process that asks name servers: a program of its own, so that no session links libunbound.
RESOLVER_LIBS = -lunbound
$(eval $(call program,remote/resolver,accord-resolver,$$(RESOLVER_LIBS) $$(LIB_LIBS)))

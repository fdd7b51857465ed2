# SPDX-License-Identifier: ISC
# The queue: keeps messages, the only writer in the queue's directories.
$(eval $(call program,queue,accord-queue,$(LIB_LIBS)))

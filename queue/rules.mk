# SPDX-License-Identifier: ISC
# The queue: keeps messages, the only writer in the queue's directories.
$(eval $(call program,queue,accord-queue,$(LIB_LIBS)))

# Its speed alone (bench/).
$(O)/queue_bench: $(O)/bench/queue_bench.o $(O)/queue.a $(O)/lib.a
	$(LINK) -o $@ $^ $(LIB_LIBS)

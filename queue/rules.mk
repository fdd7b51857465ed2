# SPDX-License-Identifier: ISC
# The queue: keeps messages, the only writer in the queue's directories.
$(eval $(call program,queue,accord-queue,$(LIB_LIBS)))

# Its speed alone (bench/), and what a power cut leaves (needs root, so no part of `make check`).
$(O)/queue_bench: $(O)/bench/queue_bench.o $(O)/queue.a $(O)/lib.a
	$(LINK) -o $@ $^ $(LIB_LIBS)
$(O)/queue_power: $(O)/tests/crash/queue_power.o $(O)/queue.a $(O)/lib.a
	$(LINK) -o $@ $^ $(LIB_LIBS)
check-power: $(O)/queue_power
	tests/crash/queue-power $(O)/queue_power
.PHONY: check-power

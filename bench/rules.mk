# SPDX-License-Identifier: ISC
# Measurements; `make bench` builds them.
$(O)/queue_bench: $(O)/bench/queue_bench.o $(O)/queue.a $(O)/lib.a
	$(LINK) -o $@ $^ $(LIB_LIBS)
bench: $(O)/queue_bench
.PHONY: bench

# SPDX-License-Identifier: ISC
# What bench/relay runs besides the servers; it asks for these itself.
BENCH_PROGRAMS = $(O)/bench_hop $(O)/bench_client $(O)/bench_job $(O)/tests/queue_fill
$(O)/bench_hop $(O)/bench_client: $(O)/bench_%: $(O)/bench/%.o $(O)/lib.a
	$(LINK) -o $@ $^ $(LIB_LIBS)
$(O)/bench_job: $(O)/bench/job.o $(O)/convertd.a $(O)/lib.a
	$(LINK) -o $@ $^ $(CONVERTD_LIBS) $(LIB_LIBS)
# Asked for alone, since it needs what the unit tests need: make build/bench_convert.
$(O)/bench_convert: $(O)/bench/convert.o $(O)/tests/unit/convertd/judge.o $(O)/convertd.a $(O)/lib.a
	$(LINK) -o $@ $^ -ltiff $(CONVERTD_LIBS) $(LIB_LIBS) $(CHECK_LIBS)
bench-programs: $(BENCH_PROGRAMS)
.PHONY: bench-programs

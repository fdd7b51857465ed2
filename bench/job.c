/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * bench/job.c - what it costs that a conversion is a process of its own.
 *	bench_job MESSAGE KEY ROUNDS
 * Converts MESSAGE as KEY says (convertd/key.h) ROUNDS times within this process, and as often as
 * accord-convertd does it: forked, limited, confined, its result checked and sealed; by turns.
 * Prints the medians of both and of the difference, in ms on the clock.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "convertd/job.h"
#include "convertd/ranges.h"
#include "lib/clock.h"
#include "lib/sandbox.h"

static _Noreturn void
fail(const char *what, const struct err *e)
{
	fprintf(stderr, "bench_job: %s: %s\n", what, e->what);
	exit(1);
}

static int
confine(const struct job_rules *r, struct err *e)
{
	return sandbox_enter(SB_CONVERT_JOB, NULL, 0, r->landlock_optional, e);
}

static double
ms_since(int64_t began_us)
{
	return (double)(clock_us() - began_us) / 1000;
}

static double
within(const struct job_rules *r, const struct order *o, struct span content)
{
	int64_t began = clock_us();
	struct err e = { 0 };
	struct buf out;

	buf_init(&out, r->out_octets);
	if (job_work(r, o, content, buf_view(&o->text), &out, &e) == -1)
		fail("in this process", &e);
	buf_free(&out);
	return ms_since(began);
}

static double
apart(const struct job_rules *r, const struct order *o)
{
	int64_t began = clock_us();
	struct err e = { 0 };
	struct job_child c;
	struct pollfd p = { .events = POLLIN };
	uint64_t len, cpu_ms;
	double took;

	if (job_start(r, o, &c, &e) == -1)
		fail("start", &e);
	p.fd = c.status;
	(void)poll(&p, 1, 60000);
	if (job_end(r, &c, false, &len, &cpu_ms, &e) == -1)
		fail("end", &e);
	took = ms_since(began);
	close(c.memfd);
	if (c.bounds != -1)
		close(c.bounds);
	return took;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median(double *v, size_t n)
{
	qsort(v, n, sizeof *v, by_size);
	return v[n / 2];
}

int
main(int argc, char **argv)
{
	struct job_rules r = { .max = fax_limits, .me = "gateway.example", .out_octets = 64 << 20,
	    .wall_ms = 60000, .work = job_work, .bounds = ranges_bounds, .confine = confine };
	struct order o = { .type = MSG_CONVERT, .text_fd = -1 };
	int rounds = argc == 4 ? atoi(argv[3]) : 0;
	double *in, *out, *more;
	struct stat st;
	struct err e = { 0 };
	void *p;

	if (rounds <= 0) {
		fprintf(stderr, "usage: bench_job MESSAGE KEY ROUNDS\n");
		return 2;
	}
	buf_init(&o.text, 1 << 16);
	o.fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (o.fd == -1 || fstat(o.fd, &st) == -1)
		fail(argv[1], (err_sys(&e, "open"), &e));
	o.len = (uint64_t)st.st_size;
	p = mmap(NULL, o.len, PROT_READ, MAP_PRIVATE, o.fd, 0);
	in = calloc((size_t)rounds * 3, sizeof *in);
	if (p == MAP_FAILED || in == NULL || buf_add(&o.text, span_str(argv[2]), &e) == -1)
		fail("memory", &e);
	o.text_len = (uint32_t)o.text.n;
	out = in + rounds;
	more = out + rounds;
	for (int i = 0; i < rounds; i++) {
		in[i] = within(&r, &o, (struct span){ p, o.len });
		out[i] = apart(&r, &o);
		more[i] = out[i] - in[i];
	}
	printf("%.3f %.3f %.3f\n", median(in, (size_t)rounds), median(out, (size_t)rounds),
	    median(more, (size_t)rounds));
	return 0;
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * bench/job.c - what it costs that a conversion is a process of its own.
 *	bench_job MESSAGE KEY ROUNDS
 * Converts MESSAGE as KEY says (convertd/key.h) ROUNDS times within this process, and as often as
 * accord-convertd does it: forked, limited, confined, its result checked and sealed; by turns.
 * Prints medians in ms: on the clock within, apart, and of the difference; CPU likewise.  With an empty
 * KEY nothing is converted, so the difference is all that is measured.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
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

enum { CLOCK, CPU, KINDS };

/* Milliseconds: on the clock, and of CPU with that of children that were waited for. */
struct spent { double ms[KINDS]; };

static struct spent
spent_now(void)
{
	struct rusage self, kids;

	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &kids);
	return (struct spent){ { (double)clock_us() / 1000,
	    (double)(self.ru_utime.tv_sec + self.ru_stime.tv_sec + kids.ru_utime.tv_sec +
	    kids.ru_stime.tv_sec) * 1000 + (double)(self.ru_utime.tv_usec + self.ru_stime.tv_usec +
	    kids.ru_utime.tv_usec + kids.ru_stime.tv_usec) / 1000 } };
}

static struct spent
spent_since(struct spent began)
{
	struct spent s = spent_now();

	for (int i = 0; i < KINDS; i++)
		s.ms[i] -= began.ms[i];
	return s;
}

static struct spent
within(const struct job_rules *r, struct order *o, struct span content)
{
	struct spent began = spent_now();
	struct err e = { 0 };
	struct buf out;

	buf_init(&out, r->out_octets);
	if (job_work(r, o, content, buf_view(&o->text), &out, &e) == -1)
		fail("in this process", &e);
	buf_free(&out);
	return spent_since(began);
}

static struct spent
apart(const struct job_rules *r, struct order *o)
{
	struct spent began = spent_now(), took;
	struct err e = { 0 };
	struct job_child c;
	struct pollfd p = { .events = POLLIN };
	uint64_t len, cpu_ms;

	if (job_start(r, o, &c, &e) == -1)
		fail("start", &e);
	p.fd = c.status;
	(void)poll(&p, 1, (int)r->wall_ms);
	if (job_end(r, &c, false, &len, &cpu_ms, &e) == -1)
		fail("end", &e);
	took = spent_since(began);
	close(c.memfd);
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
	double *v[KINDS][3];		/* within, apart, the difference */
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
	for (int k = 0; k < KINDS * 3; k++)
		if ((v[k / 3][k % 3] = calloc((size_t)rounds, sizeof **v[0])) == NULL)
			fail("memory", (err_sys(&e, "calloc"), &e));
	if (p == MAP_FAILED || buf_add(&o.text, span_str(argv[2]), &e) == -1)
		fail("memory", &e);
	o.text_len = (uint32_t)o.text.n;
	for (int i = 0; i < rounds; i++) {
		struct spent in = within(&r, &o, (struct span){ p, o.len }), out = apart(&r, &o);

		for (int k = 0; k < KINDS; k++) {
			v[k][0][i] = in.ms[k];
			v[k][1][i] = out.ms[k];
			v[k][2][i] = out.ms[k] - in.ms[k];
		}
	}
	for (int k = 0; k < KINDS * 3; k++)
		printf("%.3f%c", median(v[k / 3][k % 3], (size_t)rounds), k + 1 < KINDS * 3 ? ' ' : '\n');
	return 0;
}

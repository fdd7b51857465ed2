/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * bench/job.c - what it costs that a conversion is a process of its own.
 *	bench_job MESSAGE KEY TURNS
 * Converts MESSAGE as KEY says (convertd/key.h), ROUNDS times each turn: within a process that is confined as
 * accord-convertd's parent is, then in children of such a process, as accord-convertd does it: forked,
 * limited, confined, the result checked and sealed; and forks as often for nothing, to tell what of it
 * is the machine's.  Prints time on the clock and CPU of each of the three, in ms for one conversion, medians
 * over the turns.  With an empty KEY nothing is converted, and the difference is all.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

enum { ROUNDS = 20, TURNS_MAX = 1000, WITHIN = 0, APART, FORK, HOWS };

struct bench {
	struct job_rules rules;
	struct order order;
	struct span content;
	double *wall_ms;		/* shared with the children: of the last turn */
};

static void
within(const struct bench *b)
{
	struct err e = { 0 };
	struct buf out;

	buf_init(&out, b->rules.out_octets);
	if (job_work(&b->rules, &b->order, b->content, buf_view(&b->order.text), &out, &e) == -1)
		fail("in this process", &e);
	buf_free(&out);
}

static void
apart(const struct bench *b)
{
	struct err e = { 0 };
	struct job_child c;
	struct pollfd p = { .events = POLLIN };
	uint64_t len, cpu_ms;

	if (job_start(&b->rules, &b->order, &c, &e) == -1)
		fail("start", &e);
	p.fd = c.status;
	(void)poll(&p, 1, (int)b->rules.wall_ms);
	if (job_end(&b->rules, &c, false, &len, &cpu_ms, &e) == -1)
		fail("end", &e);
	close(c.memfd);
}

static void
bare(const struct bench *b)
{
	pid_t pid = fork();

	(void)b;
	if (pid == 0)
		_exit(0);
	if (pid == -1 || wait4(pid, NULL, 0, NULL) == -1)
		_exit(1);
}

/* In a child of its own, which is a converter's parent by its confinement. */
static _Noreturn void
turn_run(const struct bench *b, int how, int rounds)
{
	static void (*const one[HOWS])(const struct bench *) = { within, apart, bare };
	struct err e = { 0 };
	int64_t began;

	if (sandbox_enter(SB_CONVERTD, NULL, 0, true, &e) == -1)
		fail("sandbox", &e);
	began = clock_us();
	for (int i = 0; i < rounds; i++)
		one[how](b);
	*b->wall_ms = (double)(clock_us() - began) / 1000;
	_exit(0);
}

/* Milliseconds of CPU that a turn took, in all its processes. */
static double
turn(const struct bench *b, int how, int rounds)
{
	struct rusage used;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		turn_run(b, how, rounds);
	if (pid == -1 || wait4(pid, &status, 0, &used) == -1 || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0) {
		fprintf(stderr, "bench_job: a turn failed\n");
		exit(1);
	}
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
	    (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Sorts, so that the middle is the median. */
static void
sort(double *v, int n)
{
	qsort(v, (size_t)n, sizeof *v, by_size);
}

static void
bench_open(struct bench *b, const char *path, const char *key)
{
	struct order *o = &b->order;
	struct stat st;
	struct err e = { 0 };
	void *p;

	buf_init(&o->text, 1 << 16);
	o->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (o->fd == -1 || fstat(o->fd, &st) == -1)
		fail(path, (err_sys(&e, "open"), &e));
	o->len = (uint64_t)st.st_size;
	p = mmap(NULL, o->len, PROT_READ, MAP_PRIVATE, o->fd, 0);
	b->content = (struct span){ p, o->len };
	b->wall_ms = mmap(NULL, sizeof *b->wall_ms, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || b->wall_ms == MAP_FAILED || buf_add(&o->text, span_str(key), &e) == -1)
		fail("memory", &e);
	o->text_len = (uint32_t)o->text.n;
}

int
main(int argc, char **argv)
{
	struct bench b = {
		.rules = { .max = fax_limits, .me = "gateway.example", .out_octets = 64 << 20,
		    .wall_ms = 60000, .work = job_work, .bounds = ranges_bounds, .confine = confine },
		.order = { .type = MSG_CONVERT, .text_fd = -1 } };
	int turns = argc == 4 ? atoi(argv[3]) : 0;
	double wall[HOWS][TURNS_MAX], cpu[HOWS][TURNS_MAX], start;

	if (turns <= 0 || turns > TURNS_MAX) {
		fprintf(stderr, "usage: bench_job MESSAGE KEY TURNS (1 to %d)\n", TURNS_MAX);
		return 2;
	}
	bench_open(&b, argv[1], argv[2]);
	for (int i = 0; i < turns; i++) {
		start = turn(&b, WITHIN, 0);
		for (int how = WITHIN; how < HOWS; how++) {
			cpu[how][i] = (turn(&b, how, ROUNDS) - start) / ROUNDS;
			wall[how][i] = *b.wall_ms / ROUNDS;
		}
	}
	for (int how = WITHIN; how < HOWS; how++) {
		sort(wall[how], turns);
		sort(cpu[how], turns);
		printf("%.3f %.3f%c", wall[how][turns / 2], cpu[how][turns / 2], how + 1 < HOWS ? ' ' : '\n');
	}
	return 0;
}

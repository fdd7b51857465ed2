/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * bench/convert.c - conversions beside the same work by libtiff and jbigkit.
 *	bench_convert TURNS FILE...
 * The first page of each FILE, of 400 dots an inch, is made a page in MMR and one in JBIG; then each way of
 * table ways is done TURNS times by image_convert and by the libraries (tests/unit/convertd/judge.h) with our
 * reduction between them, in turn.  Prints medians of CPU in ms, and what the libraries take of it as a ratio;
 * at the end 2:1 beside a copy of the raster.
 */
#include "convertd/image.h"
#include "convertd/scale.h"
#include "tests/unit/convertd/judge.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TURNS_MAX = 1000, RESULT_MAX = 64 << 20 };

static const struct way { const char *name; enum coding from, to; uint16_t dpi_x, dpi_y; } ways[] = {
	{ "JBIG 400 to MMR 200", CODING_JBIG, CODING_MMR, 200, 200 },
	{ "MMR 400 to MMR 200", CODING_MMR, CODING_MMR, 200, 200 },
	{ "MMR 400 to MH 400", CODING_MMR, CODING_MH, 400, 400 },
	{ "MMR 400 to MR 400", CODING_MMR, CODING_MR, 400, 400 },
	{ "MMR 400 to MH 204x98", CODING_MMR, CODING_MH, 204, 98 },
};
enum { WAYS = sizeof ways / sizeof *ways };

static double
cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static _Noreturn void
give_up(const char *what, const struct err *e)
{
	fprintf(stderr, "bench_convert: %s: %s\n", what, e->what);
	exit(1);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof *v, by_size);
	return v[n / 2];
}

static void
ours(struct span file, const struct form *want, struct buf *out)
{
	struct image img;
	struct err e = { 0 };

	buf_clear(out);
	if (image_open(file, &fax_limits, &img, &e) == -1 ||
	    image_convert(&img, want, &fax_limits, out, &e) == -1)
		give_up("image_convert", &e);
	image_free(&img);
}

static void
theirs(struct span file, const struct form *want, struct buf *out)
{
	struct raster r, small;
	struct scale s;
	struct err e = { 0 };

	buf_clear(out);
	judge_decode(file, 0, &r);
	if (scale_plan(r.width_px, r.rows, 400, 400, want, fax_limits.length_px, &s, &e) == -1)
		give_up("scale", &e);
	if (!scale_is_copy(&s)) {
		if (scale_run(&s, &r, &small, &e) == -1)
			give_up("scale", &e);
		raster_free(&r);
		r = small;
	}
	judge_encode(want->coding, &r, want->dpi_y, out);
	raster_free(&r);
}

/* The first page of a file alone, in another coding. */
static void
page_make(const char *name, enum coding coding, struct buf *out)
{
	struct span file = file_read(name);
	struct form want[1000];
	struct image img;
	struct err e = { 0 };

	if (image_open(file, &fax_limits, &img, &e) == -1)
		give_up(name, &e);
	img.npage = 1;
	want[0] = img.page[0].form;
	want[0].coding = coding;
	if (image_convert(&img, want, &fax_limits, out, &e) == -1)
		give_up(name, &e);
	image_free(&img);
	free((void *)file.p);
}

static void
way_measure(const struct way *w, struct span file, enum paper paper, int turns, struct buf *out)
{
	struct form want = { w->to, paper, w->dpi_x, w->dpi_y };
	double a[TURNS_MAX], b[TURNS_MAX], t, x, y;

	for (int i = 0; i < turns; i++) {
		t = cpu_ms();
		ours(file, &want, out);
		a[i] = cpu_ms() - t;
		t = cpu_ms();
		theirs(file, &want, out);
		b[i] = cpu_ms() - t;
	}
	x = median(a, turns);
	y = median(b, turns);
	printf("  %-22s %7.2f %7.2f  %5.2f\n", w->name, x, y, y / x);
}

static void
reduction_measure(struct span file, enum paper paper, int turns)
{
	struct form half = { CODING_MMR, paper, 200, 200 };
	double a[TURNS_MAX], b[TURNS_MAX], t, x, y;
	struct raster r, to, copy;
	struct scale s;
	struct err e = { 0 };

	judge_decode(file, 0, &r);
	if (scale_plan(r.width_px, r.rows, 400, 400, &half, fax_limits.length_px, &s, &e) == -1 ||
	    raster_init(&copy, r.width_px, r.rows, &e) == -1)
		give_up("2:1", &e);
	for (int i = 0; i < turns; i++) {
		t = cpu_ms();
		if (scale_run(&s, &r, &to, &e) == -1)
			give_up("2:1", &e);
		a[i] = cpu_ms() - t;
		raster_free(&to);
		t = cpu_ms();
		memcpy(copy.px, r.px, r.stride * r.rows);
		b[i] = cpu_ms() - t;
	}
	x = median(a, turns);
	y = median(b, turns);
	printf("  %-22s %7.2f %7.2f  %5.2f\n", "2:1, a copy", x, y, y / x);
	raster_free(&copy);
	raster_free(&r);
}

static void
file_measure(const char *name, int turns)
{
	struct buf page[2], out;
	struct image img;
	struct err e = { 0 };
	enum paper paper;

	buf_init(&out, RESULT_MAX);
	buf_init(&page[0], RESULT_MAX);
	buf_init(&page[1], RESULT_MAX);
	page_make(name, CODING_MMR, &page[0]);
	page_make(name, CODING_JBIG, &page[1]);
	if (image_open(buf_view(&page[0]), &fax_limits, &img, &e) == -1)
		give_up(name, &e);
	paper = img.page[0].form.paper;
	image_free(&img);
	printf("%s\n  %-22s %7s %7s  %5s\n", name, "CPU ms", "ours", "theirs", "ratio");
	for (int w = 0; w < WAYS; w++)
		way_measure(&ways[w], buf_view(&page[ways[w].from == CODING_JBIG]), paper, turns, &out);
	reduction_measure(buf_view(&page[0]), paper, turns);
	buf_free(&page[0]);
	buf_free(&page[1]);
	buf_free(&out);
}

static int turns;
static char **names;

/* The judge is the tests', and its checks want to be run by libcheck. */
START_TEST(all)
{
	for (char **name = names; *name != NULL; name++)
		file_measure(*name, turns);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("convert");
	TCase *tc = tcase_create("convert");
	SRunner *run;

	turns = argc > 2 ? atoi(argv[1]) : 0;
	names = argv + 2;
	if (turns <= 0 || turns > TURNS_MAX) {
		fprintf(stderr, "usage: bench_convert TURNS (1 to %d) FILE...\n", TURNS_MAX);
		return 2;
	}
	tcase_add_test(tc, all);
	suite_add_tcase(s, tc);
	run = srunner_create(s);
	srunner_set_fork_status(run, CK_NOFORK);
	srunner_run_all(run, CK_SILENT);
	return srunner_ntests_failed(run) != 0;
}

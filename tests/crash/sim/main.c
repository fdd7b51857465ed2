/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * power-sim - power cuts on paper; see disk.h for the models and power.py for the runs.
 *	power-sim load PORT RECORD LEDGER CLIENTS SECONDS SETTLE MESSAGES
 *	power-sim judge RECORD LEDGER STRATEGY MODEL IMAGES SEED FOLDER
 *	    so many images: those around each acknowledgement, unlink and mark, and random ones.  Exit 1 if one
 *	    of them lacks what it must hold
 *	power-sim write RECORD LEDGER MODEL IMAGE FOLDER
 *	    one image, named as judge prints it, into an empty folder
 *	power-sim show RECORD LEDGER MODEL
 *	    each change and each write, and from when on it is sure
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/crash/sim/judge.h"
#include "tests/crash/sim/load.h"

enum { SEEN = 1 << 17, SHOWN = 3 };

static const char *const models[] = { "subset", "split", "journal" };
static const char *const patterns[] = { "none", "all", "names", "octets", "one", "but", "random" };

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "power-sim: %s\n", what);
	exit(2);
}

static enum model
model_of(const char *name)
{
	for (size_t i = 0; i < sizeof models / sizeof *models; i++)
		if (strcmp(models[i], name) == 0)
			return (enum model)i;
	fail("no such model");
}

/* --- which images --- */

struct list { struct image *p; size_t n, cap; };

static void
list_add(struct list *l, const struct image *im)
{
	if (l->n == l->cap) {
		l->cap = l->cap * 2 + 1024;
		if ((l->p = realloc(l->p, l->cap * sizeof *l->p)) == NULL)
			fail("no memory");
	}
	l->p[l->n++] = *im;
}

static uint64_t
random_next(uint64_t *s)
{
	uint64_t z = *s += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* When the file got the last of its names; 0: it has none. */
static uint64_t
named_at(const struct disk *d, uint32_t file)
{
	for (size_t i = d->nchange; i-- > 0;)
		if (d->change[i].file == file)
			return d->record->op[d->change[i].op].end;
	return 0;
}

/* What is nastiest: just acknowledged and nothing more on the disk than must be; one call there and nothing
 * that came with it, or all but that one. */
static void
list_corners(struct list *l, const struct disk *d, const struct ledger *g, uint64_t *seed)
{
	struct image im = { .d = d };

	for (uint32_t n = 0; n < g->nmessage; n++)
		for (int p = PATTERN_NONE; g->of[n].state == 'M' && g->of[n].ack != UINT64_MAX &&
		    p <= PATTERN_OCTETS; p++) {
			im.cut = g->of[n].ack;
			im.pattern = (enum pattern)p;
			list_add(l, &im);
		}
	for (uint32_t i = 0; i < d->nchange + d->nwrite; i++) {
		uint32_t op = i < d->nchange ? d->change[i].op : d->write[i - d->nchange].op;

		im.which = i;
		im.cut = d->record->op[op].end;
		im.pattern = PATTERN_ONE;
		list_add(l, &im);
		im.cut += random_next(seed) % 400;
		im.pattern = random_next(seed) % 2 ? PATTERN_ONE : PATTERN_BUT;
		list_add(l, &im);
	}
}

/* A file that has just got its last name, without one of its parts. */
static void
list_holes(struct list *l, const struct disk *d, uint64_t *seed)
{
	for (uint32_t w = 0; w < d->nwrite; w++) {
		struct image im = { .d = d, .which = (uint32_t)d->nchange + w, .pattern = PATTERN_BUT,
		    .cut = named_at(d, d->write[w].file), .seed = random_next(seed) };

		if (d->record->op[d->write[w].op].end < im.cut)
			list_add(l, &im);
	}
}

static uint64_t
random_ack(const struct ledger *g, uint64_t *seed)
{
	for (int i = 0; i < 1000; i++) {
		const struct truth *t = &g->of[random_next(seed) % g->nmessage];

		if (t->state == 'M' && t->ack != UINT64_MAX)
			return t->ack;
	}
	return 0;
}

static struct image
random_image(const struct disk *d, const struct ledger *g, uint64_t *seed)
{
	static const uint32_t percents[] = { 3, 20, 50, 80, 97 };
	struct image im = { .d = d, .pattern = PATTERN_RANDOM };

	im.percent = percents[random_next(seed) % 5];
	im.seed = random_next(seed);
	im.cut = random_next(seed) % 2 ? random_ack(g, seed) :
	    d->record->op[random_next(seed) % d->record->nop].end;
	return im;
}

/* At most n of those from number `from` on, by chance. */
static void
list_thin(struct list *l, size_t from, size_t n, uint64_t *seed)
{
	for (size_t i = from; i < l->n; i++) {
		size_t k = i + random_next(seed) % (l->n - i);
		struct image other = l->p[k];

		l->p[k] = l->p[i];
		l->p[i] = other;
	}
	if (l->n > from + n)
		l->n = from + n;
}

/* n images: a quarter holes and a quarter corners, if there are so many. */
static void
list_choose(struct list *l, const struct disk *d, const struct ledger *g, size_t n, uint64_t seed)
{
	size_t holes;

	list_holes(l, d, &seed);
	list_thin(l, 0, n / 4, &seed);
	holes = l->n;
	list_corners(l, d, g, &seed);
	list_thin(l, holes, n / 4, &seed);
	while (l->n < n) {
		struct image im = random_image(d, g, &seed);

		list_add(l, &im);
	}
}

/* --- words --- */

static void
describe(const struct disk *d, uint32_t which, char *out, size_t cap)
{
	const struct name *n;

	if (which < d->nchange) {
		n = &d->name[d->change[which].name];
		snprintf(out, cap, "the name %.*s, which %s", (int)n->text.n, (const char *)n->text.p,
		    d->change[which].file == DISK_NONE ? "goes" : "comes");
	} else {
		const struct op *o = &d->record->op[d->write[which - d->nchange].op];

		snprintf(out, cap, "%zu octets at %" PRIu64 " of file %u", o->data.n, o->off,
		    d->write[which - d->nchange].file);
	}
}

static void
show_image(const struct image *im, const char *why)
{
	char what[300] = "";

	if (im->pattern == PATTERN_ONE || im->pattern == PATTERN_BUT)
		describe(im->d, im->which, what, sizeof what);
	printf("FAIL image %" PRIu64 ":%s:%u:%u:%" PRIu64 "%s%s%s: %s\n", im->cut, patterns[im->pattern], im->which,
	    im->percent, im->seed, *what ? " (" : "", what, *what ? ")" : "", why);
}

static struct image
image_named(const struct disk *d, const char *text)
{
	struct image im = { .d = d };
	char pattern[16];

	if (sscanf(text, "%" SCNu64 ":%15[a-z]:%u:%u:%" SCNu64, &im.cut, pattern, &im.which, &im.percent,
	    &im.seed) != 5)
		fail("no image is called so");
	for (int p = 0; p < PATTERNS; p++)
		if (strcmp(patterns[p], pattern) == 0)
			im.pattern = (enum pattern)p;
	return im;
}

/* --- the commands --- */

struct run {
	struct record record;
	struct ledger ledger;
	struct disk disk;
};

static void
run_open(struct run *r, const char *record, const char *ledger, const char *model)
{
	struct err e;

	if (record_open(&r->record, record, &e) == -1 || ledger_open(&r->ledger, ledger, &e) == -1 ||
	    disk_open(&r->disk, &r->record, r->ledger.root, model_of(model), &e) == -1)
		fail(e.what);
}

static void
run_close(struct run *r)
{
	disk_close(&r->disk);
	ledger_close(&r->ledger);
	record_close(&r->record);
}

/* Seen before?  Images are known by their hash. */
static bool
seen(uint64_t *table, uint64_t hash)
{
	uint64_t at = hash % SEEN;

	while (table[at] != 0 && table[at] != hash)
		at = (at + 1) % SEEN;
	if (table[at] == hash)
		return true;
	table[at] = hash;
	return false;
}

static void
build(struct image *im, const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err e;

	if (fd == -1)
		fail(strerror(errno));
	if (!image_open(im))
		fail("no memory");
	if (image_write(im, fd, &e) == -1)
		fail(e.what);
	image_close(im);
	close(fd);
}

/* Results that became sure too late, or not at all although there was time; by the record alone. */
static unsigned
late_results(const struct judge *j, int64_t *longest)
{
	int64_t end = ledger_before(j->ledger, UINT64_MAX);
	unsigned n = 0;

	*longest = 0;
	for (size_t i = 0; i < j->nresult; i++) {
		const struct result *r = &j->result[i];
		int64_t sure = r->sure_at == DISK_NEVER ? end : ledger_before(j->ledger, r->sure_at);

		if (r->sure_at != DISK_NEVER && sure - r->ms > *longest)
			*longest = sure - r->ms;
		if (sure > r->late_ms && n++ < SHOWN)
			printf("FAIL result of %s slot %u%s: not sure after %" PRId64 " ms\n", r->id, r->slot,
			    r->gone ? " (unlinked)" : "", sure - r->ms);
	}
	return n;
}

static int
command_judge(char **a)
{
	struct run r;
	struct judge j = { .disk = &r.disk, .ledger = &r.ledger };
	size_t want = strtoul(a[4], NULL, 10), judged = 0, failed = 0, acked = 0;
	uint64_t *table = calloc(SEEN, sizeof *table), seed = strtoull(a[5], NULL, 10);
	struct list l = { .n = 0 };
	char why[JUDGE_WHY];
	int64_t longest;
	unsigned late;

	run_open(&r, a[0], a[1], a[3]);
	j.strategy = strategy_choose(a[2], -1, why, sizeof why);
	if (table == NULL || want > SEEN / 2 || !judge_open(&j))
		fail("no memory");
	for (uint32_t n = 0; n < r.ledger.nmessage; n++)
		acked += r.ledger.of[n].state == 'M' && r.ledger.of[n].ack != UINT64_MAX;
	if (acked == 0)
		fail("no message was acknowledged in that run");
	list_choose(&l, &r.disk, &r.ledger, want, seed);
	for (size_t i = 0; i < l.n; i++) {
		build(&l.p[i], a[6]);
		if (seen(table, l.p[i].hash)) {
			image_clear(AT_FDCWD, a[6], false);
			continue;
		}
		judged++;
		if (!judge_image(&j, &l.p[i], a[6], why) && failed++ < SHOWN)
			show_image(&l.p[i], why);
	}
	late = late_results(&j, &longest);
	printf("%s, model %s, seed %" PRIu64 ": %zu calls, %zu acknowledged, %zu results (sure after %" PRId64
	    " ms at most), %zu images, %zu different ones judged, %zu bad, %u results late\n", a[2], a[3], seed,
	    r.record.nop, acked, j.nresult, longest, l.n, judged, failed, late);
	free(table);
	free(l.p);
	judge_close(&j);
	run_close(&r);
	return failed > 0 || late > 0;
}

static int
command_write(char **a)
{
	struct image im;
	struct run r;

	run_open(&r, a[0], a[1], a[2]);
	im = image_named(&r.disk, a[3]);
	build(&im, a[4]);
	run_close(&r);
	return 0;
}

static int
command_show(char **a)
{
	char what[300];
	struct run r;

	run_open(&r, a[0], a[1], a[2]);
	for (uint32_t i = 0; i < r.disk.nchange + r.disk.nwrite; i++) {
		bool name = i < r.disk.nchange;
		const struct op *o = &r.record.op[name ? r.disk.change[i].op :
		    r.disk.write[i - r.disk.nchange].op];
		uint64_t sure = name ? r.disk.change[i].sure_at : r.disk.write[i - r.disk.nchange].sure_at;

		describe(&r.disk, i, what, sizeof what);
		printf("%u %" PRIu64 "-%" PRIu64 " sure %" PRId64 ": %s\n", i, o->begin, o->end, (int64_t)sure, what);
	}
	run_close(&r);
	return 0;
}

int
main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 9 && strcmp(argv[1], "load") == 0)
		return load_run(atoi(argv[2]), argv[3], argv[4], (unsigned)atoi(argv[5]), atof(argv[6]),
		    atof(argv[7]), (unsigned)atoi(argv[8]));
	if (argc == 9 && strcmp(argv[1], "judge") == 0)
		return command_judge(argv + 2);
	if (argc == 7 && strcmp(argv[1], "write") == 0)
		return command_write(argv + 2);
	if (argc == 5 && strcmp(argv[1], "show") == 0)
		return command_show(argv + 2);
	fail("see tests/crash/sim/main.c for what it can do");
}

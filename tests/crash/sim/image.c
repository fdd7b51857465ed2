/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* tests/crash/sim/image.c - one disk of those that may be, chosen by pattern and seed. */
#include "tests/crash/sim/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/qfile.h"

enum { TEXT_MAX = 256 };

/* A number by chance, the same for the same question. */
static uint64_t
chance(const struct image *im, uint64_t what, uint64_t part)
{
	uint64_t z = im->seed * 0x9e3779b97f4a7c15u + what * 0xbf58476d1ce4e5b9u + part * 0x94d049bb133111ebu;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* Is what is not sure there?  it: a change, or nchange + a write; part: which of its sectors. */
static bool
chosen(const struct image *im, uint32_t it, uint64_t key, uint64_t part)
{
	bool octets = it >= im->d->nchange;

	switch (im->pattern) {
	case PATTERN_ALL:
		return true;
	case PATTERN_NAMES:
		return !octets;
	case PATTERN_OCTETS:
		return octets;
	case PATTERN_ONE:
	case PATTERN_BUT:
		if (im->pattern == PATTERN_BUT && octets && im->which == it)
			return part == 0 || chance(im, it, part) % 2;
		return (im->which == it || (!octets && im->which < im->d->nchange &&
		    im->d->change[im->which].key == im->d->change[it].key)) == (im->pattern == PATTERN_ONE);
	case PATTERN_RANDOM:
		return chance(im, key * 2 + octets, part) % 100 < im->percent;
	default:
		return false;
	}
}

static const struct op *
change_op(const struct image *im, uint32_t i)
{
	return &im->d->record->op[im->d->change[i].op];
}

static uint32_t
group_of(const struct image *im, uint32_t i)
{
	uint32_t folder = im->d->name[im->d->change[i].name].folder;

	return folder == 0 ? 0 : im->d->file[folder].group;
}

/* The last change of a journal that is there. */
static uint32_t
journal_limit(const struct image *im, uint32_t group, uint32_t sure, uint32_t all)
{
	bool its = im->which < im->d->nchange && group_of(im, im->which) == group;

	switch (im->pattern) {
	case PATTERN_ALL:
	case PATTERN_NAMES:
		return all;
	case PATTERN_ONE:
	case PATTERN_BUT:
		if (!its || im->which < sure || im->which >= all)
			return im->pattern == PATTERN_ONE ? sure : all;
		return im->pattern == PATTERN_ONE ? im->which + 1 : im->which;
	case PATTERN_RANDOM:
		return sure + (uint32_t)(chance(im, group, 1) % (all - sure + 1));
	default:
		return sure;
	}
}

static void
journal_limits(struct image *im)
{
	uint32_t sure[DISK_GROUPS] = { 0 }, all[DISK_GROUPS] = { 0 };
	const struct disk *d = im->d;

	for (uint32_t i = 0; i < d->nchange; i++) {
		uint32_t g = group_of(im, i);

		if (change_op(im, i)->begin <= im->cut)
			all[g] = i + 1;
		if (d->change[i].sure_at <= im->cut)
			sure[g] = i + 1;
	}
	for (uint32_t g = 0; g < d->ngroup; g++) {
		im->limit[g] = journal_limit(im, g, sure[g], all[g]);
		im->after[g] = 0;
	}
	for (uint32_t i = 0; i < d->nchange; i++) {
		uint32_t g = group_of(im, i);
		uint64_t begin = change_op(im, i)->begin;

		/* a change and its other half are one transaction */
		if (i == im->limit[g] && i > 0 && d->change[i].op == d->change[i - 1].op)
			im->limit[g]++;
		if (i < im->limit[g] && begin <= im->cut && begin > im->after[g])
			im->after[g] = begin;
	}
}

static bool
change_there(const struct image *im, uint32_t i)
{
	const struct change *c = &im->d->change[i];

	if (change_op(im, i)->begin > im->cut)
		return false;
	if (im->d->model == MODEL_JOURNAL)
		return i < im->limit[group_of(im, i)];
	return c->sure_at <= im->cut || chosen(im, i, c->key, 0);
}

bool
image_open(struct image *im)
{
	const struct disk *d = im->d;

	im->value = malloc((d->nname + 1) * sizeof *im->value);
	if (im->value == NULL)
		return false;
	memset(im->value, 0xff, (d->nname + 1) * sizeof *im->value);
	if (d->model == MODEL_JOURNAL)
		journal_limits(im);
	for (uint32_t i = 0; i < d->nchange; i++)
		if (change_there(im, i))
			im->value[d->change[i].name] = d->change[i].file;
	return true;
}

void
image_close(struct image *im)
{
	free(im->value);
	im->value = NULL;
}

uint32_t
image_find(const struct image *im, uint32_t folder, const char *name)
{
	if (folder == DISK_NONE || !im->d->file[folder].folder)
		return DISK_NONE;
	for (uint32_t n = im->d->file[folder].first; n != DISK_NONE; n = im->d->name[n].next)
		if (span_is(im->d->name[n].text, name))
			return im->value[n];
	return DISK_NONE;
}

/* --- octets --- */

/* A file as it is built up; old: a write to this sector is not there, so none after it. */
struct making {
	const struct image *im;
	unsigned char *p, *old, *touched;
	uint64_t cap, size;
	bool old_all;			/* a new length is not there */
};

static bool
write_sure(const struct image *im, const struct write *w)
{
	if (w->sure_at <= im->cut)
		return true;
	return im->d->model == MODEL_JOURNAL && w->back_at < im->after[im->d->file[w->file].group];
}

static void
put_sector(struct making *m, uint32_t n, const struct op *o, uint64_t from, uint64_t to, bool sure)
{
	const struct image *im = m->im;
	uint64_t sector = from / DISK_SECTOR, at;
	uint32_t it = (uint32_t)im->d->nchange + n;

	if (!sure && (m->old_all || m->old[sector]))
		return;
	if (!sure && !chosen(im, it, n, sector + 1)) {
		m->old[sector] = 1;
		if (im->pattern != PATTERN_RANDOM || chance(im, it, sector + 1) % 4 != 0)
			return;
		/* torn */
		at = from + chance(im, it, ~sector) % (to - from + 1);
		*(chance(im, it, ~sector - 1) % 2 ? &from : &to) = at;
	}
	memcpy(m->p + from, o->data.p + (from - o->off), (size_t)(to - from));
	if (to > from)
		m->touched[sector] = 1;
}

static void
put_size(struct making *m, uint32_t n, uint64_t size, bool sure)
{
	if (sure || (!m->old_all && chosen(m->im, (uint32_t)m->im->d->nchange + n, n, 0)))
		m->size = size;
}

static void
put_write(struct making *m, uint32_t n, const struct op *o, bool sure)
{
	uint64_t end = o->off + o->data.n;

	for (uint64_t from = o->off, to; from < end; from = to) {
		to = (from / DISK_SECTOR + 1) * DISK_SECTOR;
		to = to < end ? to : end;
		put_sector(m, n, o, from, to, sure);
	}
	if (end > m->size)
		put_size(m, n, end, sure);
}

static void
put_length(struct making *m, uint32_t n, uint64_t size, bool sure)
{
	if (!sure && (m->old_all || !chosen(m->im, (uint32_t)m->im->d->nchange + n, n, 0))) {
		m->old_all = true;
		return;
	}
	if (size < m->cap)
		memset(m->p + size, 0, (size_t)(m->cap - size));
	m->size = size;
}

/* Sectors that were never written back: zeros, or what another file left on the device. */
static void
put_stale(struct making *m)
{
	const struct disk *d = m->im->d;

	if (d->model == MODEL_JOURNAL || m->im->pattern != PATTERN_RANDOM || m->im->seed % 4 != 0 ||
	    d->nwrite == 0)
		return;
	for (uint64_t s = 0; s * DISK_SECTOR < m->size; s++) {
		const struct span data =
		    d->record->op[d->write[chance(m->im, s, 3) % d->nwrite].op].data;
		uint64_t left = m->size - s * DISK_SECTOR;

		if (m->touched[s] || data.n == 0)
			continue;
		left = left < DISK_SECTOR ? left : DISK_SECTOR;
		memcpy(m->p + s * DISK_SECTOR, data.p, data.n < left ? data.n : (size_t)left);
	}
}

static uint64_t
file_cap(const struct image *im, uint32_t file)
{
	uint64_t cap = 0;

	for (uint32_t n = im->d->file[file].first; n != DISK_NONE; n = im->d->write[n].next) {
		const struct op *o = &im->d->record->op[im->d->write[n].op];
		uint64_t end = o->call == SYS_TRUNCATE ? o->off : o->call == SYS_WRITE ? o->off + o->data.n : 0;

		cap = end > cap ? end : cap;
	}
	return cap;
}

int
image_octets(const struct image *im, uint32_t file, struct buf *out, struct err *e)
{
	struct making m = { .im = im, .cap = file_cap(im, file) };
	size_t sectors = (size_t)(m.cap / DISK_SECTOR + 1);
	int r;

	m.p = calloc(1, (size_t)m.cap + 2 * sectors);
	if (m.p == NULL)
		return err_sys(e, "image");
	m.old = m.p + m.cap;
	m.touched = m.old + sectors;
	for (uint32_t n = im->d->file[file].first; n != DISK_NONE; n = im->d->write[n].next) {
		const struct op *o = &im->d->record->op[im->d->write[n].op];
		bool sure = write_sure(im, &im->d->write[n]);

		if (o->begin > im->cut)
			continue;
		if (o->call == SYS_WRITE)
			put_write(&m, n, o, sure);
		else
			put_length(&m, n, o->call == SYS_TRUNCATE ? o->off : 0, sure);
	}
	put_stale(&m);
	buf_clear(out);
	r = buf_add(out, span_of(m.p, (size_t)m.size), e);
	free(m.p);
	return r;
}

/* --- all of it --- */

void
image_clear(int at, const char *name, bool folders)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *de;

	while (d != NULL && (de = readdir(d)) != NULL)
		if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0 &&
		    unlinkat(fd, de->d_name, 0) == -1)
			image_clear(fd, de->d_name, folders);
	if (d != NULL)
		closedir(d);
	if (folders)
		(void)unlinkat(at, name, AT_REMOVEDIR);
}

static int write_folder(struct image *im, uint32_t folder, int fd, struct buf *b, struct err *e);

static int
write_file(struct image *im, uint32_t file, int at, const char *name, struct buf *b, struct err *e)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640), r;

	if (fd == -1)
		return err_sys(e, "%s", name);
	r = image_octets(im, file, b, e);
	im->hash += (crc32c(crc32c(0, name, strlen(name)), b->p, b->n) + 1) * 0x9e3779b97f4a7c15u;
	for (size_t done = 0; r == 0 && done < b->n;) {
		ssize_t n = write(fd, b->p + done, b->n - done);

		if (n == -1)
			r = err_sys(e, "%s", name);
		else
			done += (size_t)n;
	}
	close(fd);
	return r;
}

static int
write_below(struct image *im, uint32_t file, int at, const char *name, struct buf *b, struct err *e)
{
	int fd, r;

	im->hash += (crc32c(1, name, strlen(name)) + 1) * 0x94d049bb133111ebu;
	if ((mkdirat(at, name, 0750) == -1 && errno != EEXIST) ||
	    (fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return err_sys(e, "%s", name);
	r = write_folder(im, file, fd, b, e);
	close(fd);
	return r;
}

static int
write_folder(struct image *im, uint32_t folder, int fd, struct buf *b, struct err *e)
{
	int r = 0;

	for (uint32_t n = im->d->file[folder].first; r == 0 && n != DISK_NONE; n = im->d->name[n].next) {
		struct span text = im->d->name[n].text;
		uint32_t file = im->value[n];
		char name[TEXT_MAX];

		if (text.n >= sizeof name)
			return err_set(e, ERR_PERM, NULL, "a name of %zu octets", text.n);
		memcpy(name, text.p, text.n);
		name[text.n] = '\0';
		if (file == DISK_NONE)
			image_clear(fd, name, true);
		else
			r = (im->d->file[file].folder ? write_below : write_file)(im, file, fd, name, b, e);
	}
	return r;
}

int
image_write(struct image *im, int dir_fd, struct err *e)
{
	struct buf b;
	int r;

	im->hash = 0;
	buf_init(&b, 1 << 30);
	r = write_folder(im, 0, dir_fd, &b, e);
	buf_free(&b);
	return r;
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/crash/sim/disk.h"

#include <fcntl.h>
#include <stdlib.h>

enum { HASH = 1 << 18 };

/* --- what calls did, in their order --- */

static uint32_t
ino_slot(const struct disk *d, uint64_t ino)
{
	uint32_t h = (uint32_t)(ino * 0x9e3779b97f4a7c15u >> 40) % HASH;

	while (d->by_ino[h] != DISK_NONE && d->ino_key[h] != ino)
		h = (h + 1) % HASH;
	return h;
}

/* The file that has this number now, or DISK_NONE: none below the root. */
static uint32_t
file_of(const struct disk *d, uint64_t ino)
{
	return ino == 0 ? DISK_NONE : d->by_ino[ino_slot(d, ino)];
}

static uint32_t
file_new(struct disk *d, uint64_t ino, bool folder, uint32_t group)
{
	uint32_t h = ino_slot(d, ino);

	d->ino_key[h] = ino;
	d->by_ino[h] = (uint32_t)d->nfile;
	d->file[d->nfile] = (struct file){ .folder = folder, .group = group, .first = DISK_NONE,
	    .last = DISK_NONE };
	return (uint32_t)d->nfile++;
}

static uint32_t
name_of(struct disk *d, uint32_t folder, struct span text)
{
	uint32_t h = folder * 2654435761u + 1;

	for (size_t i = 0; i < text.n; i++)
		h = (h ^ text.p[i]) * 16777619u;
	h = (h ^ h >> 15) % HASH;
	for (; d->by_name[h] != DISK_NONE; h = (h + 1) % HASH) {
		const struct name *n = &d->name[d->by_name[h]];

		if (n->folder == folder && span_eq(n->text, text))
			return d->by_name[h];
	}
	d->by_name[h] = (uint32_t)d->nname;
	d->name[d->nname] = (struct name){ .folder = folder, .next = d->file[folder].first,
	    .now = DISK_NONE, .text = text };
	d->file[folder].first = (uint32_t)d->nname;
	return (uint32_t)d->nname++;
}

static void
change_add(struct disk *d, uint32_t op, uint32_t name, uint32_t file)
{
	uint32_t n = (uint32_t)d->nchange++;

	d->name[name].now = file;
	d->change[n] = (struct change){ .op = op, .name = name, .file = file,
	    .key = d->model == MODEL_SPLIT ? n : op, .sure_at = DISK_NEVER };
}

static void
write_add(struct disk *d, uint32_t op, uint32_t file)
{
	uint32_t n = (uint32_t)d->nwrite++;
	struct file *f = &d->file[file];

	d->write[n] = (struct write){ .op = op, .file = file, .next = DISK_NONE, .sure_at = DISK_NEVER,
	    .back_at = DISK_NEVER };
	*(f->last == DISK_NONE ? &f->first : &d->write[f->last].next) = n;
	f->last = n;
}

/* Names in the root are its own file system's; each folder there begins another. */
static uint32_t
group_below(struct disk *d, uint32_t folder, bool is_folder)
{
	if (folder != 0)
		return d->file[folder].group;
	return is_folder && d->ngroup < DISK_GROUPS ? d->ngroup++ : 0;
}

static void
take_create(struct disk *d, uint32_t i, const struct op *o)
{
	uint32_t folder = file_of(d, o->dir), name, file;
	bool is_folder = o->call == SYS_MKDIR;

	if (folder == DISK_NONE || !d->file[folder].folder)
		return;
	name = name_of(d, folder, o->from);
	file = d->name[name].now;
	if (file == DISK_NONE || file != file_of(d, o->ino))
		change_add(d, i, name, file_new(d, o->ino, is_folder, group_below(d, folder, is_folder)));
	else if (o->flags & O_TRUNC)
		write_add(d, i, file);
}

static void
take_move(struct disk *d, uint32_t i, const struct op *o)
{
	uint32_t from = file_of(d, o->dir), to = file_of(d, o->to_dir), name, file;

	if (from == DISK_NONE || (o->call != SYS_UNLINK && to == DISK_NONE))
		return;
	name = name_of(d, from, o->from);
	if ((file = d->name[name].now) == DISK_NONE)
		return;
	if (o->call != SYS_UNLINK)	/* the new name first: a journal's first part never has neither */
		change_add(d, i, name_of(d, to, o->to), file);
	if (o->call != SYS_LINK)
		change_add(d, i, name, DISK_NONE);
}

static void
take_op(struct disk *d, uint32_t i, const struct op *o)
{
	uint32_t file = file_of(d, o->ino);

	switch (o->call) {
	case SYS_CREATE:
	case SYS_MKDIR:
		take_create(d, i, o);
		break;
	case SYS_RENAME:
	case SYS_LINK:
	case SYS_UNLINK:
		take_move(d, i, o);
		break;
	case SYS_WRITE:
	case SYS_TRUNCATE:
		if (file != DISK_NONE && !d->file[file].folder && (o->call == SYS_TRUNCATE || o->data.n > 0))
			write_add(d, i, file);
		break;
	case SYS_OPEN:
		if (file != DISK_NONE && o->flags & O_TRUNC)
			write_add(d, i, file);
		break;
	case SYS_FSYNC:
	case SYS_FDATASYNC:
	case SYS_WRITTEN:
	case SYS_SYNCFS:
		if (file != DISK_NONE)
			d->flush[d->nflush++] = (struct flush){ i, file };
		break;
	}
}

/* --- what is sure, and from when on --- */

static const struct op *
op_of(const struct disk *d, uint32_t i)
{
	return &d->record->op[i];
}

static void
least(uint64_t *at, uint64_t v)
{
	if (v < *at)
		*at = v;
}

static uint32_t
change_folder(const struct disk *d, const struct change *c)
{
	return d->name[c->name].folder;
}

static uint32_t
change_group(const struct disk *d, const struct change *c)
{
	uint32_t folder = change_folder(d, c);

	return folder == 0 ? 0 : d->file[folder].group;
}

/* A flush of one file: its octets; of a folder: its names. */
static void
sure_by(struct disk *d, const struct flush *f)
{
	const struct op *o = op_of(d, f->op);

	if (!d->file[f->file].folder)
		for (uint32_t w = d->file[f->file].first; w != DISK_NONE; w = d->write[w].next)
			if (op_of(d, d->write[w].op)->end < o->begin)
				least(&d->write[w].sure_at, o->end);
	for (size_t i = 0; d->file[f->file].folder && i < d->nchange; i++)
		if (op_of(d, d->change[i].op)->end < o->begin && change_folder(d, &d->change[i]) == f->file)
			least(&d->change[i].sure_at, o->end);
}

/* syncfs: all of that file system. */
static void
sure_all(struct disk *d, const struct flush *f)
{
	const struct op *o = op_of(d, f->op);
	uint32_t group = d->file[f->file].group;

	for (size_t w = 0; w < d->nwrite; w++)
		if (d->file[d->write[w].file].group == group && op_of(d, d->write[w].op)->end < o->begin)
			least(&d->write[w].sure_at, o->end);
	for (size_t i = 0; i < d->nchange; i++)
		if (change_group(d, &d->change[i]) == group && op_of(d, d->change[i].op)->end < o->begin)
			least(&d->change[i].sure_at, o->end);
}

/* A rename that is one change is there when its new name is sure; the old name's half follows it. */
static void
sure_renames(struct disk *d)
{
	for (size_t i = 1; i < d->nchange; i++)
		if (d->change[i].key == d->change[i - 1].key)
			d->change[i].sure_at = d->change[i - 1].sure_at;
}

static bool
write_grows(const struct disk *d, uint32_t w, uint64_t *size)
{
	const struct op *o = op_of(d, d->write[w].op);
	bool grows = o->call != SYS_WRITE || o->off + o->data.n > *size;

	if (o->call == SYS_WRITE)
		*size = grows ? o->off + o->data.n : *size;
	else
		*size = o->call == SYS_TRUNCATE ? o->off : 0;
	return grows;
}

/*
 * The call by which the file last changed in a way that a journal has: what came before that call is in
 * the journal before it.  NULL: there is none before the flush.
 */
static const struct op *
last_metadata(const struct disk *d, const struct flush *f)
{
	const struct op *o = op_of(d, f->op), *last = NULL;
	uint64_t size = 0;

	if (d->file[f->file].folder) {
		for (size_t i = 0; i < d->nchange; i++)
			if (change_folder(d, &d->change[i]) == f->file && op_of(d, d->change[i].op)->end < o->begin)
				last = op_of(d, d->change[i].op);
		return last;
	}
	for (size_t i = 0; i < d->nchange; i++)
		if (d->change[i].file == f->file && op_of(d, d->change[i].op)->end < o->begin)
			last = op_of(d, d->change[i].op);
	for (uint32_t w = d->file[f->file].first; w != DISK_NONE; w = d->write[w].next) {
		const struct op *by = op_of(d, d->write[w].op);

		if (write_grows(d, w, &size) && by->end < o->begin && (last == NULL || by->end > last->end))
			last = by;
	}
	return last;
}

/* Is the change in the journal when `last` is?  What came before is, and what the flushed file had itself. */
static bool
change_covered(const struct disk *d, const struct change *c, const struct flush *f, const struct op *last)
{
	uint64_t end = op_of(d, c->op)->end;

	return end < last->begin || ((c->file == f->file || change_folder(d, c) == f->file) &&
	    end < op_of(d, f->op)->begin);
}

/* committed: calls that a journal has already; a flush that finds nothing else commits nothing. */
static void
journal_commit(struct disk *d, const struct flush *f, bool *committed)
{
	const struct op *o = op_of(d, f->op), *last = last_metadata(d, f);
	uint32_t group = d->file[f->file].group;

	for (uint32_t w = d->file[f->file].folder ? DISK_NONE : d->file[f->file].first; w != DISK_NONE;
	    w = d->write[w].next)
		if (op_of(d, d->write[w].op)->end < o->begin)
			least(&d->write[w].sure_at, o->end);
	if (last == NULL || committed[last - d->record->op])
		return;
	committed[last - d->record->op] = true;
	for (size_t i = 0; i < d->nchange; i++)
		if (change_group(d, &d->change[i]) == group && change_covered(d, &d->change[i], f, last)) {
			least(&d->change[i].sure_at, o->end);
			committed[d->change[i].op] = true;
		}
	for (size_t w = 0; w < d->nwrite; w++)
		if (d->file[d->write[w].file].group == group && d->write[w].back_at < o->begin)
			least(&d->write[w].sure_at, o->end);
}

static void
journal_written_back(struct disk *d, const struct flush *f)
{
	const struct op *o = op_of(d, f->op);

	for (uint32_t w = d->file[f->file].first; w != DISK_NONE; w = d->write[w].next)
		if (op_of(d, d->write[w].op)->end < o->begin)
			least(&d->write[w].back_at, o->end);
}

static int
disk_settle(struct disk *d)
{
	bool *committed = calloc(d->record->nop + 1, sizeof *committed);

	if (committed == NULL)
		return -1;

	for (size_t i = 0; i < d->nflush; i++) {
		const struct flush *f = &d->flush[i];
		uint16_t call = op_of(d, f->op)->call;

		if (call == SYS_SYNCFS)
			sure_all(d, f);
		else if (d->model == MODEL_JOURNAL && call == SYS_WRITTEN)
			journal_written_back(d, f);
		else if (d->model == MODEL_JOURNAL)
			journal_commit(d, f, committed);
		else if (call != SYS_WRITTEN)
			sure_by(d, f);
	}
	free(committed);
	if (d->model == MODEL_SUBSET)
		sure_renames(d);
	return 0;
}

int
disk_open(struct disk *d, const struct record *r, uint64_t root, enum model model, struct err *e)
{
	size_t n = r->nop + 2;

	*d = (struct disk){ .record = r, .model = model, .ngroup = 1 };
	if (r->nop * 4 > HASH)
		return err_set(e, ERR_PERM, NULL, "a record of %zu calls", r->nop);
	d->file = calloc(n, sizeof *d->file);
	d->write = calloc(n, sizeof *d->write);
	d->name = calloc(2 * n, sizeof *d->name);
	d->change = calloc(2 * n, sizeof *d->change);
	d->flush = calloc(n, sizeof *d->flush);
	d->by_ino = malloc(HASH * sizeof *d->by_ino);
	d->by_name = malloc(HASH * sizeof *d->by_name);
	d->ino_key = calloc(HASH, sizeof *d->ino_key);
	if (d->file == NULL || d->write == NULL || d->name == NULL || d->change == NULL || d->flush == NULL ||
	    d->by_ino == NULL || d->by_name == NULL || d->ino_key == NULL) {
		disk_close(d);
		return err_sys(e, "disk");
	}
	memset(d->by_ino, 0xff, HASH * sizeof *d->by_ino);
	memset(d->by_name, 0xff, HASH * sizeof *d->by_name);
	file_new(d, root, true, 0);
	for (size_t i = 0; i < r->nop; i++)
		take_op(d, (uint32_t)i, &r->op[i]);
	if (disk_settle(d) == 0)
		return 0;
	disk_close(d);
	return err_sys(e, "disk");
}

void
disk_close(struct disk *d)
{
	free(d->file);
	free(d->write);
	free(d->name);
	free(d->change);
	free(d->flush);
	free(d->by_ino);
	free(d->by_name);
	free(d->ino_key);
	*d = (struct disk){ .record = NULL };
}

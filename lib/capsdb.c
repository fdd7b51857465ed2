/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/capsdb.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/caplines.h"
#include "lib/confline.h"
#include "lib/features.h"
#include "lib/fileio.h"

enum {
	CAPS_TEXT_MAX = 1 << 30,	/* octets of the text */
	CAPS_KEY_MAX = ADDRESS_MAX + 2,
	VALUE_ANY = 'A', VALUE_EXPRESSION = 'E'
};

/* Where a failure is: caps:LINE:COLUMN. */
struct place { const char *name; uint32_t line; };

static int
fail_at(const struct place *at, size_t column, struct err *e)
{
	return err_in(e, "%s:%u:%zu", at->name, at->line, column);
}

/* The line without its comment ("#" at its start or behind white space, not in quotes). */
static struct span
without_comment(struct span line)
{
	bool quoted = false;

	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] == '"')
			quoted = !quoted;
		if (line.p[i] == '#' && !quoted && (i == 0 || ascii_wsp(line.p[i - 1])))
			return span_trim(span_sub(line, 0, i));
	}
	return span_trim(line);
}

/* "ADDRESS REST": the address may hold quoted spaces. */
static struct span
take_address(struct span *rest)
{
	bool quoted = false;
	struct span addr;
	size_t i = 0;

	for (; i < rest->n && (quoted || !ascii_wsp(rest->p[i])); i++) {
		if (quoted && rest->p[i] == '\\')
			i++;
		else if (rest->p[i] == '"')
			quoted = !quoted;
	}
	addr = span_sub(*rest, 0, i);
	*rest = span_trim(span_sub(*rest, i, rest->n));
	return addr;
}

static int
make_key(struct span addr, struct buf *key, struct err *e)
{
	buf_clear(key);
	if (addr.n > 0 && addr.p[0] == '@') {
		if (hostname_check(span_sub(addr, 1, addr.n), e) == -1)
			return -1;
	} else if (address_check(addr, e) == -1) {
		return err_set(e, ERR_PERM, NULL, "expected ADDRESS or @domain first");
	}
	return address_key(addr, key, e);
}

/* The column of an expression's error, which its text names from the expression's start. */
static size_t
error_column(const struct err *e, size_t start)
{
	const char *at = strstr(e->what, "column ");
	unsigned long n = at == NULL ? 1 : strtoul(at + 7, NULL, 10);

	return start + (n == 0 ? 0 : n - 1);
}

static int
can_be_told(struct span filter, struct err *e)
{
	struct buf lines;
	int r;

	buf_init(&lines, CAPLINES_OCTETS);
	r = caplines_make(filter, &lines, e);
	buf_free(&lines);
	return r;
}

int
capsdb_expression(struct span text, struct buf *out, struct err *e)
{
	size_t from = out->n;
	struct feat *f;
	int r;

	if (feat_parse(text, 0, &f, e) == -1)
		return -1;
	if (feat_empty(f))
		r = err_set(e, ERR_PERM, NULL, "expected an expression that something can meet");
	else
		r = feat_print(f, out, e);
	feat_free(f);
	return r == -1 ? -1 : can_be_told(span_sub(buf_view(out), from, out->n), e);
}

static int
make_value(struct span text, struct buf *value, struct err *e)
{
	buf_clear(value);
	if (span_isi(text, "any"))
		return buf_add_byte(value, VALUE_ANY, e);
	return buf_add_byte(value, VALUE_EXPRESSION, e) == -1 ? -1 : capsdb_expression(text, value, e);
}

struct entry { struct buf key, value; };

static int
add_line(struct cdb_make *make, struct span line, const struct place *at, struct entry *entry,
    struct err *e)
{
	struct span rest = without_comment(line), addr;
	size_t start = rest.n == 0 ? 0 : (size_t)(rest.p - line.p) + 1;
	int r;

	if (rest.n == 0)
		return 0;
	addr = take_address(&rest);
	if (make_key(addr, &entry->key, e) == -1)
		return fail_at(at, start, e);
	if (rest.n == 0) {
		err_set(e, ERR_PERM, NULL, "expected an expression or any after the address");
		return fail_at(at, start + addr.n, e);
	}
	start = (size_t)(rest.p - line.p) + 1;
	if (make_value(rest, &entry->value, e) == -1)
		return e->kind == ERR_PERM ? fail_at(at, error_column(e, start), e) : -1;
	r = cdb_make_put(make, entry->key.p, (unsigned)entry->key.n, entry->value.p,
	    (unsigned)entry->value.n, CDB_PUT_INSERT);
	if (r == -1)
		return err_sys(e, "%s: write", at->name);
	if (r == 1) {
		err_set(e, ERR_PERM, NULL, "expected each address once");
		return fail_at(at, 1, e);
	}
	return 0;
}

static int
add_all(struct cdb_make *make, struct span text, const char *name, struct err *e)
{
	struct place at = { name, 0 };
	struct entry entry;
	struct span line;
	int r = 0;

	buf_init(&entry.key, CAPS_KEY_MAX);
	buf_init(&entry.value, 1 + 16 * FEAT_MAX_TEXT);
	while (r == 0 && span_line(&text, &line)) {
		at.line++;
		r = add_line(make, line, &at, &entry, e);
	}
	buf_free(&entry.key);
	buf_free(&entry.value);
	return r;
}

/* Writes the database to fd and makes it durable. */
static int
write_db(int fd, struct span text, const char *name, struct err *e)
{
	struct cdb_make make;
	int r;

	if (cdb_make_start(&make, fd) == -1)
		return err_sys(e, "%s: write", name);
	r = add_all(&make, text, name, e);
	if (cdb_make_finish(&make) == -1 && r == 0)	/* frees its memory in any case */
		r = err_sys(e, "%s: write", name);
	if (r == 0 && fsync(fd) == -1)
		r = err_sys(e, "%s: fsync", name);
	return r;
}

int
capsdb_check(struct span text, const char *name, struct err *e)
{
	int fd = memfd_create("caps", MFD_CLOEXEC), r;

	if (fd == -1)
		return err_sys(e, "%s", name);
	r = write_db(fd, text, name, e);
	close(fd);
	return r;
}

int
capsdb_line(struct span line, struct buf *key, struct err *e)
{
	struct span rest = without_comment(line);

	if (rest.n == 0)
		return 0;
	return make_key(take_address(&rest), key, e) == -1 ? -1 : 1;
}

int
capsdb_build(int text_fd, const char *name, int dir_fd, const char *cdb_name, struct err *e)
{
	struct stat from;
	struct buf text;
	char tmp[256];
	int fd, r;

	buf_init(&text, CAPS_TEXT_MAX);
	if (fileio_read(text_fd, &text, e) == -1) {
		buf_free(&text);
		return err_in(e, "%s", name);
	}
	snprintf(tmp, sizeof tmp, "%.200s.%ld.tmp", cdb_name, (long)getpid());
	if (fstat(text_fd, &from) == -1)
		from.st_mode = 0600;
	/* who may not read the text may not read this either */
	fd = openat(dir_fd, tmp, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, from.st_mode & 0644);
	if (fd == -1) {
		buf_free(&text);
		return err_sys(e, "%s", tmp);
	}
	r = write_db(fd, buf_view(&text), name, e);
	buf_free(&text);
	close(fd);
	if (r == 0 && (renameat(dir_fd, tmp, dir_fd, cdb_name) == -1 || fsync(dir_fd) == -1))
		r = err_sys(e, "%s", cdb_name);
	if (r == -1)
		(void)unlinkat(dir_fd, tmp, 0);
	return r;
}

int
capsdb_open(struct capsdb *d, int fd, struct err *e)
{
	if (cdb_init(&d->cdb, fd) == -1) {
		err_sys(e, "caps.cdb");
		close(fd);
		return -1;
	}
	return 0;
}

void
capsdb_close(struct capsdb *d)
{
	close(cdb_fileno(&d->cdb));
	cdb_free(&d->cdb);
}

/* 1 found, 0 not, -1 damaged. */
static int
look_up(const struct capsdb *d, struct span key, struct span *value, struct err *e)
{
	struct cdb c = d->cdb;		/* the search keeps its place in it */
	const void *p;
	int r = cdb_find(&c, key.p, (unsigned)key.n);

	if (r == 0)
		return 0;
	p = r > 0 ? cdb_getdata(&c) : NULL;
	if (p == NULL)
		return err_set(e, ERR_TEMP, "4.3.0", "caps.cdb is damaged");
	*value = span_of(p, cdb_datalen(&c));
	return 1;
}

int
capsdb_get_by(const struct capsdb *d, struct span addr, bool domain, struct span *expression, bool *any,
    struct err *e)
{
	struct span value = { NULL, 0 }, key;
	struct buf k;
	size_t at;
	int r;

	*any = false;
	*expression = span_of(NULL, 0);
	buf_init(&k, CAPS_KEY_MAX);
	if (address_key(addr, &k, e) == -1) {
		buf_free(&k);
		return e->kind == ERR_PERM ? 0 : -1;	/* too long for any key */
	}
	key = buf_view(&k);
	at = span_rfind(key, '@');	/* no domain holds one; the local part is unquoted here */
	r = !domain ? look_up(d, key, &value, e) : at < key.n ? look_up(d, span_sub(key, at, key.n), &value, e) : 0;
	buf_free(&k);
	if (r != 1)
		return r;
	*any = value.n == 1 && value.p[0] == VALUE_ANY;
	*expression = span_sub(value, 1, value.n);
	if (!*any && (value.n < 2 || value.p[0] != VALUE_EXPRESSION))
		return err_set(e, ERR_TEMP, "4.3.0", "caps.cdb: an unknown kind of entry");
	return 1;
}

int
capsdb_get(const struct capsdb *d, struct span addr, struct span *expression, bool *any, struct err *e)
{
	int r = capsdb_get_by(d, addr, false, expression, any, e);

	return r != 0 ? r : capsdb_get_by(d, addr, true, expression, any, e);
}

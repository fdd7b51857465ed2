/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/capslog.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cur.h"
#include "lib/durable.h"
#include "lib/fileio.h"
#include "lib/qfile.h"

enum {
	HEADER = 16, RECORD = 32, ALIGN = 8,
	CRC_FROM = 8,			/* a record's octets from here on are in its CRC */
	MARK = 0x43634143,		/* "CAcC" */
	SMALL = 65536,			/* octets of a file that is not worth to be written anew */
	CHUNK = 1 << 20
};

static const char header[HEADER] = "accord caps 1\n";

struct capslog_node {
	struct capslog_node *next, **prev;
	uint64_t since_s;
	uint32_t ttl_s, text_len;
	uint16_t key_len;
	uint8_t source, state;
	unsigned char octets[];		/* key, text */
};

/* --- in memory --- */

static struct span
node_key(const struct capslog_node *n)
{
	return span_of(n->octets, n->key_len);
}

static struct span
node_text(const struct capslog_node *n)
{
	return span_of(n->octets + n->key_len, n->text_len);
}

static uint64_t
record_size(size_t key, size_t text)
{
	return (RECORD + key + text + ALIGN - 1) / ALIGN * ALIGN;
}

static uint64_t
node_size(const struct capslog_node *n)
{
	return record_size(n->key_len, n->text_len);
}

static int
node_order(const void *a, const void *b)
{
	const struct capslog_node *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->key_len != y->key_len)
		return x->key_len < y->key_len ? -1 : 1;
	return memcmp(x->octets, y->octets, x->key_len);
}

static struct capslog_node *
node_make(struct span key, const struct cap_entry *v, struct err *e)
{
	struct capslog_node *n = malloc(sizeof *n + key.n + v->text.n);

	if (n == NULL) {
		err_sys(e, "capabilities");
		return NULL;
	}
	*n = (struct capslog_node){ .since_s = v->since_s, .ttl_s = v->ttl_s, .source = (uint8_t)v->source,
	    .state = (uint8_t)v->state, .key_len = (uint16_t)key.n, .text_len = (uint32_t)v->text.n };
	memcpy(n->octets, key.p, key.n);
	if (v->text.n > 0)
		memcpy(n->octets + key.n, v->text.p, v->text.n);
	return n;
}

static bool
node_over(const struct capslog_node *n, uint64_t now_s)
{
	return n->ttl_s != 0 && now_s >= n->since_s && now_s - n->since_s >= n->ttl_s;
}

static void
node_count(struct capslog *c, struct capslog_node *n)
{
	n->next = c->first;
	n->prev = &c->first;
	if (n->next != NULL)
		n->next->prev = &n->next;
	c->first = n;
	c->n++;
	c->live += node_size(n);
}

static void
node_drop(struct capslog *c, struct capslog_node *n)
{
	tdelete(n, &c->tree, node_order);
	*n->prev = n->next;
	if (n->next != NULL)
		n->next->prev = n->prev;
	c->n--;
	c->live -= node_size(n);
	free(n);
}

static void
drop_all(struct capslog *c)
{
	while (c->first != NULL)
		node_drop(c, c->first);
}

/* What counts no longer makes room. */
static void
drop_over(struct capslog *c, uint64_t now_s)
{
	for (struct capslog_node *n = c->first, *next; n != NULL; n = next) {
		next = n->next;
		if (node_over(n, now_s))
			node_drop(c, n);
	}
}

/* The node of that source and key, or NULL. */
static struct capslog_node *
node_find(const struct capslog *c, enum cap_source source, struct span key)
{
	_Alignas(struct capslog_node) unsigned char room[sizeof(struct capslog_node) + CAPSLOG_KEY];
	struct capslog_node *want = (struct capslog_node *)(void *)room, *const *at;

	if (key.n == 0 || key.n > CAPSLOG_KEY)
		return NULL;
	*want = (struct capslog_node){ .source = (uint8_t)source, .key_len = (uint16_t)key.n };
	memcpy(want->octets, key.p, key.n);
	at = tfind(want, (void *const *)&c->tree, node_order);
	return at == NULL ? NULL : *at;
}

/* n, which is none of CAP_NONE, takes the place of what there was; place: tsearch's. */
static void
node_take_place(struct capslog *c, struct capslog_node *n, struct capslog_node **place)
{
	struct capslog_node *old = *place;

	*place = n;
	if (old != n) {
		*old->prev = old->next;
		if (old->next != NULL)
			old->next->prev = old->prev;
		c->n--;
		c->live -= node_size(old);
		free(old);
	}
	node_count(c, n);
}

/* --- one record --- */

static int
record_add(struct buf *out, struct span key, const struct cap_entry *v, struct err *e)
{
	static const unsigned char zeros[ALIGN];
	uint64_t size = record_size(key.n, v->text.n);
	size_t at = out->n;
	uint32_t crc;

	if (buf_add_u32le(out, MARK, e) == -1 || buf_add_u32le(out, 0, e) == -1 ||
	    buf_add_u32le(out, (uint32_t)size, e) == -1 || buf_add_u32le(out, v->ttl_s, e) == -1 ||
	    buf_add_u64le(out, v->since_s, e) == -1 || buf_add_u32le(out, (uint32_t)v->text.n, e) == -1 ||
	    buf_add_u16le(out, (uint16_t)key.n, e) == -1 || buf_add_byte(out, v->source, e) == -1 ||
	    buf_add_byte(out, v->state, e) == -1 || buf_add(out, key, e) == -1 ||
	    buf_add(out, v->text, e) == -1 ||
	    buf_add(out, span_of(zeros, (size_t)(size - RECORD - key.n - v->text.n)), e) == -1)
		return -1;
	crc = crc32c(0, out->p + at + CRC_FROM, (size_t)size - CRC_FROM);
	for (int i = 0; i < 4; i++)
		out->p[at + 4 + (size_t)i] = (unsigned char)(crc >> 8 * i);
	return 0;
}

/* The record that all begins with.  Its octets; 0: it is none. */
static size_t
record_read(struct span all, struct span *key, struct cap_entry *v)
{
	struct cur c = cur_of(all);
	uint32_t mark = cur_u32le(&c), crc = cur_u32le(&c), size = cur_u32le(&c), text_len;
	uint16_t key_len;

	v->ttl_s = cur_u32le(&c);
	v->since_s = cur_u64le(&c);
	text_len = cur_u32le(&c);
	key_len = cur_u16le(&c);
	v->source = (enum cap_source)cur_byte(&c);
	v->state = (enum cap_state)cur_byte(&c);
	if (c.bad || mark != MARK || size > all.n || key_len == 0 || key_len > CAPSLOG_KEY ||
	    text_len > CAPSLOG_TEXT || size != record_size(key_len, text_len) ||
	    crc32c(0, all.p + CRC_FROM, size - CRC_FROM) != crc || v->state > CAP_ANY)
		return 0;
	*key = cur_take(&c, key_len);
	v->text = cur_take(&c, text_len);
	return size;
}

/* --- the file --- */

static int
flush(int fd, struct err *e)
{
	return fsync(fd) == -1 || durable_confirm(fd) == -1 ? err_sys(e, "flush") : 0;
}

/* Header and records, to fd. */
static int
write_nodes(const struct capslog_node *n, int fd, uint64_t *size, struct err *e)
{
	struct buf out;
	int r;

	buf_init(&out, CHUNK + SMALL + RECORD + CAPSLOG_KEY + CAPSLOG_TEXT);
	r = buf_add(&out, span_of(header, HEADER), e);
	*size = HEADER;
	for (; r == 0 && n != NULL; n = n->next) {
		struct cap_entry v = { (enum cap_source)n->source, (enum cap_state)n->state, node_text(n),
		    n->since_s, n->ttl_s };

		*size += node_size(n);
		r = record_add(&out, node_key(n), &v, e);
		if (r == 0 && out.n >= CHUNK) {
			r = fileio_write(fd, buf_view(&out), e);
			buf_clear(&out);
		}
	}
	if (r == 0)
		r = fileio_write(fd, buf_view(&out), e);
	buf_free(&out);
	return r;
}

/* The file anew, of these nodes alone.  -1: what there was stays, unless its folder cannot be flushed. */
static int
write_anew(struct capslog *c, const struct capslog_node *n, struct err *e)
{
	char tmp[sizeof c->name + 8];
	uint64_t size;
	int fd;

	snprintf(tmp, sizeof tmp, "%s.tmp", c->name);
	fd = openat(c->dir_fd, tmp, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return err_sys(e, "%s", tmp);
	if (write_nodes(n, fd, &size, e) == -1 || flush(fd, e) == -1) {
		close(fd);
		(void)unlinkat(c->dir_fd, tmp, 0);
		return err_in(e, "%s", tmp);
	}
	if (renameat(c->dir_fd, tmp, c->dir_fd, c->name) == -1) {
		err_sys(e, "%s", c->name);
		close(fd);
		(void)unlinkat(c->dir_fd, tmp, 0);
		return -1;
	}
	if (c->fd != -1)
		close(c->fd);
	c->fd = fd;
	c->end = size;
	c->distrusted = flush(c->dir_fd, e) == -1;
	return c->distrusted ? err_in(e, "%s: folder", c->name) : 0;
}

/* Before a record goes to the file: there is one, and it is not mostly dead. */
static int
make_ready(struct capslog *c, uint64_t now_s, struct err *e)
{
	struct err later;

	if (c->fd == -1 || c->distrusted)
		return write_anew(c, c->first, e);
	if (c->end <= SMALL || c->end - HEADER <= 3 * c->live)
		return 0;
	drop_over(c, now_s);
	/* a disk that has no room for a second file may have it for a record */
	return write_anew(c, c->first, &later) == 0 || !c->distrusted ? 0 : err_set(e, later.kind, later.dsn,
	    "%s", later.what);
}

/* At the end of the file, whole and durable, or not at all. */
static int
append(struct capslog *c, struct span record, struct err *e)
{
	bool written;

	if (lseek(c->fd, (off_t)c->end, SEEK_SET) == -1)
		return err_sys(e, "%s", c->name);
	written = fileio_write(c->fd, record, e) == 0;
	if (written && flush(c->fd, e) == 0) {
		c->end += record.n;
		return 0;
	}
	/* a flush that failed may have dropped what an earlier one was to have written */
	c->distrusted = ftruncate(c->fd, (off_t)c->end) == -1 || written;
	return err_in(e, "%s", c->name);
}

/* --- reading it at the start --- */

static int
take_record(struct capslog *c, struct span key, const struct cap_entry *v, struct err *e)
{
	struct capslog_node *n, *old, **place;

	if (v->state == CAP_NONE) {
		if ((old = node_find(c, v->source, key)) != NULL)
			node_drop(c, old);
		return 0;
	}
	if ((n = node_make(key, v, e)) == NULL)
		return -1;
	if ((place = tsearch(n, &c->tree, node_order)) == NULL) {
		free(n);
		return err_sys(e, "%s", c->name);
	}
	node_take_place(c, n, place);
	return 0;
}

static int
read_records(struct capslog *c, struct span all, struct err *e)
{
	uint64_t skipped = 0;

	c->end = HEADER;
	for (size_t at = HEADER; at < all.n;) {
		struct span key;
		struct cap_entry v;
		size_t n = record_read(span_sub(all, at, all.n), &key, &v);

		if (n > 0 && take_record(c, key, &v, e) == -1)
			return -1;
		if (n == 0) {
			size_t step = all.n - at < ALIGN ? all.n - at : ALIGN;

			skipped += step;
			at += step;
			continue;
		}
		at += n;
		c->end = at;
		c->damaged += skipped;
		skipped = 0;
	}
	c->cut = skipped;
	return 0;
}

/* What is cut off is so for good, or a record behind it would not be found by whom it stops. */
static int
read_all(struct capslog *c, struct err *e)
{
	struct buf text;
	int r;

	buf_init(&text, SIZE_MAX / 2);
	r = fileio_read(c->fd, &text, e);
	if (r == 0 && (text.n < HEADER || memcmp(text.p, header, HEADER) != 0))
		r = err_set(e, ERR_PERM, "5.3.5", "it is none of ours, or of another version");
	if (r == 0)
		r = read_records(c, buf_view(&text), e);
	buf_free(&text);
	if (r == 0 && c->cut > 0)
		c->distrusted = ftruncate(c->fd, (off_t)c->end) == -1;
	return r;
}

int
capslog_open(struct capslog *c, int dir_fd, const char *name, struct err *e)
{
	*c = (struct capslog){ .dir_fd = dir_fd };
	snprintf(c->name, sizeof c->name, "%s", name);
	c->fd = openat(dir_fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (c->fd == -1)
		return errno == ENOENT ? 0 : err_sys(e, "%s", name);
	if (read_all(c, e) == 0)
		return 0;
	capslog_close(c);
	return err_in(e, "%s", name);
}

void
capslog_close(struct capslog *c)
{
	drop_all(c);
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
}

/* --- changes --- */

/* A cap_entry that says what is known anyway need not be written. */
static bool
is_known(const struct capslog_node *old, const struct cap_entry *v)
{
	if (old == NULL)
		return v->state == CAP_NONE;
	return old->state == v->state && old->ttl_s == 0 && v->ttl_s == 0 && span_eq(node_text(old), v->text);
}

static int
has_room(struct capslog *c, const struct capslog_node *old, uint64_t size, uint32_t max, struct err *e)
{
	uint64_t others = c->live - (old == NULL ? 0 : node_size(old));

	if (old == NULL && c->n >= max)
		return err_set(e, ERR_TEMP, "4.3.1", "there is no room for more entries (setting capsmax)");
	if (others + size > CAPSLOG_OCTETS)
		return err_set(e, ERR_TEMP, "4.3.1", "there is no room for more entries");
	return 0;
}

/* A node is in the tree before its record is written, so that nothing can fail behind that. */
static int
put_node(struct capslog *c, struct span key, const struct cap_entry *v, struct span record, struct err *e)
{
	struct capslog_node *n = node_make(key, v, e), **place;

	if (n == NULL)
		return -1;
	if ((place = tsearch(n, &c->tree, node_order)) == NULL) {
		free(n);
		return err_sys(e, "%s", c->name);
	}
	if (append(c, record, e) == 0) {
		node_take_place(c, n, place);
		return 0;
	}
	if (*place == n)
		tdelete(n, &c->tree, node_order);
	free(n);
	return -1;
}

static int
put_record(struct capslog *c, struct span key, const struct cap_entry *v, uint32_t max, struct err *e)
{
	struct capslog_node *old = node_find(c, v->source, key);
	struct buf record;
	int r;

	if (v->state != CAP_NONE && has_room(c, old, record_size(key.n, v->text.n), max, e) == -1)
		return -1;
	buf_init(&record, RECORD + CAPSLOG_KEY + CAPSLOG_TEXT + ALIGN);
	r = record_add(&record, key, v, e);
	if (r == 0 && v->state != CAP_NONE)
		r = put_node(c, key, v, buf_view(&record), e);
	else if (r == 0 && (r = append(c, buf_view(&record), e)) == 0 && old != NULL)
		node_drop(c, old);
	buf_free(&record);
	return r;
}

int
capslog_put(struct capslog *c, struct span key, const struct cap_entry *v, uint32_t max, struct err *e)
{
	if (key.n == 0 || key.n > CAPSLOG_KEY || v->text.n > CAPSLOG_TEXT)
		return err_set(e, ERR_PERM, "5.3.4", "an entry that is too long");
	if (is_known(node_find(c, v->source, key), v))
		return 0;
	if (c->n >= max || c->live > CAPSLOG_OCTETS / 2)
		drop_over(c, v->since_s);
	return make_ready(c, v->since_s, e) == -1 ? -1 : put_record(c, key, v, max, e);
}

int
capslog_purge(struct capslog *c, struct err *e)
{
	if (c->fd == -1)
		return 0;
	if (write_anew(c, NULL, e) == -1)
		return -1;
	drop_all(c);
	return 0;
}

int
capslog_get(const struct capslog *c, enum cap_source source, struct span key, uint64_t now_s,
    struct cap_entry *out)
{
	const struct capslog_node *n = node_find(c, source, key);

	if (n == NULL || node_over(n, now_s))
		return 0;
	*out = (struct cap_entry){ (enum cap_source)n->source, (enum cap_state)n->state, node_text(n),
	    n->since_s, n->ttl_s };
	return 1;
}

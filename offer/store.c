/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "offer/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cur.h"
#include "lib/fileio.h"
#include "lib/log.h"
#include "lib/qfile.h"

static const char magic[8] = "accord1o", beside[] = "new";
enum { RECORD_TEXT = 1700, STORE_NAME = TAG_TEXT };
_Static_assert(RECORD_TEXT >= TAG_TEXT + 2 * (ADDRESS_MAX + 1) && RECORD_TEXT + 64 <= STORE_RECORD, "room");

bool
offer_tag_ok(struct span tag)
{
	if (tag.n < 16 || tag.n >= TAG_TEXT)
		return false;
	for (size_t i = 0; i < tag.n; i++)
		if (!ascii_digit(tag.p[i]) && (tag.p[i] < 'a' || tag.p[i] > 'v'))
			return false;
	return true;
}

/* --- the record: magic, state, lengths, texts with their NULs; its checksum in the last four octets --- */

static void
put_u64(unsigned char *at, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		at[i] = (unsigned char)(v >> 8 * i);
}

void
offer_encode(const struct offer *o, unsigned char out[STORE_RECORD])
{
	const char *const text[] = { o->tag, o->sender, o->rcpt };
	size_t at = 32;
	uint32_t crc;

	memset(out, 0, STORE_RECORD);
	memcpy(out, magic, sizeof magic);
	out[8] = o->state;
	put_u64(out + 16, o->msg_len);
	put_u64(out + 24, o->until_s);
	for (int i = 0; i < 3; i++) {
		size_t n = strlen(text[i]) + 1;

		memcpy(out + at, text[i], n);
		at += n;
	}
	crc = crc32c(0, out, STORE_RECORD - 4);
	for (int i = 0; i < 4; i++)
		out[STORE_RECORD - 4 + i] = (unsigned char)(crc >> 8 * i);
}

/* The next text of at most cap octets with its NUL. */
static bool
take_text(struct cur *c, char *out, size_t cap)
{
	size_t i = 0;
	int o;

	while ((o = cur_byte(c)) > 0 && i < cap - 1)
		out[i++] = (char)o;
	out[i] = '\0';
	return o == 0 && i > 0;
}

int
offer_decode(const unsigned char in[STORE_RECORD], struct offer *o, struct err *e)
{
	struct cur c = cur_of(span_of(in, STORE_RECORD - 4)), end = cur_of(span_of(in + STORE_RECORD - 4, 4));
	struct err ignored;

	*o = (struct offer){ .state = in[8] };
	cur_skip(&c, 16);
	o->msg_len = cur_u64le(&c);
	o->until_s = cur_u64le(&c);
	if (cur_u32le(&end) != crc32c(0, in, STORE_RECORD - 4) || memcmp(in, magic, sizeof magic) != 0 ||
	    o->state >= OFFER_STATES || !take_text(&c, o->tag, sizeof o->tag) ||
	    !take_text(&c, o->sender, sizeof o->sender) || !take_text(&c, o->rcpt, sizeof o->rcpt) ||
	    !offer_tag_ok(span_str(o->tag)) || address_check(span_str(o->sender), &ignored) == -1 ||
	    address_check(span_str(o->rcpt), &ignored) == -1)
		return err_set(e, ERR_PERM, "5.3.5", "no record of an offer");
	return 0;
}

/* --- files --- */

/* The record of an open file, whose lengths fit each other. */
static int
record_read(int fd, const char *name, struct offer *o, struct err *e)
{
	unsigned char raw[STORE_RECORD];
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(e, "offer");
	if (!S_ISREG(st.st_mode) || st.st_size < STORE_RECORD)
		return err_set(e, ERR_PERM, "5.3.5", "no offer");
	if (pread(fd, raw, sizeof raw, st.st_size - STORE_RECORD) != (ssize_t)sizeof raw)
		return err_sys(e, "offer");
	if (offer_decode(raw, o, e) == -1)
		return -1;
	if (o->msg_len != (uint64_t)st.st_size - STORE_RECORD || strcmp(o->tag, name) != 0 ||
	    (o->state == OFFER_KEPT) != (o->msg_len > 0))
		return err_set(e, ERR_PERM, "5.3.5", "an offer of other octets");
	return 0;
}

int
store_get(const struct store *s, struct span tag, struct offer *o, int *fd, struct err *e)
{
	char name[STORE_NAME];

	*fd = -1;
	if (!offer_tag_ok(tag))
		return 0;
	span_text(tag, name, sizeof name);
	*fd = openat(s->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd == -1)
		return errno == ENOENT ? 0 : err_sys(e, "offer");
	if (record_read(*fd, name, o, e) == 0) {
		if (o->state == OFFER_KEPT)
			return 1;
		close(*fd);
		*fd = -1;
		return 1;
	}
	close(*fd);
	*fd = -1;
	return e->kind == ERR_PERM ? 0 : -1;
}

/* Message and record, on the disk, in place of whatever has that name. */
static int
file_put(const struct store *s, const struct offer *o, struct span message, struct err *e)
{
	unsigned char raw[STORE_RECORD];
	int fd = openat(s->dir, beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600), r;

	if (fd == -1)
		return err_sys(e, "offer");
	offer_encode(o, raw);
	r = fileio_write(fd, message, e);
	if (r == 0)
		r = fileio_write(fd, span_of(raw, sizeof raw), e);
	if (r == 0 && fsync(fd) == -1)
		r = err_sys(e, "offer");
	close(fd);
	if (r == 0 && (renameat(s->dir, beside, s->dir, o->tag) == -1 || fsync(s->dir) == -1))
		r = err_sys(e, "offer");
	if (r == -1)
		(void)unlinkat(s->dir, beside, 0);
	return r;
}

int
store_put(struct store *s, const struct offer *o, struct span message, uint64_t max, struct err *e)
{
	struct stat st;

	if (message.n > max || s->octets > max - message.n || s->n >= STORE_OFFERS)
		return err_set(e, ERR_TEMP, "4.3.1", "%u messages are kept for offers already, or they are too "
		    "large", s->n);
	if (fstatat(s->dir, o->tag, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(e, ERR_PERM, "5.5.4", "there is an offer of that name");
	if (file_put(s, o, message, e) == -1)
		return -1;
	s->octets += message.n;
	s->n++;
	return 0;
}

int
store_end(struct store *s, const struct offer *o, struct err *e)
{
	struct offer left = *o;

	left.msg_len = 0;
	if (file_put(s, &left, span_of(NULL, 0), e) == -1)
		return -1;
	s->octets -= o->msg_len < s->octets ? o->msg_len : s->octets;
	return 0;
}

/* --- all of them --- */

static int
store_each(struct store *s, void (*f)(struct store *, const struct offer *, void *), void *arg, struct err *e)
{
	int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), file;
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *en;
	struct offer o;
	struct err why;

	if (d == NULL) {
		err_sys(e, "offers");
		if (fd != -1)
			close(fd);
		return -1;
	}
	while ((en = readdir(d)) != NULL) {
		int got;

		if (!offer_tag_ok(span_str(en->d_name)))
			continue;
		got = store_get(s, span_str(en->d_name), &o, &file, &why);
		if (file != -1)
			close(file);
		if (got == 1)
			f(s, &o, arg);
		else
			log_line(LOG_WARN, NULL, "offer-damaged", "tag=%s", log_q(en->d_name));
	}
	closedir(d);
	return 0;
}

static void
count_one(struct store *s, const struct offer *o, void *arg)
{
	(void)arg;
	s->octets += o->msg_len;
	s->n++;
}

int
store_open(struct store *s, int dir, struct err *e)
{
	*s = (struct store){ .dir = dir };
	if (unlinkat(dir, beside, 0) == -1 && errno != ENOENT)
		return err_sys(e, "offers");
	return store_each(s, count_one, NULL, e);
}

static void
sweep_one(struct store *s, const struct offer *o, void *arg)
{
	uint64_t now_s = *(const uint64_t *)arg;
	struct offer gone = *o;
	struct err e;

	gone.state = OFFER_GONE;
	if (o->until_s < UINT64_MAX - STORE_TOLD_S && now_s >= o->until_s + STORE_TOLD_S) {
		if (unlinkat(s->dir, o->tag, 0) == 0) {
			s->octets -= o->msg_len < s->octets ? o->msg_len : s->octets;
			s->n -= s->n > 0;
		}
	} else if (o->state == OFFER_KEPT && now_s >= o->until_s && store_end(s, &gone, &e) == -1) {
		log_line(LOG_WARN, NULL, "offer-stays", "tag=%s why=%s", log_q(o->tag), log_q(e.what));
	}
}

void
store_sweep(struct store *s, uint64_t now_s)
{
	struct err e;

	if (store_each(s, sweep_one, &now_s, &e) == -1)
		log_line(LOG_WARN, NULL, "offer-stays", "tag=\"\" why=%s", log_q(e.what));
}

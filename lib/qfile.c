/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/qfile.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cur.h"

/*
 * Footer, little-endian: magic 8, version 4, recipients 4, message length 8, envelope length 4,
 * message CRC 4, envelope CRC 4, zeros 24, CRC of what precedes 4.
 * Slot: state 1, conneg tries 1, attempts 2, code 2, flags 2, last 8, next 8, dsn 12, text 80,
 * dead destination 4, released 4, CRC of the slot's number and what precedes 4.
 */
enum {
	FOOTER_CRC_AT = QFILE_FOOTER - 4, SLOT_CRC_AT = QFILE_SLOT - 4,
	SLOT_DEAD_AT = 116, SLOT_SINCE_AT = 120,
	QFILE_ALIGN = 512
};
static const char qfile_magic[8] = "accordQ";

static void
put_le(unsigned char *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

static uint32_t
slot_crc(uint32_t i, const unsigned char raw[QFILE_SLOT])
{
	unsigned char number[4];

	put_le(number, i, 4);
	return crc32c(crc32c(0, number, sizeof number), raw, SLOT_CRC_AT);
}

static void
slot_encode(uint32_t i, const struct slot *s, unsigned char raw[QFILE_SLOT])
{
	memset(raw, 0, QFILE_SLOT);
	raw[0] = s->state;
	raw[1] = s->conneg_tries;
	put_le(raw + 2, s->attempts, 2);
	put_le(raw + 4, s->code, 2);
	put_le(raw + 6, s->flags, 2);
	put_le(raw + 8, s->last_us, 8);
	put_le(raw + 16, s->next_us, 8);
	memcpy(raw + 24, s->dsn, sizeof s->dsn);
	memcpy(raw + 36, s->text, sizeof s->text);
	put_le(raw + SLOT_DEAD_AT, s->dead, 4);
	put_le(raw + SLOT_SINCE_AT, s->since_s, 4);
	put_le(raw + SLOT_CRC_AT, slot_crc(i, raw), 4);
}

static void
slot_decode(uint32_t i, const unsigned char raw[QFILE_SLOT], struct slot *s)
{
	struct cur c = cur_of(span_of(raw, QFILE_SLOT));

	*s = (struct slot){ .state = SLOT_QUEUED };
	cur_skip(&c, SLOT_CRC_AT);
	if (cur_u32le(&c) != slot_crc(i, raw) || raw[0] >= SLOT_STATES)
		return;
	c = cur_of(span_of(raw, QFILE_SLOT));
	s->state = (uint8_t)cur_byte(&c);
	s->conneg_tries = (uint8_t)cur_byte(&c);
	s->attempts = cur_u16le(&c);
	s->code = cur_u16le(&c);
	s->flags = cur_u16le(&c);
	s->last_us = cur_u64le(&c);
	s->next_us = cur_u64le(&c);
	span_text(span_of(raw + 24, strnlen((const char *)raw + 24, sizeof s->dsn)), s->dsn,
	    sizeof s->dsn);
	span_text(span_of(raw + 36, strnlen((const char *)raw + 36, sizeof s->text)), s->text,
	    sizeof s->text);
	c = cur_of(span_of(raw + SLOT_DEAD_AT, 4));
	s->dead = cur_u32le(&c);
	c = cur_of(span_of(raw + SLOT_SINCE_AT, 4));
	s->since_s = cur_u32le(&c);
}

uint32_t
qfile_dest(const char *name)
{
	uint32_t sum = crc32c(0, name, strlen(name));

	return sum != 0 ? sum : 1;
}

static void
footer_encode(const struct qfile *q, unsigned char raw[QFILE_FOOTER])
{
	memset(raw, 0, QFILE_FOOTER);
	memcpy(raw, qfile_magic, sizeof qfile_magic);
	put_le(raw + 8, QFILE_VERSION, 4);
	put_le(raw + 12, q->nslot, 4);
	put_le(raw + 16, q->msg_len, 8);
	put_le(raw + 24, q->env_len, 4);
	put_le(raw + 28, q->msg_crc, 4);
	put_le(raw + 32, q->env_crc, 4);
	put_le(raw + FOOTER_CRC_AT, crc32c(0, raw, FOOTER_CRC_AT), 4);
}

/* Where things are, from the lengths. */
static void
qfile_place(struct qfile *q)
{
	q->env_off = q->msg_len;
	q->slots_off = (q->env_off + q->env_len + QFILE_ALIGN - 1) / QFILE_ALIGN * QFILE_ALIGN;
	q->file_len = q->slots_off + (uint64_t)q->nslot * QFILE_SLOT + QFILE_FOOTER;
}

static bool
qfile_limits_ok(const struct qfile *q)
{
	return q->msg_len <= QFILE_MAX_MSG && q->env_len <= ENV_MAX && q->nslot > 0 &&
	    q->nslot <= ENV_MAX_RCPT;
}

static int
write_all(int fd, const unsigned char *p, size_t n, uint64_t off, struct err *e)
{
	while (n > 0) {
		ssize_t r = pwrite(fd, p, n, (off_t)off);

		if (r == -1 && errno == EINTR)
			continue;
		if (r == 0)
			errno = EIO;
		if (r <= 0)
			return err_sys(e, "queue file: write");
		p += r;
		n -= (size_t)r;
		off += (uint64_t)r;
	}
	return 0;
}

/* n octets exactly: 0.  -1: ERR_TEMP, or ERR_PERM where the file ends before. */
static int
read_all(int fd, void *to, size_t n, uint64_t off, struct err *e)
{
	unsigned char *p = to;

	while (n > 0) {
		ssize_t r = pread(fd, p, n, (off_t)off);

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return err_sys(e, "queue file: read");
		if (r == 0)
			return err_set(e, ERR_PERM, "5.3.5", "queue file: cut short");
		p += r;
		n -= (size_t)r;
		off += (uint64_t)r;
	}
	return 0;
}

int
qfile_finish(int fd, uint64_t msg_len, uint32_t msg_crc, struct span block, uint32_t nrcpt,
    struct qfile *q, struct err *e)
{
	unsigned char small[4096], *tail = small;
	size_t n;
	int r;

	*q = (struct qfile){ .msg_len = msg_len, .env_len = (uint32_t)block.n, .nslot = nrcpt,
	    .msg_crc = msg_crc };
	if (block.n > ENV_MAX || !qfile_limits_ok(q))
		return err_set(e, ERR_PERM, "5.3.4", "queue file: over a limit");
	qfile_place(q);
	n = (size_t)(q->file_len - q->env_off);
	if (n > sizeof small && (tail = malloc(n)) == NULL)
		return err_sys(e, "queue file");
	memcpy(tail, block.p, block.n);
	memset(tail + block.n, 0, (size_t)(q->slots_off - q->env_off) - block.n);
	for (uint32_t i = 0; i < nrcpt; i++)
		slot_encode(i, &(struct slot){ .state = SLOT_QUEUED },
		    tail + (q->slots_off - q->env_off) + (size_t)i * QFILE_SLOT);
	q->env_crc = crc32c(0, block.p, block.n);
	footer_encode(q, tail + n - QFILE_FOOTER);
	r = write_all(fd, tail, n, q->env_off, e);
	if (tail != small)
		free(tail);
	return r;
}

static int
footer_decode(const unsigned char raw[QFILE_FOOTER], struct qfile *q, struct err *e)
{
	struct cur c = cur_of(span_of(raw, QFILE_FOOTER));
	struct span magic = cur_take(&c, sizeof qfile_magic);
	uint32_t version = cur_u32le(&c);

	if (!span_eq(magic, span_of(qfile_magic, sizeof qfile_magic)))
		return err_set(e, ERR_PERM, "5.3.5", "queue file: no footer");
	q->nslot = cur_u32le(&c);
	q->msg_len = cur_u64le(&c);
	q->env_len = cur_u32le(&c);
	q->msg_crc = cur_u32le(&c);
	q->env_crc = cur_u32le(&c);
	cur_skip(&c, 24);
	if (cur_u32le(&c) != crc32c(0, raw, FOOTER_CRC_AT))
		return err_set(e, ERR_PERM, "5.3.5", "queue file: wrong checksum of the footer");
	if (version != QFILE_VERSION)
		return err_set(e, ERR_PERM, "5.3.5", "queue file: version %u is not known", version);
	return 0;
}

/* What the footer of a file of so many octets says. */
static int
footer_check(const unsigned char raw[QFILE_FOOTER], uint64_t size, struct qfile *q, struct err *e)
{
	if (footer_decode(raw, q, e) == -1)
		return -1;
	if (!qfile_limits_ok(q))
		return err_set(e, ERR_PERM, "5.3.5", "queue file: lengths out of bounds");
	qfile_place(q);
	if (q->file_len != size)
		return err_set(e, ERR_PERM, "5.3.5", "queue file: lengths do not fit the file");
	return 0;
}

static int
qfile_size(int fd, uint64_t *size, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(e, "queue file");
	if (!S_ISREG(st.st_mode) || st.st_size < QFILE_FOOTER)
		return err_set(e, ERR_PERM, "5.3.5", "queue file: too short");
	*size = (uint64_t)st.st_size;
	return 0;
}

int
qfile_open(int fd, struct qfile *q, struct err *e)
{
	unsigned char raw[QFILE_FOOTER];
	uint64_t size;

	*q = (struct qfile){ .msg_len = 0 };
	if (qfile_size(fd, &size, e) == -1 ||
	    read_all(fd, raw, sizeof raw, size - QFILE_FOOTER, e) == -1)
		return -1;
	return footer_check(raw, size, q, e);
}

static int
envelope_check(const struct qfile *q, struct buf *store, struct envelope *env, struct err *e)
{
	if (crc32c(0, store->p, store->n) != q->env_crc)
		return err_set(e, ERR_PERM, "5.3.5", "queue file: wrong checksum of the envelope");
	if (envelope_decode(buf_view(store), env, e) == -1)
		return -1;
	if (env->nrcpt == q->nslot)
		return 0;
	envelope_free(env);
	return err_set(e, ERR_PERM, "5.3.5", "queue file: slots and recipients differ in number");
}

int
qfile_envelope(int fd, const struct qfile *q, struct buf *store, struct envelope *env,
    struct err *e)
{
	void *to;

	buf_clear(store);
	if ((to = buf_room(store, q->env_len, e)) == NULL ||
	    read_all(fd, to, q->env_len, q->env_off, e) == -1)
		return -1;
	store->n = q->env_len;
	return envelope_check(q, store, env, e);
}

int
qfile_slots(int fd, const struct qfile *q, struct slot **out, struct err *e)
{
	enum { GROUP = 32 };	/* slots read at once */
	unsigned char raw[GROUP * QFILE_SLOT];
	struct slot *s = malloc(q->nslot * sizeof *s);

	if (s == NULL)
		return err_sys(e, "queue file: slots");
	for (uint32_t i = 0; i < q->nslot; i += GROUP) {
		uint32_t n = q->nslot - i < GROUP ? q->nslot - i : GROUP;

		if (read_all(fd, raw, (size_t)n * QFILE_SLOT,
		    q->slots_off + (uint64_t)i * QFILE_SLOT, e) == -1) {
			free(s);
			return -1;
		}
		for (uint32_t k = 0; k < n; k++)
			slot_decode(i + k, raw + k * QFILE_SLOT, &s[i + k]);
	}
	*out = s;
	return 0;
}

/* tail: the file from the envelope's start. */
static int
tail_take(const unsigned char *tail, const struct qfile *q, struct buf *store, struct envelope *env,
    struct slot **slots, struct err *e)
{
	const unsigned char *raw = tail + (q->slots_off - q->env_off);
	struct slot *s;

	buf_clear(store);
	if (buf_add(store, span_of(tail, q->env_len), e) == -1 ||
	    envelope_check(q, store, env, e) == -1)
		return -1;
	if ((s = malloc(q->nslot * sizeof *s)) == NULL) {
		envelope_free(env);
		return err_sys(e, "queue file: slots");
	}
	for (uint32_t i = 0; i < q->nslot; i++)
		slot_decode(i, raw + (size_t)i * QFILE_SLOT, &s[i]);
	*slots = s;
	return 0;
}

int
qfile_load(int fd, struct qfile *q, struct buf *store, struct envelope *env, struct slot **slots,
    struct err *e)
{
	unsigned char raw[2048];
	uint64_t size;
	size_t n;

	*q = (struct qfile){ .msg_len = 0 };
	if (qfile_size(fd, &size, e) == -1)
		return -1;
	n = size < sizeof raw ? (size_t)size : sizeof raw;
	if (read_all(fd, raw, n, size - n, e) == -1 ||
	    footer_check(raw + n - QFILE_FOOTER, size, q, e) == -1)
		return -1;
	if (q->file_len - q->env_off <= n)
		return tail_take(raw + n - (size_t)(q->file_len - q->env_off), q, store, env, slots, e);
	if (qfile_envelope(fd, q, store, env, e) == -1)
		return -1;
	if (qfile_slots(fd, q, slots, e) == 0)
		return 0;
	envelope_free(env);
	return -1;
}

int
qfile_torn(int fd, const struct qfile *q, uint32_t *torn, struct err *e)
{
	*torn = 0;
	for (uint32_t i = 0; i < q->nslot; i++) {
		unsigned char raw[QFILE_SLOT];
		struct cur c;

		if (read_all(fd, raw, sizeof raw, q->slots_off + (uint64_t)i * QFILE_SLOT, e) == -1)
			return -1;
		c = cur_of(span_of(raw + SLOT_CRC_AT, 4));
		*torn += cur_u32le(&c) != slot_crc(i, raw) || raw[0] >= SLOT_STATES;
	}
	return 0;
}

int
qfile_message(int fd, const struct qfile *q, void *to, struct err *e)
{
	if (read_all(fd, to, (size_t)q->msg_len, 0, e) == -1)
		return -1;
	return crc32c(0, to, (size_t)q->msg_len) == q->msg_crc ? 0 :
	    err_set(e, ERR_PERM, "5.3.5", "the message's checksum is wrong");
}

int
qfile_mark(int fd, const struct qfile *q, uint32_t i, const struct slot *s, struct err *e)
{
	unsigned char raw[QFILE_SLOT];

	if (i >= q->nslot || s->state >= SLOT_STATES)
		return err_set(e, ERR_BUG, "5.3.5", "queue file: slot %u of %u", i, q->nslot);
	slot_encode(i, s, raw);
	return write_all(fd, raw, sizeof raw, q->slots_off + (uint64_t)i * QFILE_SLOT, e);
}

int
qfile_check(int fd, const struct qfile *q, struct err *e)
{
	enum { CHUNK = 65536 };
	unsigned char *chunk = malloc(CHUNK);
	uint32_t crc = 0;
	int r = 0;

	if (chunk == NULL)
		return err_sys(e, "queue file");
	for (uint64_t off = 0; r == 0 && off < q->msg_len; off += CHUNK) {
		size_t n = q->msg_len - off < CHUNK ? (size_t)(q->msg_len - off) : CHUNK;

		r = read_all(fd, chunk, n, off, e);
		if (r == 0)
			crc = crc32c(crc, chunk, n);
	}
	free(chunk);
	if (r == -1)
		return e->kind == ERR_PERM ? 0 : -1;
	return crc == q->msg_crc;
}

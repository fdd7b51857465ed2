/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/edit_note.h"

enum {
	NOTE_TYPE_MAX = 127,	/* octets of either half of a media type (RFC 6838, 4.2) */
	NOTE_MAX = 1000, DIGEST = 32
};

static const char note_head[] =
    "Content-Type: text/plain; charset=us-ascii\r\n"
    "\r\n"
    "Here was a part that this recipient's machine cannot use and that could not\r\n"
    "be converted.  It was left out, as the sender permits.\r\n"
    "\r\n"
    "Type: ";
static const char note_size[] = "\r\nSize: ", note_sha[] = " octets\r\nSHA-256: ";

/* RFC 2045, 5.1. */
static bool
token_char(int c)
{
	return c > 0x20 && c < 0x7f && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

static bool
type_ok(struct span type)
{
	size_t slash = span_find(type, '/');

	if (slash == 0 || slash > NOTE_TYPE_MAX || type.n < slash + 2 || type.n > slash + 1 + NOTE_TYPE_MAX)
		return false;
	for (size_t i = 0; i < type.n; i++)
		if (i != slash && !token_char(type.p[i]))
			return false;
	return true;
}

int
edit_note_add(struct span type, uint64_t octets, const unsigned char sha256[DIGEST], struct buf *out,
    struct err *e)
{
	if (!type_ok(type))
		type = span_str("application/octet-stream");
	if (buf_add_str(out, note_head, e) == -1 || buf_add(out, type, e) == -1 ||
	    buf_addf(out, e, "%s%llu%s", note_size, (unsigned long long)octets, note_sha) == -1)
		return -1;
	for (int i = 0; i < DIGEST; i++)
		if (buf_addf(out, e, "%02x", sha256[i]) == -1)
			return -1;
	return buf_add_str(out, "\r\n", e);
}

/* Takes what stands before `end` off *s, with end. */
static bool
take_until(struct span *s, const char *end, struct span *out)
{
	size_t n = strlen(end);
	const unsigned char *at = s->n == 0 ? NULL : memmem(s->p, s->n, end, n);

	if (at == NULL)
		return false;
	*out = span_sub(*s, 0, (size_t)(at - s->p));
	*s = span_sub(*s, out->n + n, s->n);
	return true;
}

static bool
digest_read(struct span hex, unsigned char digest[DIGEST])
{
	static const char digits[] = "0123456789abcdef";

	if (hex.n != 2 * DIGEST)
		return false;
	for (size_t i = 0; i < hex.n; i++) {
		const char *d = hex.p[i] == '\0' ? NULL : strchr(digits, hex.p[i]);

		if (d == NULL)
			return false;
		digest[i / 2] = (unsigned char)(digest[i / 2] << 4 | (d - digits));
	}
	return true;
}

/* What it says is read, and written anew: that must be it. */
bool
edit_note_ok(struct span text)
{
	struct span rest = text, head, type, size, sha;
	unsigned char digest[DIGEST] = { 0 };
	uint64_t octets;
	struct buf b;
	struct err e;
	bool ok;

	if (!take_until(&rest, note_head, &head) || !take_until(&rest, note_size, &type) ||
	    !take_until(&rest, note_sha, &size) || !take_until(&rest, "\r\n", &sha) ||
	    !type_ok(type) || !span_u64(size, UINT64_MAX, &octets) || !digest_read(sha, digest))
		return false;
	buf_init(&b, NOTE_MAX);
	ok = edit_note_add(type, octets, digest, &b, &e) == 0 && span_eq(buf_view(&b), text);
	buf_free(&b);
	return ok;
}

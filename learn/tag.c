/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "learn/tag.h"

#include "lib/address.h"
#include "lib/sha256.h"

enum {
	TIME = 4, RCPT = 4, MAC = 16,
	HEAD = TIME + TAG_CHANCE,
	TAG_OCTETS = HEAD + TAG_RCPTS * RCPT + MAC,
	KEYED = 1024			/* octets of what a MAC is made over */
};
_Static_assert(TAG_OCTETS * 8 / 5 + 1 < TAG_TEXT, "a tag and its NUL");
_Static_assert(TAG_OCTETS * 8 / 5 + 1 <= 100, "ENVID: RFC 3461, 4.4");

static const char digits[] = "0123456789abcdefghijklmnopqrstuv";

/* The first n octets of the MAC over what it is for and two spans. */
static int
mac(const unsigned char key[TAG_KEY], const char *use, struct span a, struct span b, unsigned char *out,
    size_t n, struct err *e)
{
	unsigned char digest[SHA256_DIGEST];
	struct buf text;
	int r;

	buf_init(&text, KEYED);
	r = buf_add_str(&text, use, e);
	if (r == 0)
		r = buf_add_byte(&text, '\0', e);
	if (r == 0)
		r = buf_add(&text, a, e);
	if (r == 0)
		r = buf_add(&text, b, e);
	if (r == 0) {
		hmac_sha256(span_of(key, TAG_KEY), buf_view(&text), digest);
		memcpy(out, digest, n);
	}
	buf_free(&text);
	return r;
}

/* head: the tag's first octets, so that the same recipient is another one in each tag. */
static int
mac_rcpt(const unsigned char key[TAG_KEY], const unsigned char *head, struct span addr, unsigned char *out,
    struct err *e)
{
	struct buf name;
	int r;

	buf_init(&name, ADDRESS_MAX + 64);
	r = address_key(addr, &name, e);
	if (r == 0)
		r = mac(key, "accord recipient 1", span_of(head, HEAD), buf_view(&name), out, RCPT, e);
	buf_free(&name);
	return r;
}

static int
mac_tag(const unsigned char key[TAG_KEY], struct span in, unsigned char *out, struct err *e)
{
	return mac(key, "accord tag 1", in, span_of(NULL, 0), out, MAC, e);
}

static void
print32(struct span in, char *out)
{
	uint32_t bits = 0, have = 0;

	for (size_t i = 0; i < in.n; i++) {
		bits = bits << 8 | in.p[i];
		for (have += 8; have >= 5; have -= 5)
			*out++ = digits[bits >> (have - 5) & 31];
	}
	if (have > 0)
		*out++ = digits[bits << (5 - have) & 31];
	*out = '\0';
}

/* Octets; 0: it is none, or has bits that print32 does not write. */
static size_t
read32(struct span in, unsigned char *out, size_t max)
{
	uint32_t bits = 0, have = 0;
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		const char *at = in.p[i] == '\0' ? NULL : strchr(digits, in.p[i]);

		if (at == NULL)
			return 0;
		bits = bits << 5 | (uint32_t)(at - digits);
		have += 5;
		if (have < 8)
			continue;
		if (n == max)
			return 0;
		have -= 8;
		out[n++] = (unsigned char)(bits >> have);
	}
	return have >= 5 || (bits & ((1u << have) - 1)) != 0 ? 0 : n;
}

int
tag_make(const unsigned char key[TAG_KEY], const struct span *addr, uint32_t n, uint64_t now_s,
    const unsigned char chance[TAG_CHANCE], char out[TAG_TEXT], struct err *e)
{
	unsigned char tag[TAG_OCTETS];
	size_t at = HEAD;

	if (n == 0 || n > TAG_RCPTS)
		return err_set(e, ERR_PERM, "5.5.3", "a tag for %u recipients", n);
	for (int i = 0; i < TIME; i++)
		tag[i] = (unsigned char)(now_s >> (24 - 8 * i));
	memcpy(tag + TIME, chance, TAG_CHANCE);
	for (uint32_t i = 0; i < n; i++, at += RCPT)
		if (mac_rcpt(key, tag, addr[i], tag + at, e) == -1)
			return -1;
	if (mac_tag(key, span_of(tag, at), tag + at, e) == -1)
		return -1;
	print32(span_of(tag, at + MAC), out);
	return 0;
}

static int
no_tag(struct err *e)
{
	return err_set(e, ERR_PERM, "5.7.1", "it is not about a message that was issued here");
}

/* -1: it is none of ours.  0: *n octets before the MAC. */
static int
tag_read(const unsigned char key[TAG_KEY], struct span text, unsigned char tag[TAG_OCTETS], size_t *n,
    struct err *e)
{
	unsigned char want[MAC];
	size_t all = read32(text, tag, TAG_OCTETS);

	if (all < HEAD + RCPT + MAC || (all - HEAD - MAC) % RCPT != 0)
		return no_tag(e);
	*n = all - MAC;
	if (mac_tag(key, span_of(tag, *n), want, e) == -1)
		return -1;
	return sha256_same(want, tag + *n, MAC) ? 0 : no_tag(e);
}

int
tag_check(const unsigned char key[TAG_KEY], struct span text, struct span addr, uint64_t now_s, struct err *e)
{
	unsigned char tag[TAG_OCTETS], want[RCPT];
	uint64_t then_s = 0;
	bool bound = false;
	size_t n = 0;

	if (tag_read(key, text, tag, &n, e) == -1)
		return -1;
	for (int i = 0; i < TIME; i++)
		then_s = then_s << 8 | tag[i];
	if (then_s > now_s + TAG_AHEAD_S || now_s > then_s + TAG_AGE_S)
		return err_set(e, ERR_PERM, "5.7.1", "it comes too long after the message");
	if (mac_rcpt(key, tag, addr, want, e) == -1)
		return -1;
	for (size_t at = HEAD; at < n; at += RCPT)
		bound |= sha256_same(want, tag + at, RCPT);
	return bound ? 0 : err_set(e, ERR_PERM, "5.7.1", "it is about somebody who was no recipient of the message");
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * The record of an offer: what is read of any octets is a tag that names a file and two mailboxes, and
 * written again it is read as the same.  Input: the record; its checksum is put right, so that what is
 * behind it is reached.
 */
#include "offer/store.h"

#include <assert.h>

#include "lib/qfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	unsigned char raw[STORE_RECORD] = { 0 }, again[STORE_RECORD];
	struct offer o, back;
	struct err e = { 0 };
	uint32_t crc;

	memcpy(raw, p, n < STORE_RECORD - 4 ? n : STORE_RECORD - 4);
	crc = crc32c(0, raw, STORE_RECORD - 4);
	for (int i = 0; i < 4; i++)
		raw[STORE_RECORD - 4 + i] = (unsigned char)(crc >> 8 * i);
	if (offer_decode(raw, &o, &e) == -1) {
		assert(e.kind == ERR_PERM);
		return 0;
	}
	assert(strlen(o.tag) >= 16 && strspn(o.tag, "0123456789abcdefghijklmnopqrstuv") == strlen(o.tag));
	assert(o.state < OFFER_STATES);
	assert(address_check(span_str(o.sender), &e) == 0 && address_check(span_str(o.rcpt), &e) == 0);
	offer_encode(&o, again);
	assert(offer_decode(again, &back, &e) == 0);
	assert(strcmp(o.tag, back.tag) == 0 && strcmp(o.sender, back.sender) == 0 && strcmp(o.rcpt, back.rcpt) == 0);
	assert(o.msg_len == back.msg_len && o.until_s == back.until_s && o.state == back.state);
	return 0;
}

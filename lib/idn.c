/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/idn.h"

#include <idn2.h>

#include "lib/address.h"

/* libidn2 compares nothing and reads no file here: its tables are part of it. */
static int
idn_domain(struct span domain, const char *dsn, struct buf *out, struct err *e)
{
	uint8_t text[ADDRESS_MAX_DOMAIN + 1], *ascii = NULL;
	int r = IDN2_TOO_BIG_DOMAIN, done;

	if (domain.n < sizeof text) {
		memcpy(text, domain.p, domain.n);
		text[domain.n] = '\0';
		r = idn2_lookup_u8(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	}
	if (r == IDN2_MALLOC)
		return err_set(e, ERR_TEMP, "4.3.0", "no memory");
	if (r != IDN2_OK || !address_is_domain(span_str((char *)ascii))) {
		idn2_free(ascii);
		return err_set(e, ERR_PERM, dsn, "bad address: no domain by IDNA");
	}
	done = buf_add_str(out, (char *)ascii, e);
	idn2_free(ascii);
	return done;
}

int
idn_address(struct span addr, const char *dsn, struct buf *out, struct err *e)
{
	struct span domain = address_domain(addr);
	size_t start = out->n;

	if (buf_add(out, span_sub(addr, 0, addr.n - domain.n), e) == -1 ||
	    (address_ascii(domain) ? buf_add(out, domain, e) : idn_domain(domain, dsn, out, e)) == -1) {
		out->n = start;
		return -1;
	}
	return 0;
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/edit_recode.h - the part of edit_check_transfer that judges changed transfer encodings.  No
 * MIME structure is read and none needs to be believed: octets that were encoded are decoded and
 * compared with what they stand for, and their field stands among the lines right before them.  So
 * whoever wrote the list can drop, add or alter no octet of content, only spell it otherwise; but
 * which octets are a part, and whether that part is signed, is the writer's word (convertd/downgrade.h).
 */
#ifndef LIB_EDIT_RECODE_H
#define LIB_EDIT_RECODE_H

#include "lib/edit.h"
#include "lib/transfer.h"

/* Fields that may stand before Content-Transfer-Encoding, in this order; the second only for a
 * message that has no MIME at all (RFC 1428, 3). */
#define RECODE_VERSION "MIME-Version: 1.0\r\n"
#define RECODE_TYPE "Content-Type: text/plain; charset=unknown-8bit\r\n"
#define RECODE_FIELD "Content-Transfer-Encoding: "

struct recode {
	struct span message, text;
	enum transfer pending;	/* TRANSFER_QP, TRANSFER_BASE64: the body must come next */
	uint64_t after;		/* the field: copying goes on here */
};

/*
 * Does the message end within a quoted-printable body, in a line without end?  DATA ends each line, and that
 * end would be content: *at is where a "=" says that it is none (RFC 2045, 6.7 (5)), before white space at
 * the end, which is none either (6.7 (3)).
 */
bool recode_open_end(struct span message, uint64_t *at);

/* One gap: octets from, to of the message are left out and d stands there.  -1: ERR_PROTO. */
int recode_gap(struct recode *r, uint64_t from, uint64_t to, const struct edit *d, struct err *e);

/* No field is without its body.  -1: ERR_PROTO. */
int recode_done(const struct recode *r, struct err *e);

/* The result: no NUL, CR and LF only together; to 7 bits: nothing over 127.  -1: ERR_PROTO. */
int recode_result(const struct edit_list *l, struct span message, enum edit_transfer to,
    struct err *e);

#endif

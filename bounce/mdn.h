/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * bounce/mdn.h - a message disposition notification as text: multipart/report (RFC 6522) with
 * message/disposition-notification (RFC 8098), in the two cases of RFC 3297 in which final delivery itself
 * answers: another form is asked for (6.2), and none is left (6.4).  Pure.
 */
#ifndef BOUNCE_MDN_H
#define BOUNCE_MDN_H

#include "bounce/report.h"

/* r as for report_build; its records are one, with a flag of RESULT_DISPOSED, and r->to is the envelope's
 * sender. */

/*
 * May it be told?  Only whom the header asks to tell, if that is the sender of the envelope (RFC 8098,
 * 2.1); of a recipient who is named in the header (RFC 3297, 3.2.3) and whose address needs no SMTPUTF8;
 * and asking for another form, only with what the machine takes, to the letter.
 */
bool mdn_due(const struct report *r);

/* 1: *t is it, all in t->head; 0: mdn_due says no.  -1: ERR_TEMP memory, ERR_PERM REPORT_MAX.
 * report_text_free in every case. */
int mdn_build(const struct report *r, struct report_text *t, struct err *e);

#endif

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* tests/unit/learn/letter.h - reports, as others write them. */
#ifndef TESTS_UNIT_LEARN_LETTER_H
#define TESTS_UNIT_LEARN_LETTER_H

#define REPORT(type, body) "From: a@b\r\nContent-Type: multipart/report; report-type=" type "; boundary=x\r\n\r\n" \
	"--x\r\n\r\nwords\r\n--x\r\nContent-Type: message/" type "\r\n\r\n" body "\r\n--x--\r\n"
#define DSN(mta, body) REPORT("delivery-status", "Original-Envelope-Id: TAG\r\nReporting-MTA: dns; " mta "\r\n\r\n" body)
#define RCPT(addr, features) "Final-Recipient: rfc822; " addr "\r\nAction: failed\r\nStatus: 5.6.1\r\n" \
	"Media-Accept-Features: " features "\r\n"
#define MDN(id, modifier) REPORT("disposition-notification", "Original-Message-ID: " id "\r\n" \
	"Disposition: automatic-action/MDN-sent-automatically; deleted" modifier "\r\n" RCPT("a@x.example", "(dpi=200)"))

#endif

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "offer/letter.h"

#include "lib/clock.h"

int
letter_again(const struct letter *l, struct buf *out, struct err *e)
{
	char date[40];

	clock_rfc5322(l->now_us, date, sizeof date);
	return buf_addf(out, e, "Received: by %s (accord, in another form)\r\n\tid %s; %s\r\nDate: %s\r\n"
	    "Message-ID: <%s@%s>\r\nOriginal-Message-ID: <%s@%s>\r\nDisposition-Notification-To: <%s>\r\n",
	    l->me, l->id, date, date, l->token, l->me, l->offer->tag, l->me, l->offer->sender);
}

int
letter_refusal(const struct letter *l, const char *why, struct buf *out, struct err *e)
{
	if (letter_again(l, out, e) == -1)
		return -1;
	return buf_addf(out, e, "Disposition-Notification-Options: Alternative-not-available=required,(TRUE)\r\n"
	    "From: <%s>\r\nTo: <%s>\r\nSubject: No other form of a message\r\nAuto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
	    "Another form of a message was asked for, and there is none:\r\n%.200s.\r\n"
	    "The message was <%s@%s>.\r\n"
	    "If it is not in the mailbox, please ask its sender to send it again.\r\n", l->offer->sender,
	    l->offer->rcpt, why, l->offer->tag, l->me);
}

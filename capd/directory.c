/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "capd/directory.h"

#include "lib/address.h"
#include "lib/confline.h"
#include "lib/log.h"

void
directory_take(struct directory *d, const struct capsdb *db)
{
	if (d->have_db)
		capsdb_close(&d->db);
	d->have_db = db != NULL;
	if (db != NULL)
		d->db = *db;
}

int
directory_replace(struct directory *d, int caps_fd, struct err *e)
{
	struct capsdb db;

	if (capsdb_open(&db, caps_fd, e) == -1)
		return -1;
	directory_take(d, &db);
	return 0;
}

int
directory_open(struct directory *d, const struct conf *conf, int caps_fd, struct err *e)
{
	*d = (struct directory){ .conf = conf };
	return caps_fd == -1 ? 0 : directory_replace(d, caps_fd, e);
}

enum cap_state
directory_features(const struct directory *d, struct span addr, struct span *expression)
{
	struct err e = { 0 };
	bool any = false;
	int r;

	*expression = span_of(NULL, 0);
	if (!d->have_db)
		return CAP_NONE;
	r = capsdb_get(&d->db, addr, expression, &any, &e);
	if (r == -1) {
		log_line(LOG_ERR, NULL, "caps-unreadable", "why=%s", log_q(e.what));
		return CAP_TEMP;
	}
	return r == 0 ? CAP_NONE : any ? CAP_ANY : CAP_KNOWN;
}

int
directory_mailbox(const struct directory *d, struct span addr)
{
	const struct span *lines;
	uint32_t n = conf_lines(d->conf, CONF_MAILBOXES, &lines);
	struct span delivery;

	return mailbox_find(lines, n, addr, &delivery) == 1;
}

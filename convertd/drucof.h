/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * convertd/drucof.h - what becomes of one part under DRUCOF ("deliver recipient-usable content or fail"): a
 * table.  Pure.
 */
#ifndef CONVERTD_DRUCOF_H
#define CONVERTD_DRUCOF_H

#include "lib/contfield.h"

/* Of a part; of a multipart the highest of its parts. */
enum fate {
	FATE_FITS,
	FATE_KEPT,		/* it does not fit and goes as it is: it is not critical */
	FATE_CONVERTS,
	FATE_OMITTED,		/* a note is put in its place */
	FATE_EMPTY		/* so the message cannot be sent */
};

struct drucof_facts {
	bool fits;
	enum contfield_integrity integrity;
	bool critical;
	bool converts;		/* is there a form that is permitted, taken and can be made? */
};

struct drucof_row {
	signed char fits, integrity, critical, converts;	/* as in the facts; -1: any */
	enum fate fate;
	const char *dsn;	/* of FATE_EMPTY, else NULL */
};

/* The row that holds; there is one. */
const struct drucof_row *drucof_row(const struct drucof_facts *f);

#endif

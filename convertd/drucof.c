/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/drucof.h"

enum { NO, YES, ANY = -1 };

/* The integrity levels and the criticality are those of the DRUCOF proposal, 3. */
static const struct drucof_row rows[] = {
	/* fits integrity      critical converts */
	{ YES, ANY,               ANY, ANY, FATE_FITS, NULL },
	{ NO,  DRUCOF_PERMITTED,  ANY, YES, FATE_CONVERTS, NULL },
	{ NO,  DRUCOF_PERMITTED,  NO,  NO,  FATE_KEPT, NULL },
	{ NO,  DRUCOF_PERMITTED,  YES, NO,  FATE_EMPTY, "5.6.3" },
	{ NO,  DRUCOF_PROHIBITED, NO,  ANY, FATE_KEPT, NULL },
	{ NO,  DRUCOF_PROHIBITED, YES, ANY, FATE_EMPTY, "5.6.2" },
	{ NO,  DRUCOF_OMISSION,   ANY, YES, FATE_CONVERTS, NULL },
	{ NO,  DRUCOF_OMISSION,   ANY, NO,  FATE_OMITTED, NULL },
};

static bool
holds(signed char row, int fact)
{
	return row == ANY || row == fact;
}

const struct drucof_row *
drucof_row(const struct drucof_facts *f)
{
	const struct drucof_row *r = rows;

	while (!holds(r->fits, f->fits) || !holds(r->integrity, (int)f->integrity) ||
	    !holds(r->critical, f->critical) || !holds(r->converts, f->converts))
		r++;
	return r;
}

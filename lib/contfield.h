/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/contfield.h - the header fields of content negotiation: Content-Convert and Content-Previous
 * (RFC 4141, 7 and 8), Content-Converted (draft-ietf-fax-esmtp-conneg-04, 7), Content-Features (RFC 2912),
 * Content-Alternative (RFC 3297, 4), Content-DRUCOF, and RFC 3459's handling.  Pure.
 * All but the last two carry a filter of RFC 2533, which MIME's own parser would spoil: it begins with
 * what looks like a comment, and holds semicolons (";q=0.8") that part nothing.  So folds are undone, and
 * then the value is a filter as it stands: from it no comment is taken, and it is not split.
 */
#ifndef LIB_CONTFIELD_H
#define LIB_CONTFIELD_H

#include "lib/features.h"
#include "lib/mime.h"

enum contfield_permits {
	CONVERT_ABSENT,		/* no such field: no guidance, so nothing is permitted (RFC 4141, 7) */
	CONVERT_BAD,		/* two fields, or neither a word of its own nor a filter: nothing is */
	CONVERT_NONE,
	CONVERT_ANY,
	CONVERT_LIST		/* the final forms of a filter */
};
struct contfield_convert {
	enum contfield_permits kind;
	struct feat *set;	/* owned: what is permitted; NULL: nothing */
	struct buf text;	/* as the sender gave it, unfolded; "" if there is no field */
};

/* What the Content-Convert of one entity permits, for that entity alone.  -1: ERR_TEMP memory. */
int contfield_convert(struct span header, struct contfield_convert *out, struct err *e);
void contfield_convert_free(struct contfield_convert *c);

/*
 * Appends the filter of Content-Features, unfolded.  1; 0: there is none, it is no filter, or there are
 * several, of which in a simple part none is to be believed (RFC 2912, 3.2.1).  -1: ERR_TEMP.
 */
int contfield_features(struct span header, struct buf *out, struct err *e);

/*
 * Appends what a part is by its type alone, "(type=\"text/plain\")"; by application/octet-stream where its
 * own is no value of that feature (RFC 2913).  -1: ERR_TEMP.
 */
int contfield_type(const struct mime_part *p, struct buf *out, struct err *e);

/*
 * Appends the filter of the next Content-Alternative and takes it off *header.  What a field does not mention
 * is as in the content that is there (RFC 3297, 4); one that is no filter is passed over.
 * 1; 0: none is left; -1: ERR_TEMP.
 */
int contfield_alternative_next(struct span *header, struct buf *out, struct err *e);

/* A record of a conversion.  Its spans point into the store that was given, dead after its next buf_add. */
struct contfield_record {
	int64_t when_us;	/* wall clock, whole seconds; a zone that is no number counts as UTC */
	struct span by;		/* domain, or an address in brackets */
	struct span was, is;	/* filters; is: "" in Content-Previous */
};

/*
 * Read the value of a Content-Previous, of a Content-Converted.  Comments may stand where the grammar has
 * them, but none next to a filter.  store: empty; gets the unfolded value.  -1: ERR_PERM 5.6.0; ERR_TEMP.
 */
int contfield_previous(struct span value, struct contfield_record *out, struct buf *store, struct err *e);
int contfield_converted(struct span value, struct contfield_record *out, struct buf *store, struct err *e);

enum contfield_integrity { DRUCOF_PROHIBITED, DRUCOF_PERMITTED, DRUCOF_OMISSION };
struct contfield_drucof {
	enum contfield_integrity integrity;
	bool critical;
	bool stated;		/* by a Content-DRUCOF */
};

/*
 * What the sender says of a part under DRUCOF: the Content-DRUCOF of the part or of the nearest multipart
 * around it in the same message (an attached one speaks for itself); two there, or a bad value: prohibited
 * and critical.  Without one it is permitted, and critical unless the nearest `handling` of a
 * Content-Disposition says optional (RFC 3459, 3).
 */
void contfield_drucof(const struct mime *m, uint32_t part, struct contfield_drucof *out);

#endif

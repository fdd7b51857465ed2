/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/qfile.h - the format of a message in the queue:
 *	message octets | envelope block | padding to 512 | recipient slots | footer
 * A slot is 128 octets, so none crosses a 512-octet sector; it carries its own CRC32C and is
 * rewritten in place.  All else never changes once it has a name under HH/.
 */
#ifndef LIB_QFILE_H
#define LIB_QFILE_H

#include "lib/envelope.h"
#include "lib/msg.h"

enum { QFILE_SLOT = 128, QFILE_FOOTER = 64, QFILE_VERSION = 1 };
#define QFILE_MAX_MSG (UINT64_C(1) << 40)	/* octets of a message; keeps sums from wrapping */

enum slot_state {
	SLOT_QUEUED,		/* not tried, or deferred: next_us says when */
	SLOT_FAILED,		/* failed; a report is due (dsn, text) */
	SLOT_DELIVERED,		/* final from here on */
	SLOT_BOUNCED,		/* failed, and the report is committed or was not wanted */
	SLOT_REMOVED,		/* by the administrator */
	SLOT_HELD,		/* by the administrator: not tried until released; does not expire */
	SLOT_STATES
};
static inline bool
slot_final(uint8_t state)
{
	return state >= SLOT_DELIVERED && state <= SLOT_REMOVED;
}

enum slot_flag {
	SLOT_DELAY_TOLD = 1,	/* a "delayed" report is committed, or none is wanted */
	SLOT_BY_TOLD = 4,	/* a "delayed" report of the time by which it was to be delivered is committed */
	SLOT_ASKED = 2		/* its sender has been asked for another form (RFC 3297): once is all */
};

struct slot {
	uint8_t state, conneg_tries;
	uint16_t attempts, code, flags;	/* flags: enum slot_flag */
	uint32_t dead;		/* qfile_dest() of where the last attempt reached nobody, or 0 */
	uint32_t since_s;	/* its lifetime counts from then, wall clock: it was released; 0: from the
				 * message's arrival */
	uint64_t last_us, next_us;
	char dsn[12];
	char text[MSG_MARK_TEXT];	/* NUL-terminated, printable */
};

/* A destination's name as a slot keeps it, never 0: equal for equal names, and hardly for others. */
uint32_t qfile_dest(const char *name);

struct qfile {
	uint64_t msg_len, env_off, slots_off;
	uint32_t env_len, nslot, msg_crc, env_crc;
	uint64_t file_len;
};

/* CRC32C (Castagnoli), continued: start with 0. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);
/* The same by table, which crc32c uses where the processor has no instruction for it. */
uint32_t crc32c_portable(uint32_t crc, const void *p, size_t n);

/*
 * Writes envelope block, slots and footer behind msg_len octets of fd; *q says where they are.
 * nrcpt: recipients that envelope_decode found in block.
 * -1: ERR_TEMP, or ERR_PERM 5.3.4 over a limit; the file's tail is then undefined.
 */
int qfile_finish(int fd, uint64_t msg_len, uint32_t msg_crc, struct span block, uint32_t nrcpt,
    struct qfile *q, struct err *e);

/* Reads and checks the footer (magic, version, CRC, lengths against the file's).  -1: ERR_PERM 5.3.5
 * what is there is no message of ours; ERR_TEMP it could not be read. */
int qfile_open(int fd, struct qfile *q, struct err *e);

/* Reads and decodes the envelope; store holds its octets and must outlive *env. */
int qfile_envelope(int fd, const struct qfile *q, struct buf *store, struct envelope *env,
    struct err *e);

/* All slots, malloc'd, q->nslot of them; the caller frees.  A slot with a wrong checksum reads as
 * QUEUED with 0 attempts (it was torn by a power cut: deliver again rather than lose). */
int qfile_slots(int fd, const struct qfile *q, struct slot **out, struct err *e);

/*
 * Footer, envelope and slots at once, as qfile_open, qfile_envelope and qfile_slots read them, but in
 * one read for all but large envelopes.  *store and *slots are the caller's to free, *env too.
 */
int qfile_load(int fd, struct qfile *q, struct buf *store, struct envelope *env, struct slot **slots,
    struct err *e);

/* How many slots have a wrong checksum. */
int qfile_torn(int fd, const struct qfile *q, uint32_t *torn, struct err *e);

/* The message's octets (q->msg_len of them), whose CRC is compared: ERR_PERM if it is wrong. */
int qfile_message(int fd, const struct qfile *q, void *to, struct err *e);

/* Rewrites one slot in place. */
int qfile_mark(int fd, const struct qfile *q, uint32_t i, const struct slot *s, struct err *e);

/* Reads the message octets and compares the CRC.  1 right, 0 wrong, -1 ERR_TEMP. */
int qfile_check(int fd, const struct qfile *q, struct err *e);

#endif

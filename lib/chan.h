/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/chan.h - a packet channel on an event loop: what the peer may say is a table, anything else
 * cuts it off; what does not fit into the socket waits here, so no process blocks on another.
 */
#ifndef LIB_CHAN_H
#define LIB_CHAN_H

#include "lib/ipc.h"
#include "lib/loop.h"

struct chan;

/* A row: one packet that the peer may send.  min, max: octets of the whole packet. */
struct msg_rule {
	uint32_t type, min, max, nfd_min, nfd_max;
	/* fds are the handler's (set those taken over to -1; the rest is closed after it).
	 * -1 with ERR_PROTO: cut the peer off; other errors are logged and the channel stays. */
	int (*handle)(struct chan *c, const void *msg, size_t len, int *fds, struct err *e);
};

struct chan_out;

struct chan {
	struct loop *loop;
	struct watch watch;
	const char *name;		/* of the peer, for the log; borrowed */
	const struct msg_rule *rules;
	size_t nrule;
	void *arg;			/* the owner's */
	/* The peer has gone or was cut off (why->kind then ERR_PROTO).  The channel is closed
	 * already; the owner may free it here. */
	void (*gone)(struct chan *c, const struct err *why);
	struct chan_out *first, **last;
	struct timer pause;		/* set while what waits wants the system's memory, not the peer */
	size_t waiting;			/* packets that wait to be sent */
	size_t most;			/* of them; one more is ERR_PROTO.  0: any number */
	bool open, *freed;
	bool broken;			/* a packet was lost: the loop closes it */
	bool lossy;			/* the owner's: a packet that cannot be sent is not the channel's end */
};

/* Takes fd over, unless it fails: then the caller closes it, by which the peer sees that it is not joined. */
int chan_open(struct chan *c, struct loop *l, int fd, const char *name, const struct msg_rule *rules,
    size_t nrule, void (*gone)(struct chan *, const struct err *), void *arg, struct err *e);

/* Closes without calling gone; what waits is dropped.  Twice is harmless. */
void chan_close(struct chan *c);

/* Handles what the peer has said and is not read yet, before the channel is given up.  Waits for nothing;
 * may be called by a handler of another channel. */
void chan_drain(struct chan *c);

/*
 * Sends h (len octets with its header), now or when the peer reads, or when the system has memory for
 * it again.  The descriptors are taken over in every case.  -1: not open, no memory to keep it in, or
 * c->most packets wait already (ERR_PROTO: a handler of the same channel that returns it cuts off a peer
 * that asks and does not read); a broken socket is found by the loop, not here.  What could not be kept
 * is the channel's end too, unless it is lossy: in the next round of the loop gone is called, and the
 * peer sees its end, or one of both would wait for ever.
 */
int chan_send(struct chan *c, struct msg_hdr *h, uint32_t type, uint32_t id, size_t len, int *fds,
    size_t nfd, struct err *e);

/*
 * A new pair for a session process: one end goes to the daemon behind c with MSG_SESSION, which says the
 * number of the session's settings; the other is the caller's.  -1: that daemon is not there now, or no
 * descriptor.
 */
int chan_session(struct chan *c, uint32_t settings, struct err *e);

#endif

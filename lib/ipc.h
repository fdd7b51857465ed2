/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/ipc.h - packets between processes: SOCK_SEQPACKET pairs, so one send is one packet and
 * nothing frames or parses.  A packet starts with struct msg_hdr; what it may be is in lib/msg.h.
 */
#ifndef LIB_IPC_H
#define LIB_IPC_H

#include <sys/types.h>

#include "lib/err.h"
#include "lib/span.h"

enum {
	MSG_MAX = 65536,	/* octets of a packet */
	MSG_FDS = 2,		/* descriptors with it */
	IPC_SOME = 8		/* packets of ipc_recv_some */
};

struct msg_hdr {
	uint32_t build;		/* of the sender; all ship together, another one is cut off */
	uint32_t type;		/* enum msg_type */
	uint32_t id;		/* a reply echoes it */
	uint32_t len;		/* of the whole packet, octets */
};

/* The build number: a hash of the version and of lib/msg.h's layout. */
uint32_t ipc_build(void);

/* A connected pair, close-on-exec, blocking. */
int ipc_pair(int fd[2], struct err *e);

/*
 * Sends one packet: fills in build, type, id, len of *h (the packet's start) and passes nfd
 * descriptors, which stay the caller's.  Waits while the socket is full.  -1: ERR_TEMP; e->sys is EPIPE
 * when the peer has gone.
 */
int ipc_send(int sock, struct msg_hdr *h, uint32_t type, uint32_t id, size_t len, const int *fds,
    size_t nfd, struct err *e);
/* The same, but never blocks: -1 with e->sys EAGAIN when the socket is full. */
int ipc_send_now(int sock, struct msg_hdr *h, uint32_t type, uint32_t id, size_t len, const int *fds,
    size_t nfd, struct err *e);

/*
 * One whole packet into msg (of max octets, at most MSG_MAX); its descriptors come back
 * close-on-exec in fds[MSG_FDS] (-1 where none) and are the caller's.
 * 1: got one, *len octets; 0: the peer has gone and all it sent was read.  -1: e->sys EAGAIN for nothing
 * there now; ERR_PROTO for a packet cut short, another build or a wrong length (descriptors are closed).
 */
int ipc_recv(int sock, void *msg, size_t max, size_t *len, int fds[MSG_FDS], struct err *e);
/* The same, but never blocks. */
int ipc_recv_now(int sock, void *msg, size_t max, size_t *len, int fds[MSG_FDS], struct err *e);

/*
 * The packets that are there, at most IPC_SOME, each as ipc_recv would have it: in[i].r is what that
 * returns (e is set with -1), its octets are in msg[i].  How many (behind one whose r is not 1 there is
 * nothing to be trusted); -1: e->sys EAGAIN for none there now.
 */
struct ipc_in { int r; size_t len; int fds[MSG_FDS]; struct err e; };
int ipc_recv_some(int sock, struct ipc_in in[IPC_SOME], unsigned char msg[][MSG_MAX], struct err *e);

/*
 * Sends a request and waits for the packet that echoes its id: for session processes that have one
 * request under way at a time.  timeout_ms < 0: for ever.  Returns as ipc_recv, but a time-out is
 * -1 with e->sys ETIMEDOUT, and a peer that has gone is -1 with e->sys EPIPE.
 */
int ipc_call(int sock, struct msg_hdr *h, uint32_t type, size_t hlen, const int *send_fds, size_t nfd,
    void *reply, size_t max, size_t *len, int fds[MSG_FDS], int timeout_ms, struct err *e);

/* Closes those that are not -1. */
void ipc_close_fds(int *fds, size_t n);

/* Closes all descriptors from 3 up but the n of keep (those of them that are not -1): what a child does
 * first, so that it holds nothing of its parent's.  -1: some may be open still. */
int ipc_close_others(const int *keep, size_t n, struct err *e);

#endif

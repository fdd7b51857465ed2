/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * cmd/server/server.h - the control server: the accord command's requests, from any local user.
 * Who asks is known from the socket (SO_PEERCRED); the administrator is root, or the account that
 * accord runs under.
 */
#ifndef CMD_SERVER_SERVER_H
#define CMD_SERVER_SERVER_H

#include <sys/types.h>

#include "lib/daemon.h"
#include "lib/envelope.h"
#include "lib/route.h"

enum {
	CONTROL_CLIENTS = 256,		/* at once; more are turned away */
	CONTROL_CLIENTS_UID = 32,	/* of them of one user who is not the administrator */
	CONTROL_UNREAD = 16,		/* answers that wait for a client to read them */
	CONTROL_ACTS = 16,		/* requests of a client that wait for qmgr */
	CONTROL_PAUSE_MS = 500,		/* without accepting, when descriptors run out */
	CONTROL_ENVELOPE = 60000	/* octets of a submitted envelope */
};

/* Who has a client's wish now: local is asked whose an address is, then capd, or one that inquires. */
enum with { WITH_NOBODY, WITH_LOCAL, WITH_CAPD, WITH_LEARN, WITH_REMOTE_INQUIRY, WITH_LOCAL_INQUIRY, WITH_OFFER };

struct client {
	struct client *next, **prev;
	struct control *control;
	struct chan chan;
	uid_t uid;
	uint32_t serial;		/* names it in requests to queue and capd */
	uint32_t request;		/* its own packet's id, echoed in the answer */
	uint32_t nact;			/* requests that wait for qmgr */
	int message_fd;			/* of a submission under way, or -1 */
	bool seven;			/* its envelope says 7BIT */
	struct buf envelope;
	enum with with;
	struct buf wish;		/* its packet, MSG_CAP_ASK, MSG_CAP_SET or MSG_INQUIRE, until it is answered */
	int inquiry_fd;			/* of MSG_INQUIRE, until it is passed on; or -1 */
	char route[ROUTE_MAX];		/* of its recipient */
};

/* A request that qmgr has; client NULL: it has gone meanwhile. */
struct pending_act { struct pending_act *next; struct client *client; uint32_t id, request; };

struct control {
	struct daemon *daemon;
	struct watch listener;
	struct timer resume;		/* after a pause */
	struct chan queue, capd, qmgr, local, learn, remote, offer;
	struct client *clients;
	struct pending_act *acts;
	uint32_t nclient, last_serial;
	uint64_t submitted;		/* messages taken */
	struct qid_maker inquiries;
};

int control_open(struct control *c, struct daemon *d, struct err *e);

/* The client of a serial, or NULL when it has gone meanwhile. */
struct client *control_client(struct control *c, uint32_t serial);

bool client_is_admin(const struct client *k);

/* Answers the client's request; -1 is never ERR_PROTO, so another's handler may return it. */
int client_answer(struct client *k, struct msg_hdr *h, uint32_t type, size_t len, struct err *e);

/* Answers the client's request with a refusal. */
int client_refuse(struct client *k, const struct err *why, struct err *e);

/* "only the administrator may ask this" */
int client_not_allowed(struct client *k, struct err *e);

/* act.c: the administrator's wishes (MSG_ACT) go to qmgr, its answers (MSG_ACTED) come back. */
int act_on_client(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);
int act_on_qmgr(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);
int act_on_refused(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);
void act_client_gone(struct control *c, struct client *k);
/* Who waits for the qmgr that was lost is told to come again. */
void act_qmgr_gone(struct control *c);

/* owner.c: MSG_CAP_ASK and MSG_CAP_SET of an address go to capd, if local's MSG_OWNED says that the client
 * may; its answers come back. */
int wish_on_client(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);
int wish_on_owned(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);
int wish_on_answer(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);
int wish_refuse(struct client *k, const struct err *why, struct err *e);
void wish_end(struct client *k);
/* Asks local whose mailbox that is. */
int wish_to_local(struct client *k, struct span addr, struct err *e);
/* Who waits for the one that was lost is told to come again. */
void wish_server_gone(struct control *c, enum role who);

/* inquire.c: what would become of a message (MSG_INQUIRE) is asked of remote or local, by the route of its
 * recipient. */
int inquire_on_client(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);
int inquire_on_answer(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);
/* What other hosts say that an address takes (MSG_PROBE) is the administrator's to ask of remote. */
int probe_on_client(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);
/* The owner of its recipient's mailbox asks: that is granted. */
int inquire_go(struct client *k, struct err *e);

/* tag.c: MSG_TAG goes to learn, MSG_TAGGED comes back; where learn does not answer there is no tag. */
int tag_on_client(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);
int tag_on_tagged(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);
void tag_learn_gone(struct control *c);

/* offer.c: MSG_OFFER goes to offer, its answers come back. */
int offer_on_client(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);
int offer_on_answer(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e);
/* Who waits for it is told to come again. */
void offer_gone(struct control *c);

/* submit.c: a message from a local user goes into the queue. */
/* What smtpd would not have taken is not taken here: these words go into commands and fields. */
int submit_check(const struct envelope *env, struct err *e);
/* Octets that can neither block us nor change while they are read: a memory file, sealed. */
int submit_sealed(int fd, struct err *e);
int submit_begin(struct client *k, struct span envelope, int message_fd, struct err *e);
extern const struct msg_rule control_from_queue[];
extern const size_t control_from_queue_n;

#endif

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/client.h - the verbs' ways to the processes that answer them. */
#ifndef CMD_CLIENT_H
#define CMD_CLIENT_H

#include "cmd/cmd.h"
#include "lib/converter.h"
#include "lib/envelope.h"
#include "lib/msg.h"

/* A connection to the running instance's control server.  -1: ERR_TEMP, it does not run, nor did until h->await_ms. */
int control_connect(const struct home *h, struct err *e);

/* Was that a refusal to connect, or the lack of a socket, and may there be one yet?  Then it has waited a moment. */
bool control_again(const struct home *h, int sys);

/*
 * Sends a request and waits for its answer (ipc_call).  A MSG_REFUSED becomes *e.  0: reply holds
 * *len octets.
 */
int control_call(int sock, struct msg_hdr *h, uint32_t type, size_t hlen, int fd, void *reply,
    size_t max, size_t *len, struct err *e);

/* The same with its time, and the descriptors that come back: the caller's, -1 where none. */
int control_call_fds(int sock, struct msg_hdr *h, uint32_t type, size_t hlen, int fd, int wait_ms, void *reply,
    size_t max, size_t *len, int fds[MSG_FDS], struct err *e);

/* *e from a refusal of the whole length.  -1. */
int control_refused(const struct msg_refused *no, struct err *e);

/*
 * Puts a message (CRLF lines) into the queue of the running instance; env->body is raised to what the
 * octets need.  -1: ERR_TEMP, nothing was taken: accord does not run, or cannot now; ERR_PERM.
 */
int submit_message(const struct home *h, struct envelope *env, struct span message, char id[QID_SIZE],
    struct err *e);

/*
 * A tag for a message to n recipients (NUL-terminated, one after another), for its ENVID and Message-ID, by
 * which reports about it are believed (accord-learn(8)).  "": there is none: too many recipients, or nothing
 * is learned there, or nobody answers, which keeps no message from being sent.
 */
void submit_tag(const struct home *h, struct span rcpts, char tag[TAG_TEXT]);

/* A memory file that nobody can change any more. */
int cmd_seal(int fd, struct err *e);

/* env->body is raised to what the message's octets need. */
void submit_body(struct envelope *env, struct span message);

/* Has the message kept under that tag, for a recipient who may ask for another form of it.  0: it is on the disk. */
int submit_offer(const struct home *h, const char *tag, const char *sender, const char *rcpt, struct span message,
    struct err *e);

/* The words of RFC 3461's parameters, as options give them.  -1: not that. */
int dsn_notify(const char *text, uint8_t *out);
int dsn_ret(const char *text, uint8_t *out);
int dsn_envid(const char *text);

/* A converter of one's own: a child process, sandboxed as convertd's are. */
struct own_converter { int sock; int pid; };
#define OWN_CONVERTER ((struct own_converter){ -1, -1 })	/* one that does not run */
int own_converter_start(struct own_converter *c, struct err *e);	/* unless it runs */
void own_converter_end(struct own_converter *c);		/* if it runs */

/* Appends the features of an image file; starts the converter (arg) if it does not run.  A describe_fn. */
int own_converter_features(void *arg, struct span image, struct buf *out, struct err *e);

/* A memfd with s in it. */
int cmd_memfd(struct span s, struct err *e);

#endif

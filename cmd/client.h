/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/client.h - the verbs' ways to the processes that answer them. */
#ifndef CMD_CLIENT_H
#define CMD_CLIENT_H

#include "cmd/cmd.h"
#include "lib/converter.h"

/* A connection to the running instance's control server.  -1: ERR_TEMP, it does not run. */
int control_connect(const struct home *h, struct err *e);

/*
 * Sends a request and waits for its answer (ipc_call).  A MSG_REFUSED becomes *e.  0: reply holds
 * *len octets.
 */
int control_call(int sock, struct msg_hdr *h, uint32_t type, size_t hlen, int fd, void *reply,
    size_t max, size_t *len, struct err *e);

/* *e from a refusal of the whole length.  -1. */
int control_refused(const struct msg_refused *no, struct err *e);

/* A converter of one's own: a child process, sandboxed as convertd's are. */
struct own_converter { int sock; int pid; };
int own_converter_start(struct own_converter *c, struct err *e);
void own_converter_end(struct own_converter *c);

/* A memfd with s in it. */
int cmd_memfd(struct span s, struct err *e);

#endif

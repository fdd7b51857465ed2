/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/daemon.h - how a daemon gets what it needs.  Every accord process but the supervisor is
 * started with descriptor DAEMON_FD, its channel to the supervisor: settings, directories, listeners
 * and channels to its peers come over it, then MSG_GO.  Later packets bring new channels for peers
 * that were restarted.  When that channel closes the process ends at once.
 *
 * A main does: log_open, daemon_start (blocks until MSG_GO), its own set-up, sandbox_enter,
 * daemon_ready, loop_run.
 */
#ifndef LIB_DAEMON_H
#define LIB_DAEMON_H

#include "lib/chan.h"
#include "lib/conf.h"

enum { DAEMON_FD = 3, DAEMON_LISTENERS = 32, DAEMON_FILES = 8 };

struct daemon_file { char name[48]; int fd; };
struct daemon_listener { char line[256]; int fd; };

struct daemon {
	struct loop loop;
	struct conf conf;
	struct chan sup;
	struct daemon_listener listener[DAEMON_LISTENERS];
	uint32_t nlistener;
	struct daemon_file file[DAEMON_FILES];
	uint32_t nfile;
	int peer_fd[ROLE_COUNT];	/* as given before MSG_GO; -1: none.  The main takes them. */
	uint32_t generation[ROLE_COUNT];
	/* Set by the main before daemon_ready; called for packets after MSG_GO.  peer: fd is the
	 * callee's.  file: likewise.  stop: MSG_STOP (default: leaves the loop). */
	void (*peer)(void *arg, enum role role, uint32_t generation, int fd);
	void (*file_changed)(void *arg, const char *name, int fd);
	void (*stop)(void *arg);
	void (*retire)(void *arg);	/* MSG_RETIRE; NULL: it is never asked for */
	void *arg;
};

/* Receives everything up to MSG_GO.  -1: the settings are wrong (the supervisor was told), or the
 * channel broke; main returns 1. */
int daemon_start(struct daemon *d, enum role self, struct err *e);

/* The descriptor of a MSG_FILE, or -1. */
int daemon_file(const struct daemon *d, const char *name);

/* Tells the supervisor, and watches its channel from here on. */
int daemon_ready(struct daemon *d, struct err *e);

/*
 * The channel to that peer has broken or was given up: asks the supervisor for a new one, which comes
 * to both ends in a second, unless the peer has died and gets one by its restart.  Before daemon_ready
 * (and where nobody called it, in tests): nothing.
 */
void daemon_lost(enum role peer);

/* Asks to be replaced: a child died by a signal, and whoever knows its address layout knows that of
 * the next.  The supervisor does it, and calls retire, or finds that this process is too young. */
void daemon_ask_retirement(struct daemon *d);

/* Tells the supervisor why this process cannot start, logs it; returns 1 for main. */
int daemon_fail(struct daemon *d, const struct err *e);

#endif

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/daemon.h - how a daemon gets what it needs.  Every accord process but the supervisor is
 * started with descriptor DAEMON_FD, its channel to the supervisor: settings, directories, listeners
 * and channels to its peers come over it, then MSG_GO.  Later packets bring new channels for peers
 * that were restarted.  When that channel closes the process ends at once.
 *
 * Settings are read anew (a reload) in two steps: the daemon parses and checks the new ones beside
 * those in force, and switches when the supervisor says that all daemons found theirs valid.
 *
 * A main does: log_open, daemon_start (blocks until MSG_GO), its own set-up, sandbox_enter,
 * daemon_ready, loop_run.
 */
#ifndef LIB_DAEMON_H
#define LIB_DAEMON_H

#include "lib/chan.h"
#include "lib/conf.h"

enum {
	DAEMON_FD = 3, DAEMON_LISTENERS = 32, DAEMON_FILES = 8,
	DAEMON_FIGURES = 5000	/* octets of one daemon's figures; all of them fit a packet */
};

struct daemon_file { char name[48]; int fd; };
struct daemon_listener { char line[256]; int fd; };

/* Settings that are not in force yet. */
struct daemon_next {
	bool open, valid;		/* valid: checked, and said to be; nothing more comes but the switch */
	uint32_t number;
	struct err err;			/* the first that was wrong; kind ERR_NONE: nothing so far */
	struct conf conf;
	struct daemon_listener listener[DAEMON_LISTENERS];
	uint32_t nlistener;
	struct daemon_file file[DAEMON_FILES];	/* those that go with them: "caps.cdb", "tls" … */
	uint32_t nfile;
};

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
	/*
	 * A reload.  check: -1 refuses it; nothing in force may change, and switched may not fail after
	 * it; it may take descriptors over by setting them to -1.  Then either switched: conf, listener
	 * and nlistener are the new ones, old is freed after it, unless the callee takes it over and
	 * leaves it zeroed (the listeners' old descriptors are the callee's to close); or kept: what check
	 * prepared is to be forgotten.  NULL: nothing to do.
	 */
	int (*check)(void *arg, struct daemon_next *next, struct err *e);
	void (*switched)(void *arg, struct conf *old);
	void (*kept)(void *arg);
	/* MSG_STATS: adds this daemon's lines by lib/figure.h.  NULL: it has none. */
	void (*stats)(void *arg, struct buf *out);
	/* control alone: MSG_RELOADED and MSG_FIGURES, whose h.id is as it was asked. */
	void (*told)(void *arg, const struct msg_hdr *msg, size_t len);
	/* remote alone: MSG_GRANTED, whose h.id is as it was asked; fd: the callee's, or -1. */
	void (*granted)(void *arg, const struct msg_refused *m, int fd);
	void *arg;
	enum role self;
	uint32_t settings;		/* the number of those in force */
	struct daemon_next next;
};

/* Receives everything up to MSG_GO.  -1: the settings are wrong (the supervisor was told), or the
 * channel broke; main returns 1. */
int daemon_start(struct daemon *d, enum role self, struct err *e);

/* The descriptor of a MSG_FILE, or -1. */
int daemon_file(const struct daemon *d, const char *name);

/* The same of settings that are not in force yet: borrowed, or taken over. */
int daemon_next_file(const struct daemon_next *n, const char *name);
int daemon_next_take(struct daemon_next *n, const char *name);

/* Tells the supervisor, and watches its channel from here on. */
int daemon_ready(struct daemon *d, struct err *e);

/*
 * The channel to that peer has broken or was given up: asks the supervisor for a new one, which comes
 * to both ends in a second, unless the peer has died and gets one by its restart.  Before daemon_ready
 * (and where nobody called it, in tests): nothing.
 */
void daemon_lost(enum role peer);

/* Asks for the secret of the setting routeauth for dest, a hop_name(); granted is called with the number.  -1: it will
 * not be. */
int daemon_credential(struct daemon *d, const char dest[JOB_DEST], uint32_t number, struct err *e);

/* Asks to be replaced: a child died by a signal, and whoever knows its address layout knows that of
 * the next.  The supervisor does it, and calls retire, or finds that this process is too young. */
void daemon_ask_retirement(struct daemon *d);

/* lib/reload.c: the packets of a reload, figures and pings; MSG_RELOAD_BEGIN at start. */
extern const struct msg_rule daemon_reload_rules[];
extern const size_t daemon_reload_nrule;
int daemon_settings_begin(struct daemon *d, const struct msg_settings *m, struct err *e);

/* Tells the supervisor why this process cannot start, logs it; returns 1 for main. */
int daemon_fail(struct daemon *d, const struct err *e);

#endif

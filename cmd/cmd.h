/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * cmd/cmd.h - the accord command: its verbs, and what they share.  Exit codes: 0 done, 1 no (the
 * reason is printed), 64 wrong usage, 75 try again later.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stdio.h>

#include "lib/conf.h"

enum {
	EXIT_DONE = 0, EXIT_NO = 1, EXIT_USAGE = 64, EXIT_LATER = 75,
	/* sendmail's besides, as sysexits.h has them */
	EXIT_DATA = 65, EXIT_UNAVAILABLE = 69, EXIT_IO = 74, EXIT_ACCESS = 77, EXIT_CONFIG = 78
};

/* Where an instance keeps its things. */
struct home {
	char control[512];	/* settings */
	char state[512];	/* relative paths of settings lie under it */
	char queue[512];
	char socket[512];	/* of the control server */
	const char *given;	/* -H's argument, or NULL */
	int64_t await_ms;	/* until then (clock_ms()) one that does not run may yet, being restarted; 0: nobody waits */
};

/* Options that every verb takes, taken out of argv. */
struct common { struct home home; bool json, help; };

struct verb {
	const char *name, *usage, *what;
	int (*run)(struct common *c, int argc, char **argv);	/* argv[0]: the verb */
	bool own_help;		/* run() answers --help, of the verbs below it too */
};

int verb_start(struct common *c, int argc, char **argv);
int verb_check(struct common *c, int argc, char **argv);
int verb_reload(struct common *c, int argc, char **argv);
int verb_stat(struct common *c, int argc, char **argv);
int verb_conf(struct common *c, int argc, char **argv);
int verb_send(struct common *c, int argc, char **argv);
int verb_queue(struct common *c, int argc, char **argv);
int verb_caps(struct common *c, int argc, char **argv);
int verb_explain(struct common *c, int argc, char **argv);
int verb_convert(struct common *c, int argc, char **argv);
int verb_passwd(struct common *c, int argc, char **argv);

/* Where things are for -H's argument, or NULL. */
void home_set(struct home *h, const char *given);

/* Has the running instance read its settings anew.  notes: what it says besides, or "".  -1: ERR_TEMP now, ERR_PERM: a wrong
 * setting, and those in force are as they were. */
int cmd_reload(const struct home *h, char notes[1024], struct err *e);

/* The names that other programs call us by: sendmail, mailq, newaliases.  argv[0]: the name. */
int name_sendmail(int argc, char **argv);

/* What the verb printed has reached its reader, or the exit code says that it has not. */
int cmd_end(int code);

/* Prints "accord: WHY" to stderr and returns the exit code of the error's kind. */
int cmd_fail(const struct err *e);
/* Wrong words: prints and returns EXIT_USAGE. */
int cmd_usage(const char *usage);

/* All settings of the instance.  -1: the first wrong one. */
int cmd_settings(const struct home *h, struct conf *conf, struct err *e);

/* One of them alone, since not everybody may read all; the others are at their defaults. */
int cmd_setting(const struct home *h, struct conf *conf, enum conf_id id, struct err *e);

/* A whole file or "-" for stdin into out (up to its ceiling). */
int cmd_read_file(const char *path, struct buf *out, struct err *e);
int cmd_read_fd(int fd, struct buf *out, struct err *e);

/* Replaces path by content: temporary file, fsync, rename. */
int cmd_write_file(const char *path, struct span content, struct err *e);

/* The same; like_before(fd, path), if given, prepares the file, which nobody else may read till then, before
 * it takes path's place. */
int cmd_replace_file(const char *path, struct span content,
    int (*like_before)(int fd, const char *path, struct err *e), struct err *e);

/* Writes a setting's file, if the text is right: it takes the old one's place whole, with its owner
 * and mode.  conf: has it afterwards.  -1: ERR_PERM "listen:3: expected …". */
int cmd_write_setting(const struct home *h, struct conf *conf, enum conf_id id, struct span text,
    struct err *e);

/* A path of one of accord's programs: beside this one, in ../libexec/accord from there, or in
 * PREFIX/libexec/accord. */
int cmd_program(const char *name, char *out, size_t cap, struct err *e);

/* A JSON string with its quotes; what is no UTF-8 becomes U+FFFD. */
void json_string(FILE *to, struct span s);

#endif

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/msg.h - everything that accord's processes say to each other.  Fixed structs in host order;
 * "+ X" in a comment: octets that follow the struct in the same packet; "fd": a descriptor with it.
 * MSG_LAYOUT grows with every change here, so that two builds never misread each other.
 */
#ifndef LIB_MSG_H
#define LIB_MSG_H

#include "lib/ipc.h"
#include "lib/qid.h"

#define MSG_LAYOUT 20u

enum msg_type {
	/* supervisor -> daemon, in this order at start: SETTING* FILE* LISTENER* PEER* GO */
	MSG_SETTING = 1,	/* struct msg_name; fd: the setting's file */
	MSG_FILE,		/* struct msg_name "queue" "home" "caps" "learn" "offer" "caps.cdb" "tls" "passwd"; fd:
				 * directory or file */
	MSG_LISTENER,		/* struct msg_listener; fd: listening socket */
	MSG_PEER,		/* struct msg_peer; fd: a new channel to that process */
	MSG_GO,			/* struct msg_hdr: all has been said, start */
	MSG_STOP,		/* struct msg_hdr: end in order; the channel's closing means at once */
	MSG_READY,		/* daemon -> supervisor: struct msg_hdr */
	MSG_BAD,		/* daemon -> supervisor: struct msg_text, then it exits */
	MSG_RETIRE,		/* daemon -> supervisor: struct msg_hdr: "a child of mine died by a signal, start
				 * me anew, with another address layout"; back: another has taken over,
				 * serve what is under way and end */

	/* parent of sessions -> queue, capd, convertd, key, auth: struct msg_hdr; fd: the session's own channel.
	 * To capd, h.id: the number of the settings that the session has */
	MSG_SESSION = 16,
	/* session -> its parent: struct msg_peer (role), "give me a new channel"; answer: MSG_PEER.
	 * daemon -> supervisor: the same of a peer whose channel, of that generation, is no more */
	MSG_NEED,

	/* session, bounce, control -> queue, and back */
	MSG_OPEN = 32,		/* struct msg_open */
	MSG_OPENED,		/* struct msg_id; fd: the message's file, write-only */
	MSG_COMMIT,		/* struct msg_commit + envelope block (or fd: memfd that holds it) */
	MSG_COMMITTED,		/* struct msg_committed: on stable storage; fd: the next message's file */
	MSG_ABANDON,		/* struct msg_id: throw it away; no answer */
	MSG_REFUSED,		/* struct msg_refused: answer to any request that failed */
	MSG_READ,		/* struct msg_id: of a message that it has closed: to be read before COMMIT */
	MSG_READABLE,		/* back: struct msg_id; fd: the file, read-only: nobody can write it any more.
				 * COMMIT or ABANDON follows */

	/* queue <-> qmgr */
	MSG_NEW = 48,		/* queue -> qmgr: struct msg_ids: accepted, now in HH/ */
	MSG_MARK,		/* qmgr -> queue: struct msg_marks: those of a message stand together */
	MSG_MARKED,		/* queue -> qmgr: struct msg_marked */
	MSG_BADFILE,		/* qmgr -> queue: struct msg_id: move it to bad/ */

	/* qmgr <-> remote, local, bounce; remote parent <-> its sessions */
	MSG_HELLO = 64,		/* worker -> qmgr, first: struct msg_hdr, after its MSG_INFLIGHTs */
	MSG_INFLIGHT,		/* worker -> qmgr: struct msg_job + slots: what it is still doing */
	MSG_JOB,		/* struct msg_job + slots (uint32_t each); fd: the message, read-only */
	MSG_RESULT,		/* struct msg_result + records (lib/result.h); the job is over */
	MSG_ACK,		/* qmgr -> worker: struct msg_ack: results are on their way to the disk */
	MSG_REPORT,		/* qmgr -> bounce: struct msg_job + records (lib/result.h); fd: message */
	MSG_REPORTED,		/* bounce -> qmgr: struct msg_reported: the report is committed, or
				 * none is due; or MSG_REFUSED: try again later */

	MSG_EXPAND,		/* local -> expand: struct msg_expand; fd: the message, read-only */
	MSG_EXPANDED,		/* back: struct msg_expanded */

	/* remote's, local's and smtpd's sessions <-> convertd (lib/plan.h, lib/edit.h); smtpd's say PLAN
	 * and DESCRIBE alone */
	MSG_PLAN = 80,		/* struct msg_plan + sets of capabilities (or fds[1]: memfd of them); fds[0]: message */
	MSG_PLANNED,		/* struct msg_planned; fd: memfd, a plan (lib/plan.h) */
	MSG_CONVERT,		/* struct msg_convert + key text; fd: message */
	MSG_CONVERTED,		/* struct msg_planned; fd: sealed memfd, an edit list (lib/edit.h) */
	MSG_DESCRIBE,		/* struct msg_hdr; fd: an image file; answer MSG_PLANNED, fd: memfd, its
				 * features as text */

	/* smtpd's, local's and remote's sessions, control -> capd */
	MSG_CAP_ASK = 96,	/* struct msg_cap_ask + address text */
	MSG_CAP,		/* struct msg_cap + expression text */
	MSG_CAP_SET = 98,	/* command -> control -> capd: struct msg_cap_set + address text +
				 * expression text */
	MSG_CAP_SETTED = 99,	/* back: struct msg_hdr: it is on the disk; or MSG_REFUSED */
	MSG_REPORT_CAME,	/* local -> learn: struct msg_report_came; fd: the message, read-only.  local's child ->
				 * local: struct msg_hdr: "what I have delivered is a report" */
	MSG_LEARNED,		/* learn's child -> learn: struct msg_learned + tag + address + expression text */
	MSG_TAG,		/* command -> control -> learn: struct msg_hdr + NUL-terminated addresses, 8 at most */
	MSG_TAGGED,		/* back: struct msg_tagged */
	MSG_OFFER,		/* command -> control -> offer: struct msg_offer + sender + recipient; fd: the
				 * message that is kept, a sealed memfd */
	MSG_OFFERED,		/* back: struct msg_hdr: it is on the disk; or MSG_REFUSED */
	MSG_PREFERRED,		/* learn -> offer: struct msg_preferred + address + expression text, or "" */
	MSG_MADE,		/* offer's child -> offer: struct msg_planned; fd: memfd, another form */

	/* the accord command <-> control */
	MSG_SUBMIT = 112,	/* struct msg_hdr + envelope block; fd: the message, a sealed memfd */
	MSG_CAPS_CHANGED,	/* struct msg_hdr: open caps.cdb anew; control -> supervisor too */
	MSG_STATUS,		/* struct msg_hdr; answer MSG_TEXT */
	MSG_TEXT,		/* struct msg_text: an answer in words */
	MSG_ACT,		/* command -> control -> qmgr: struct msg_act: the administrator's wish for
				 * messages and recipients */
	MSG_ACTED,		/* qmgr -> control -> command: struct msg_acted: it is on the disk */
	MSG_OWNER = 120,	/* control -> local: struct msg_hdr + address text: whose mailbox is that? */
	MSG_OWNED = 121,	/* back: struct msg_owned */

	/* remote's sessions <-> resolver (lib/resolve.h) */
	MSG_RESOLVE = 128,	/* struct msg_resolve */
	MSG_RESOLVED,		/* struct msg_resolved + hosts */
	/* remote's session -> its parent */
	MSG_ADDRESS,		/* struct msg_address: an address of a host answered, or did not */
	/* settings, supervisor -> daemon: BEGIN SETTING* FILE* LISTENER* CHECK, the daemon says VALID or
	 * INVALID, then SWITCH or KEEP; h.id of all is the number of these settings */
	MSG_RELOAD_BEGIN = 144,	/* struct msg_settings; before a start's MSG_SETTINGs too */
	MSG_RELOAD_SETTING,	/* as MSG_SETTING */
	MSG_RELOAD_FILE,	/* as MSG_FILE */
	MSG_RELOAD_LISTENER,	/* as MSG_LISTENER: all of them, the unchanged too */
	MSG_RELOAD_CHECK,	/* struct msg_hdr: all has been said */
	MSG_RELOAD_VALID,	/* daemon -> supervisor: struct msg_hdr: a switch cannot fail here */
	MSG_RELOAD_INVALID,	/* daemon -> supervisor: struct msg_text */
	MSG_RELOAD_SWITCH,	/* struct msg_hdr: they are in force */
	MSG_RELOAD_SWITCHED,	/* daemon -> supervisor: struct msg_hdr */
	MSG_RELOAD_KEEP,	/* struct msg_hdr: forget them */
	MSG_RELOAD,		/* command -> control -> supervisor: struct msg_hdr */
	MSG_RELOADED,		/* back: struct msg_reloaded */
	MSG_STATS,		/* command -> control -> supervisor -> daemon: struct msg_hdr */
	MSG_FIGURES,		/* back: struct msg_hdr + lines (lib/figure.h) */
	MSG_PING,		/* supervisor -> daemon: struct msg_hdr; does its loop turn? */
	MSG_PONG,		/* back */

	/* command -> control -> remote, local; remote parent -> its session: what would become of a message,
	 * without sending it */
	MSG_INQUIRE = 176,	/* struct msg_inquire; fd: a queue file of one recipient, a sealed memfd */
	MSG_INQUIRED,		/* back: struct msg_inquired; fd: a sealed memfd, what happened (lib/inquiry.h) */
	/* command -> control, control, capd -> remote; remote parent -> its session: what do the hosts of its domain's
	 * SRV records say that it takes? */
	MSG_PROBE,		/* struct msg_probe + address text; answer MSG_INQUIRED */
	/* capd <-> ldap <-> its worker of a directory: is there somebody of that address, and what does he take? */
	MSG_LDAP_ASK = 184,	/* struct msg_ldap_ask + address text */
	MSG_LDAP_TOLD,		/* back: struct msg_ldap_told + expression text */
	/* smtpd's sessions <-> key */
	MSG_SIGN = 192,		/* struct msg_sign + what is to be signed (RFC 8446, 4.4.3; RFC 8422, 5.4) */
	MSG_SIGNED,		/* back: struct msg_hdr + signature; or MSG_REFUSED */
	MSG_KEEP,		/* struct msg_kept + a TLS session, for who resumes it; no answer */
	MSG_RECALL,		/* struct msg_kept */
	MSG_RECALLED,		/* back: struct msg_hdr + the session, or nothing */
	/* remote's session -> its parent: struct msg_hdr: "what do I log in with at the hop that you gave me?"; the parent
	 * -> supervisor: struct msg_credential */
	MSG_CREDENTIAL = 208,
	MSG_GRANTED,		/* back, both ways: struct msg_refused; kind ERR_NONE: fd: the secret, a sealed memfd */
	/* smtpd's sessions <-> auth; auth's child -> auth: the answers */
	MSG_LOGIN = 216,	/* struct msg_login + login name + password */
	MSG_LOGGED_IN,		/* back: struct msg_logged_in; or MSG_REFUSED: ERR_PERM, they are wrong; ERR_TEMP, nobody
				 * can tell now */
	MSG_PASSWD_CHANGED,	/* command -> control -> supervisor: struct msg_hdr: read the file passwd anew; back to the
				 * command */
	/* local -> its runner: struct msg_program + NUL-terminated strings; fd: the program's channel */
	MSG_PROGRAM = 224,
	/* on that, delivery -> who minds the program: struct msg_hdr: start it; that was all of its input */
	MSG_PROGRAM_GO, MSG_PROGRAM_FED,
	MSG_PROGRAM_INPUT,	/* back: struct msg_hdr; fd: the program's input, write-only */
	MSG_PROGRAM_ENDED,	/* back: struct msg_program_ended; or MSG_REFUSED: it was not started */
};

/* The processes, as peers of each other.  The order is the one they are started in. */
enum role {
	ROLE_START, ROLE_QUEUE, ROLE_CAPD, ROLE_CONVERTD, ROLE_BOUNCE, ROLE_RESOLVER, ROLE_LEARN, ROLE_OFFER,
	ROLE_KEY, ROLE_AUTH, ROLE_EXPAND, ROLE_LDAP, ROLE_REMOTE,
	ROLE_LOCAL, ROLE_QMGR, ROLE_CONTROL, ROLE_SMTPD, ROLE_COUNT
};
/* "queue", "capd" …; also the program accord-NAME. */
const char *role_name(enum role r);

struct msg_name { struct msg_hdr h; char name[48]; };
struct msg_text { struct msg_hdr h; char text[1024]; };	/* NUL-terminated, printable */
struct msg_settings { struct msg_hdr h; char me[256]; };	/* this host's name, where `me` is not set */
struct msg_reloaded {
	struct msg_hdr h;
	uint32_t kind;		/* enum err_kind: why not; ERR_NONE: in force */
	uint32_t pad;
	char text[1024];	/* why not, or notes; printable, NUL-terminated */
};
struct msg_listener { struct msg_hdr h; char line[256]; };	/* the line of `listen` */
struct msg_peer { struct msg_hdr h; uint32_t role, generation; };	/* generation: 1 at start, +1
				 * with each restart of either end */

struct msg_id { struct msg_hdr h; char id[QID_SIZE]; };
struct msg_open {
	struct msg_hdr h;
	uint64_t size;		/* announced octets, or 0 */
	uint32_t reserve;	/* 1: a bounce, may use the reserve of space */
	uint32_t pad;
};
struct msg_commit {
	struct msg_hdr h;
	char id[QID_SIZE];
	uint64_t msg_len;	/* octets written */
	uint32_t msg_crc;	/* CRC32C of them */
	uint32_t env_len;	/* octets of the envelope block */
	uint32_t next;		/* 1: the answer may bring the next message's file, as OPEN would */
	uint32_t pad;
};
struct msg_committed {
	struct msg_hdr h;
	char id[QID_SIZE];
	char next[QID_SIZE];	/* the message whose file comes with it; "": none */
};
struct msg_refused {
	struct msg_hdr h;
	uint32_t kind;		/* enum err_kind */
	char dsn[12];
	char what[500];		/* printable, NUL-terminated; the receiver makes sure */
};
struct msg_ids { struct msg_hdr h; uint32_t n, pad; char id[][QID_SIZE]; };

enum { MSG_MARK_TEXT = 80 };
struct mark {
	char id[QID_SIZE];
	uint32_t number;	/* qmgr's, of the job; the answer echoes it */
	uint32_t slot;
	uint8_t state;		/* enum slot_state of lib/qfile.h */
	uint8_t conneg_tries;
	uint16_t attempts;
	uint16_t code;		/* SMTP reply code, or 0 */
	char dsn[12];
	char text[MSG_MARK_TEXT];
	uint16_t flags;		/* enum slot_flag */
	uint32_t dead, since_s;	/* as in struct slot */
	uint64_t last_us, next_us;	/* wall clock: of the last attempt, of the next */
};
struct msg_marks { struct msg_hdr h; uint32_t n, pad; struct mark mark[]; };
struct marked { char id[QID_SIZE]; uint32_t number, gone; };	/* gone: 1 unlinked */
struct msg_marked { struct msg_hdr h; uint32_t n, pad; struct marked marked[]; };
struct msg_ack { struct msg_hdr h; uint32_t n, pad; uint32_t number[]; };	/* of jobs */
enum { MSG_MARKS_MAX = (MSG_MAX - sizeof(struct msg_marks)) / sizeof(struct mark) };

enum { JOB_DEST = 272 };
struct msg_job {
	struct msg_hdr h;	/* h.id: the job's number */
	char id[QID_SIZE];
	char dest[JOB_DEST];	/* next hop, a hop_name(): "[127.0.0.1]:25", "mx.example:25"; a
				 * domain whose MX is wanted, without port; or "local" */
	uint32_t n;		/* slots or records that follow */
	uint32_t last_try;	/* 1: the queue lifetime ends before another attempt */
	uint64_t expires_us;	/* wall clock */
};
struct msg_result { struct msg_hdr h; char id[QID_SIZE]; uint32_t n, bad_file; };	/* bad_file: 1
				 * the message's checksum is wrong: nothing was tried */
struct msg_expand { struct msg_hdr h; char id[QID_SIZE]; uint32_t slot, pad; };	/* whose recipient stands for others */
struct msg_expanded {
	struct msg_hdr h;
	uint32_t kind;		/* enum err_kind: ERR_NONE: a new message is committed, or nobody is left to get one */
	uint32_t flags;		/* RESULT_EXPANDED or RESULT_FORWARDED, or neither: what is to be told of it */
	char dsn[12];
	char what[244];		/* in words; printable, NUL-terminated */
};
struct msg_reported { struct msg_hdr h; char id[QID_SIZE]; char report[QID_SIZE]; };

enum {
	PLAN_FINAL = 1,		/* the message goes no further */
	PLAN_BOUNDS = 2,	/* no capabilities: the ranges of all that a conversion may cut */
	PLAN_ALL_PARTS = 4,	/* the details tell of every part, for who inquires */
	PLAN_ALTERNATIVES = 8	/* and of the forms that were not chosen, and why */
};
struct msg_plan {
	struct msg_hdr h;
	char id[QID_SIZE];
	uint64_t msg_len;	/* octets of the message at the file's start */
	uint32_t flags;		/* PLAN_… */
	uint32_t ncaps;		/* sets, each a struct plan_set and its text */
	uint32_t caps_len;	/* octets of all of them */
	uint32_t pad;
};
/* What the sender wishes for the recipients of one set: who may permit a conversion, and what fails. */
enum plan_wish {
	WISH_CONPERM,	/* RFC 4141: by Content-Convert */
	WISH_ADVISORY,	/* the same without CONPERM (rows B2) */
	WISH_DRUCOF,	/* usable or not at all: Content-DRUCOF, limited by Content-Convert */
	WISH_PREFER	/* the same where it can be had, else as it is */
};
struct plan_set { uint32_t len, wish; };	/* len: octets of the expression that follows */
struct msg_convert {
	struct msg_hdr h;
	char id[QID_SIZE];
	uint64_t msg_len;
	uint32_t key_len;	/* octets of the plan's key that follow; 0: nothing is converted */
	uint32_t record;	/* 1: Content-Converted besides Content-Previous (option record) */
	uint32_t transfer;	/* enum edit_transfer: what the hop takes */
	uint32_t pad;
};
struct msg_planned {	/* kind ERR_NONE: a descriptor comes with it */
	struct msg_hdr h;
	uint32_t kind;		/* enum err_kind; ERR_TEMP 4.6.5: busy or out of space */
	char dsn[12];
	uint64_t len;		/* octets of the memfd */
	char what[500];
};

enum act_verb {
	ACT_RETRY,	/* due now, whatever the schedule and the destination's state say */
	ACT_HOLD, ACT_RELEASE,
	ACT_BOUNCE,	/* fails with 5.4.7 and goes to bounce */
	ACT_REMOVE	/* gone without a report */
};
enum { ACT_MAX = 1024, ACT_ALL_SLOTS = UINT32_MAX };
struct act { char id[QID_SIZE]; uint32_t slot; };	/* slot: or ACT_ALL_SLOTS */
struct msg_act { struct msg_hdr h; uint32_t verb, n; struct act act[]; };
struct msg_acted {
	struct msg_hdr h;
	uint32_t done, busy, gone, pad;	/* recipients; busy: being delivered right now; gone: final, or
					 * no such message (counted once) */
};

enum { CAP_WANT_FEATURES = 1, CAP_WANT_KNOWN = 2 };
struct msg_cap_ask { struct msg_hdr h; uint32_t want, addr_len; };
enum cap_state { CAP_NONE, CAP_KNOWN, CAP_ANY, CAP_TEMP };
/* Where capabilities come from, from whom is trusted most to whom least; in files too, so a number stays what it
 * is. */
enum cap_source { SOURCE_NONE, SOURCE_CDB, SOURCE_OWN, SOURCE_LDAP, SOURCE_LEARNED, SOURCE_PROBE };
enum { CAP_LEARNED_S = 30 * 24 * 3600 };	/* so long counts what a report said */
struct msg_cap {
	struct msg_hdr h;
	uint32_t features;	/* enum cap_state: of the expression that follows */
	uint32_t known;		/* 1: a mailbox of ours; 0: not; 2: cannot tell now */
	uint32_t len;
	uint16_t source, pad;	/* enum cap_source */
	uint64_t since_s;	/* wall clock: when it was said; 0: SOURCE_CDB, or nothing is known */
};
struct msg_cap_set {
	struct msg_hdr h;
	uint32_t source;	/* enum cap_source, which has to be the channel's; SOURCE_NONE: each that capd
				 * keeps, with CAP_NONE alone */
	uint32_t state;		/* enum cap_state: KNOWN with its expression, ANY; NONE: forget */
	uint32_t ttl_s;		/* how long it counts; 0: for good */
	uint32_t addr_len, len, pad;	/* addr_len 0: of every address, with SOURCE_NONE alone */
};
/* len: octets of the message at the file's start. */
struct msg_report_came { struct msg_hdr h; char id[QID_SIZE]; uint64_t len; };
enum { TAG_TEXT = 104, TAG_RCPTS = 8 };	/* octets of a tag with its NUL; recipients that one can bind */
/* octets of what follows; alternative: 1: for that message alone, and another form of it is asked for (RFC
 * 3297, 6.2) */
struct msg_learned { struct msg_hdr h; uint32_t tag_len, addr_len, len, alternative; };
struct msg_offer { struct msg_hdr h; char tag[TAG_TEXT]; uint32_t sender_len, rcpt_len; };
struct msg_preferred { struct msg_hdr h; char tag[TAG_TEXT]; uint32_t addr_len, len; };
struct msg_tagged { struct msg_hdr h; char tag[TAG_TEXT]; };	/* "": there is none */
/* found 0: no mailbox here, or not to be found. */
struct msg_owned { struct msg_hdr h; uint32_t found, uid; };

enum inquiry_kind {
	INQUIRY_MESSAGE,	/* all that a delivery does up to the message's data */
	INQUIRY_CAPS,		/* RCPT ... CONNEG, to a hop that offers it; the file's message counts for nothing */
	INQUIRY_KINDS
};
struct msg_inquire {
	struct msg_hdr h;
	uint32_t kind, pad;	/* enum inquiry_kind */
	char id[QID_SIZE];	/* names it in the log; the command leaves it and dest empty */
	char dest[JOB_DEST];	/* as in struct msg_job */
};
struct msg_probe {
	struct msg_hdr h;
	char id[QID_SIZE];	/* names it in the log; remote's parent gives it */
	uint32_t addr_len, pad;
};
struct msg_inquired {
	struct msg_hdr h;
	uint32_t kind, pad;	/* enum err_kind; ERR_NONE: a descriptor comes with it */
	uint64_t len;		/* octets of the memfd */
	char dsn[12];
	char what[228];
	char route[JOB_DEST + 256];	/* as lib/route.h has it, and */
	char options[256];	/* the options of `destinations` for it: control's to say */
};

enum { LDAP_NAME = 32 };
struct msg_ldap_ask { struct msg_hdr h; unsigned char line[LDAP_NAME]; uint32_t addr_len, pad; };	/* line: as ldapline_name() */
struct msg_ldap_told {
	struct msg_hdr h;
	uint32_t found;		/* 1: somebody has the address; 0: nobody; 2: cannot be told now */
	uint32_t caps;		/* enum cap_state: NONE, KNOWN with the expression that follows, ANY, TEMP */
	uint32_t len, pad;
	uint64_t since_s;	/* when that was said, as the directory says; 0: it does not */
};

/* key: SHA-256 of the public half, a SubjectPublicKeyInfo (RFC 5280, 4.1) */
enum { MSG_KEY_ID = 32, MSG_SIGN_TEXT = 1024, MSG_SIGNATURE = 1024, MSG_SESSION_ID = 32, MSG_SESSION_TEXT = 1024 };
enum sign_hash { SIGN_NONE, SIGN_SHA256, SIGN_SHA384, SIGN_SHA512, SIGN_HASHES };	/* NONE: Ed25519's own */
struct msg_sign { struct msg_hdr h; unsigned char key[MSG_KEY_ID]; uint32_t hash, pss; };	/* enum sign_hash */
struct msg_kept { struct msg_hdr h; unsigned char id[MSG_SESSION_ID]; };

struct msg_credential { struct msg_hdr h; char dest[JOB_DEST]; };	/* a hop_name() */
enum { LOGIN_NAME = 256 };	/* octets of a login name with its NUL */
struct msg_login { struct msg_hdr h; char client[48]; uint32_t user_len, word_len; };	/* client: its address, text */
struct msg_logged_in { struct msg_hdr h; char user[LOGIN_NAME]; };	/* as who checked it calls him */

enum { RESOLVE_NAME = 254 };	/* octets of a name with its NUL (RFC 1035, 3.1) */
struct msg_resolve { struct msg_hdr h; uint32_t kind; char name[RESOLVE_NAME]; char pad[2]; };	/* enum
				 * resolve_kind; a host's name in lower case, A-labels */
struct msg_resolved {
	struct msg_hdr h;
	uint32_t kind;		/* enum err_kind: ERR_NONE, or what came of it */
	uint32_t source;	/* enum resolve_source */
	uint32_t dnssec;	/* enum resolve_dnssec */
	uint32_t ttl;		/* seconds */
	uint32_t nhost;		/* that follow */
	char dsn[12];
	char what[200];
};
/* cost_ms: how long it kept the session waiting */
struct msg_address { struct msg_hdr h; unsigned char a[16]; uint16_t port; uint16_t bad; uint32_t cost_ms; };

enum { PROGRAM_STRINGS = 16, PROGRAM_TEXT = 200 };
struct msg_program { struct msg_hdr h; uint32_t n, pad; };	/* strings: the user, the command, then NAME=value */
enum program_end { PROGRAM_EXITED, PROGRAM_KILLED, PROGRAM_LATE };
struct msg_program_ended {
	struct msg_hdr h;
	uint32_t end, status;	/* enum program_end; its exit status, or the signal */
	char text[PROGRAM_TEXT];	/* its last line; printable, NUL-terminated */
};

#endif

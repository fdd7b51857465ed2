/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "capd/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "capd/wait.h"
#include "lib/clock.h"
#include "lib/envelope.h"
#include "lib/figure.h"
#include "lib/log.h"

/* --- by which settings --- */

static struct old_settings **
old_place(struct capd *c, uint32_t number)
{
	struct old_settings **at = &c->old;

	while (*at != NULL && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

/* smtpd may have switched a moment before us: then they are here, and checked, but not in force. */
const struct directory *
capd_directory(struct capd *c, uint32_t number)
{
	struct old_settings *old = *old_place(c, number);

	if (old != NULL)
		return &old->directory;
	if (!c->daemon->next.open || c->daemon->next.number != number)
		return &c->directory;
	c->next = (struct directory){ .conf = &c->daemon->next.conf, .log = store_log(&c->store), .probe = &c->probe,
	    .ldap = &c->ldap, .db = c->next_db, .have_db = c->have_next, .known = c->next_known, .have_known = c->have_next_known };
	return &c->next;
}

static void
old_drop(struct old_settings **at)
{
	struct old_settings *old = *at;

	*at = old->next;
	directory_take(&old->directory, NULL);
	directory_take_known(&old->directory, NULL);
	conf_free(&old->conf);
	free(old);
}

/* Nobody has them any more, or too many are kept: who is left is answered by those in force. */
static void
old_tidy(struct capd *c)
{
	struct old_settings **at = &c->old;
	int n = 0;

	while (*at != NULL)
		if ((*at)->askers == 0 || n == CAPD_OLD_MAX)
			old_drop(at);
		else {
			at = &(*at)->next;
			n++;
		}
}

static int
asker_on_ask(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	(void)fds;
	return asker_ask(ch->arg, msg, len, e);
}

static const struct msg_rule from_asker[] = {
	{ MSG_CAP_ASK, sizeof(struct msg_cap_ask) + 1, sizeof(struct msg_cap_ask) + ENV_MAX_PATH, 0, 0,
	    asker_on_ask },
};

static void
asker_gone(struct chan *ch, const struct err *why)
{
	struct asker *a = ch->arg;
	struct old_settings *old;

	(void)why;
	loop_cancel(&a->capd->daemon->loop, &a->patience);
	buf_free(&a->held);
	a->capd->nasker--;
	if ((old = *old_place(a->capd, a->settings)) != NULL && --old->askers == 0)
		old_tidy(a->capd);
	*a->prev = a->next;
	if (a->next != NULL)
		a->next->prev = a->prev;
	free(a);
}

int
capd_add_asker(struct capd *c, int fd, enum role parent, uint32_t settings, struct err *e)
{
	struct asker *a = calloc(1, sizeof *a);
	struct old_settings *old = *old_place(c, settings);

	if (a == NULL) {
		close(fd);
		return err_sys(e, "asker");
	}
	a->capd = c;
	a->parent = parent;
	a->to = &a->chan;
	a->settings = settings;
	a->patience = (struct timer){ .fire = asker_impatient, .arg = a };
	buf_init(&a->held, sizeof(struct msg_cap_ask) + ENV_MAX_PATH);
	if (chan_open(&a->chan, &c->daemon->loop, fd, "asker", from_asker,
	    sizeof from_asker / sizeof *from_asker, asker_gone, a, e) == -1) {
		close(fd);
		free(a);
		return -1;
	}
	a->chan.most = CAPD_UNREAD;
	a->next = c->askers;
	a->prev = &c->askers;
	if (a->next != NULL)
		a->next->prev = &a->next;
	c->askers = a;
	c->nasker++;
	if (old != NULL)
		old->askers++;
	return 0;
}

static int
parent_on_session(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct capd *c = ch->arg;
	int fd = fds[0];

	(void)len;
	fds[0] = -1;
	return capd_add_asker(c, fd, (enum role)(ch - c->parent), ((const struct msg_hdr *)msg)->id, e);
}

static int
control_on_ask(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct capd *c = ch->arg;

	(void)fds;
	c->person.settings = c->number;
	return asker_ask(&c->person, msg, len, e);
}

/* Each channel says what one source says; whose address it may be is judged by who sends it. */
static int
control_on_set(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct capd *c = ch->arg;
	const struct msg_cap_set *m = msg;
	struct msg_refused no = { 0 };
	struct msg_hdr done;
	struct err why = { 0 };

	(void)fds;
	if ((uint64_t)m->addr_len + m->len != len - sizeof *m || m->state > CAP_ANY ||
	    (m->source != SOURCE_OWN && (m->source != SOURCE_NONE || m->state != CAP_NONE)) ||
	    (m->addr_len == 0 && m->source != SOURCE_NONE))
		return err_set(e, ERR_PROTO, NULL, "a change of %zu octets", len);
	if (m->source == SOURCE_NONE) {
		probe_forget(&c->probe, span_of(m + 1, m->addr_len));
		ldap_forget(&c->ldap);
	}
	if (store_set(&c->store, &c->directory, m, &why) == 0)
		return chan_send(ch, &done, MSG_CAP_SETTED, m->h.id, sizeof done, NULL, 0, e);
	no.kind = (uint32_t)why.kind;
	snprintf(no.dsn, sizeof no.dsn, "%s", why.dsn);
	snprintf(no.what, sizeof no.what, "%s", why.what);
	return chan_send(ch, &no.h, MSG_REFUSED, m->h.id, sizeof no, NULL, 0, e);
}

/* Nobody waits for an answer.  The sender knows whom the report was about, not whether it has to be believed
 * more than others: that is the order of the sources. */
static int
learn_on_set(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct capd *c = ch->arg;
	const struct msg_cap_set *m = msg;
	struct span addr = span_of(m + 1, m->addr_len);
	struct err why = { 0 };

	(void)fds;
	if ((uint64_t)m->addr_len + m->len != len - sizeof *m || m->addr_len == 0 || m->addr_len > ENV_MAX_PATH ||
	    m->source != SOURCE_LEARNED || m->state != CAP_KNOWN || m->ttl_s != CAP_LEARNED_S)
		return err_set(e, ERR_PROTO, NULL, "a change of %zu octets", len);
	if (store_set(&c->store, &c->directory, m, &why) == 0)
		log_line(LOG_INFO, NULL, "caps-learned", "to=%s", log_qs(addr));
	else
		log_line(LOG_WARN, NULL, "caps-unlearned", "to=%s why=%s", log_qs(addr), log_q(why.what));
	return 0;
}

/* The last row is remote's alone. */
static const struct msg_rule from_parent[] = {
	{ MSG_SESSION, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 1, 1, parent_on_session },
	{ MSG_INQUIRED, sizeof(struct msg_inquired), sizeof(struct msg_inquired), 0, 1, remote_on_inquired },
};
static const struct msg_rule from_control[] = {
	{ MSG_CAP_ASK, sizeof(struct msg_cap_ask) + 1, sizeof(struct msg_cap_ask) + ENV_MAX_PATH, 0, 0,
	    control_on_ask },
	{ MSG_CAP_SET, sizeof(struct msg_cap_set), MSG_MAX, 0, 0, control_on_set },
};
static const struct msg_rule from_learn[] = {
	{ MSG_CAP_SET, sizeof(struct msg_cap_set), MSG_MAX, 0, 0, learn_on_set },
};
static const struct msg_rule from_ldap[] = {
	{ MSG_LDAP_TOLD, sizeof(struct msg_ldap_told), MSG_MAX, 0, 0, ldap_on_told },
};
/* Who may say what. */
static const struct { const struct msg_rule *rule; size_t n; } rules[ROLE_COUNT] = {
	[ROLE_SMTPD] = { from_parent, 1 }, [ROLE_LOCAL] = { from_parent, 1 },
	[ROLE_REMOTE] = { from_parent, sizeof from_parent / sizeof *from_parent },
	[ROLE_CONTROL] = { from_control, sizeof from_control / sizeof *from_control },
	[ROLE_LEARN] = { from_learn, sizeof from_learn / sizeof *from_learn },
	[ROLE_LDAP] = { from_ldap, sizeof from_ldap / sizeof *from_ldap },
};

/* Nobody waits for that answer any more. */
static void
person_forget(struct capd *c)
{
	loop_cancel(&c->daemon->loop, &c->person.patience);
	buf_clear(&c->person.held);
}

static void
parent_gone(struct chan *ch, const struct err *why)
{
	struct capd *c = ch->arg;

	(void)why;
	log_line(LOG_INFO, NULL, "peer-gone", "peer=%s", ch->name);
	if (ch == &c->parent[ROLE_REMOTE])
		remote_lost(c);
	else if (ch == &c->parent[ROLE_LDAP])
		directories_lost(c);
	else if (ch == &c->parent[ROLE_CONTROL])
		person_forget(c);
}

static int
capd_connect(struct capd *c, enum role role, int fd, struct err *e)
{
	if (role >= ROLE_COUNT || rules[role].rule == NULL)
		return err_set(e, ERR_PROTO, NULL, "a channel to %s", role_name(role));
	chan_close(&c->parent[role]);
	if (role == ROLE_REMOTE)	/* the news of its end may come after its successor's channel */
		remote_lost(c);
	else if (role == ROLE_LDAP)
		directories_lost(c);
	else if (role == ROLE_CONTROL)
		person_forget(c);
	if (chan_open(&c->parent[role], &c->daemon->loop, fd, role_name(role), rules[role].rule, rules[role].n,
	    parent_gone, c, e) == 0)
		return 0;
	close(fd);
	return -1;
}

static void
capd_on_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	struct err e = { 0 };

	(void)generation;
	if (capd_connect(arg, role, fd, &e) == -1)
		log_line(LOG_ERR, NULL, "no-channel", "peer=%s why=%s", role_name(role), log_q(e.what));
}

static void
capd_on_file(void *arg, const char *name, int fd)
{
	struct capd *c = arg;
	struct err e = { 0 };

	if (strcmp(name, "caps.cdb") != 0) {
		close(fd);
	} else if (directory_replace(&c->directory, fd, &e) == -1) {
		log_line(LOG_ERR, NULL, "caps-refused", "why=%s", log_q(e.what));
	} else {
		log_line(LOG_INFO, NULL, "caps-replaced", "");
	}
}

/* --- a reload --- */

static void
capd_kept(void *arg)
{
	struct capd *c = arg;

	if (c->have_next)
		capsdb_close(&c->next_db);
	if (c->have_next_known)
		known_close(&c->next_known);
	c->have_next = c->have_next_known = false;
}

static int
capd_check(void *arg, struct daemon_next *next, struct err *e)
{
	struct capd *c = arg;
	int caps = daemon_next_take(next, "caps.cdb"), known = daemon_next_take(next, "known");

	capd_kept(c);
	c->have_next = caps != -1 && capsdb_open(&c->next_db, caps, e) == 0;
	c->have_next_known = known != -1 && known_open(&c->next_known, known, e) == 0;
	return (caps != -1 && !c->have_next) || (known != -1 && !c->have_next_known) ? -1 : 0;
}

static void
capd_switched(void *arg, struct conf *old)
{
	struct capd *c = arg;
	struct old_settings *kept = calloc(1, sizeof *kept);

	if (kept != NULL) {		/* else sessions get the new ones now */
		*kept = (struct old_settings){ .next = c->old, .number = c->number, .conf = *old,
		    .directory = c->directory };
		*old = (struct conf){ 0 };
		kept->directory.conf = &kept->conf;
		for (const struct asker *a = c->askers; a != NULL; a = a->next)
			kept->askers += a->settings == c->number;
		c->old = kept;
		c->directory.have_db = c->directory.have_known = false;
	}
	directory_take(&c->directory, c->have_next ? &c->next_db : NULL);
	directory_take_known(&c->directory, c->have_next_known ? &c->next_known : NULL);
	c->have_next = c->have_next_known = false;
	ldap_forget(&c->ldap);		/* a directory may be another one now, or its password right */
	c->number = c->daemon->settings;
	old_tidy(c);
}

static void
capd_stats(void *arg, struct buf *out)
{
	const struct capd *c = arg;

	figure_add(out, "accord_capd_askers", c->nasker);
	figure_add(out, "accord_capd_entries", c->store.log.n);
	figure_add(out, "accord_capd_directory_answers", c->ldap.asked.n);
	figure_add(out, "accord_capd_directory_questions_total", c->ldap.asked.total);
	figure_add(out, "accord_capd_probed", c->probe.asked.n);
	figure_add(out, "accord_capd_probes_total", c->probe.asked.total);
	figure_add(out, "accord_capd_questions_total", c->answers);
	figure_add(out, "accord_capd_hits_total", c->hits);
}

static int
open_known(struct capd *c, int fd, struct err *e)
{
	struct known known;

	if (fd == -1)
		return 0;
	if (known_open(&known, fd, e) == -1)
		return -1;
	directory_take_known(&c->directory, &known);
	return 0;
}

int
capd_open(struct capd *c, struct daemon *d, struct err *e)
{
	uint64_t seed;

	*c = (struct capd){ .daemon = d, .number = d->settings };
	if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		return err_sys(e, "random octets");
	probe_init(&c->probe, seed);
	ldap_open(&c->ldap);
	c->person = (struct asker){ .capd = c, .parent = ROLE_CONTROL, .to = &c->parent[ROLE_CONTROL] };
	c->person.patience = (struct timer){ .fire = asker_impatient, .arg = &c->person };
	buf_init(&c->person.held, sizeof(struct msg_cap_ask) + ENV_MAX_PATH);
	store_open(&c->store, daemon_file(d, "caps"));
	if (directory_open(&c->directory, &d->conf, store_log(&c->store), &c->probe, &c->ldap,
	    daemon_file(d, "caps.cdb"), e) == -1 || open_known(c, daemon_file(d, "known"), e) == -1)
		return -1;
	for (int r = 0; r < ROLE_COUNT; r++)
		if (d->peer_fd[r] != -1 && capd_connect(c, r, d->peer_fd[r], e) == -1)
			return -1;
	d->peer = capd_on_peer;
	d->file_changed = capd_on_file;
	d->check = capd_check;
	d->switched = capd_switched;
	d->kept = capd_kept;
	d->stats = capd_stats;
	d->arg = c;
	return 0;
}

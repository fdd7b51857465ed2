/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/figure.h"

#define GAUGE(name, help) { "accord_" name, FIGURE_GAUGE, help }
#define COUNTER(name, help) { "accord_" name, FIGURE_COUNTER, help }

static const struct figure_decl table[] = {
	GAUGE("answering", "1: the process answered the question for its figures, 0: it did not in time"),
	GAUGE("uptime_seconds", "seconds since accord was started"),
	COUNTER("restarts_total", "times that a process was started again after it had died"),
	COUNTER("watchdog_kills_total", "processes that were killed because they did not answer"),
	COUNTER("reloads_total", "reloads of the settings, by their result"),
	GAUGE("settings", "number of the settings in force: 1 at start, higher with each reload"),
	COUNTER("log_lines_dropped_total", "log lines that nobody took, by the process that wrote them"),
	GAUGE("smtpd_sessions", "sessions in, now"),
	GAUGE("smtpd_sessions_max", "sessions in, at once, at most"),
	GAUGE("smtpd_processes", "session processes, idle ones too"),
	COUNTER("smtpd_connections_total", "connections that came in"),
	COUNTER("smtpd_refused_total", "connections that were refused with 421, by the reason"),
	COUNTER("smtpd_logins_failed_total", "logins that were refused"),
	COUNTER("smtpd_crashes_total", "session processes that died"),
	COUNTER("queue_commits_total", "messages accepted, on stable storage"),
	COUNTER("queue_flushes_total", "batches made durable"),
	COUNTER("queue_commits_refused_total", "messages that could not be made durable"),
	GAUGE("queue_sessions", "processes that may bring messages"),
	GAUGE("queue_waiting", "messages that wait for their flush"),
	GAUGE("queue_space_octets", "free space above the reserve, as it was last asked for"),
	GAUGE("queue_space_low", "1: new mail is refused for want of space or inodes"),
	GAUGE("queue_messages", "messages in the queue that are known to the scheduler"),
	GAUGE("qmgr_entries", "messages, once for each destination"),
	GAUGE("qmgr_entries_waiting", "of them: for their next try"),
	GAUGE("qmgr_entries_ready", "of them: due, for a place"),
	GAUGE("qmgr_entries_busy", "of them: under way"),
	GAUGE("qmgr_destinations", "next hops that mail waits for"),
	GAUGE("qmgr_destinations_dead", "of them: those that do not answer"),
	GAUGE("qmgr_jobs", "deliveries and reports begun and not yet on the disk"),
	GAUGE("qmgr_active", "deliveries under way, by kind"),
	GAUGE("qmgr_scanning", "1: the queue's directories are being read"),
	COUNTER("qmgr_delivered_total", "recipients delivered to or handed on"),
	COUNTER("qmgr_deferred_total", "tries that are to be repeated"),
	COUNTER("qmgr_failed_total", "recipients that failed for good"),
	COUNTER("qmgr_bounced_total", "reports of failures that are in the queue, or were not due"),
	GAUGE("remote_sessions", "sessions out that have a job"),
	GAUGE("remote_sessions_idle", "sessions out that wait for a job"),
	COUNTER("remote_sessions_total", "session processes started"),
	COUNTER("remote_jobs_total", "jobs done"),
	COUNTER("remote_sessions_lost_total", "sessions that ended within a job"),
	COUNTER("remote_inquiries_total", "inquiries answered"),
	GAUGE("resolver_queries", "DNS questions under way"),
	COUNTER("resolver_queries_total", "DNS questions asked, those answered from the cache too"),
	COUNTER("resolver_failures_total", "DNS questions that got no answer, or none that validates"),
	GAUGE("local_jobs", "deliveries here, under way"),
	COUNTER("local_deliveries_total", "delivery processes started"),
	COUNTER("local_reports_total", "reports that were shown to learn"),
	GAUGE("convertd_jobs", "conversions and plans under way"),
	GAUGE("convertd_jobs_waiting", "of them waiting for their turn"),
	GAUGE("convertd_cache_octets", "octets of converted copies kept"),
	GAUGE("convertd_cache_copies", "converted copies kept"),
	COUNTER("convertd_conversions_total", "jobs done"),
	COUNTER("convertd_failures_total", "jobs that failed"),
	COUNTER("convertd_cache_hits_total", "conversions answered from the copies kept"),
	GAUGE("ldap_workers", "processes that ask a directory"),
	COUNTER("ldap_questions_total", "questions put to directories"),
	COUNTER("ldap_failures_total", "questions that a directory did not answer"),
	GAUGE("capd_askers", "processes that may ask"),
	GAUGE("capd_directory_answers", "addresses that directories were asked about, and that is remembered"),
	COUNTER("capd_directory_questions_total", "questions put to directories"),
	GAUGE("capd_entries", "recipients whose capabilities it keeps itself"),
	GAUGE("capd_probed", "addresses that other hosts were asked about, and that is remembered"),
	COUNTER("capd_probes_total", "questions put to other hosts, by their SRV records"),
	COUNTER("capd_questions_total", "questions answered"),
	COUNTER("capd_hits_total", "questions whose recipient's capabilities are known"),
	GAUGE("learn_waiting", "reports about our mail that wait to be read"),
	COUNTER("learn_reports_total", "reports about our mail that were read, or tried"),
	GAUGE("offer_kept", "messages that other forms are offered of, and records of them"),
	GAUGE("offer_octets", "octets of the messages among them"),
	COUNTER("offer_sent_total", "messages sent again in another form"),
	COUNTER("offer_refused_total", "wishes for another form that were refused"),
	COUNTER("learn_learned_total", "recipients whose capabilities a report has told"),
	GAUGE("key_sessions", "SMTP sessions that have a channel to key"),
	GAUGE("key_keys", "private keys that key holds"),
	GAUGE("key_kept", "TLS sessions that may be resumed"),
	COUNTER("key_signatures_total", "signatures made for TLS handshakes"),
	COUNTER("key_refused_total", "signatures that were refused"),
	COUNTER("key_resumed_total", "TLS sessions found again for who resumes them"),
	GAUGE("auth_sessions", "SMTP sessions that have a channel to auth"),
	GAUGE("auth_waiting", "logins that wait to be checked"),
	GAUGE("auth_processes", "processes that check a login now"),
	COUNTER("auth_logins_total", "logins that were checked, by what came of them"),
	GAUGE("expand_waiting", "recipients who stand for others, whose message is being written"),
	COUNTER("expand_messages_total", "messages written to those for whom an address stands"),
	COUNTER("bounce_reports_total", "reports of failures and notices that were made"),
	GAUGE("control_clients", "accord commands that are connected"),
	COUNTER("control_submitted_total", "messages taken from local users"),
};

const struct figure_decl *
figure_find(struct span name)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (span_is(name, table[i].name))
			return &table[i];
	return NULL;
}

const struct figure_decl *
figure_at(size_t i)
{
	return i < sizeof table / sizeof *table ? &table[i] : NULL;
}

void
figure_add(struct buf *out, const char *name, uint64_t value)
{
	struct err ignored;

	(void)buf_addf(out, &ignored, "%s %llu\n", name, (unsigned long long)value);
}

void
figure_of(struct buf *out, const char *name, const char *label, const char *text, uint64_t value)
{
	char quoted[200];
	struct err ignored;
	size_t n = 0;

	for (; *text != '\0' && n + 3 < sizeof quoted; text++) {
		if (*text == '"' || *text == '\\')
			quoted[n++] = '\\';
		quoted[n++] = (unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e ? '?' : *text;
	}
	quoted[n] = '\0';
	(void)buf_addf(out, &ignored, "%s{%s=\"%s\"} %llu\n", name, label, quoted,
	    (unsigned long long)value);
}

/* [a-z_][a-z0-9_]* at the start of s; empty: none. */
static struct span
take_name(struct span *s)
{
	size_t n = 0;
	struct span name;

	while (n < s->n && ((s->p[n] >= 'a' && s->p[n] <= 'z') || s->p[n] == '_' ||
	    (n > 0 && s->p[n] >= '0' && s->p[n] <= '9')))
		n++;
	name = span_sub(*s, 0, n);
	*s = span_sub(*s, n, s->n);
	return name;
}

bool
figure_label(struct span *labels, struct span *name, struct span *text)
{
	size_t n = 0;

	*name = take_name(labels);
	if (name->n == 0 || labels->n < 3 || labels->p[0] != '=' || labels->p[1] != '"')
		return false;
	*labels = span_sub(*labels, 2, labels->n);
	while (n < labels->n && labels->p[n] != '"')
		n += labels->p[n] == '\\' ? 2 : 1;
	if (n >= labels->n)
		return false;
	*text = span_sub(*labels, 0, n);
	*labels = span_sub(*labels, n + 1, labels->n);
	if (labels->n > 0 && labels->p[0] == ',')
		*labels = span_sub(*labels, 1, labels->n);
	return true;
}

static bool
printable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

bool
figure_read(struct span line, struct figure *f)
{
	struct span name, text, rest;

	f->name = take_name(&line);
	f->labels = span_of(NULL, 0);
	if (f->name.n == 0 || !printable(line))
		return false;
	if (line.n > 0 && line.p[0] == '{') {
		rest = line = span_sub(line, 1, line.n);
		while (rest.n > 0 && rest.p[0] != '}')
			if (!figure_label(&rest, &name, &text))
				return false;
		if (rest.n == 0)
			return false;
		f->labels = span_sub(line, 0, line.n - rest.n);
		line = span_sub(rest, 1, rest.n);
	}
	return line.n > 1 && line.p[0] == ' ' && span_u64(span_sub(line, 1, line.n), UINT64_MAX, &f->value);
}

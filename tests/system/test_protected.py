# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Content under a signature or a cipher, judged by what the next hop heard and got: what MIME protects stays
octet for octet, under DRUCOF too; a message that is signed as a whole (DKIM, ARC) is converted where somebody demands it,
by CONPERM or DRUCOF, and then its broken signature is told of."""
import re

import dsn
import fax
from harness import Instance, Peer, Shared, crlf, dot, wait_for

SENDER = "postmaster@gateway.example"
BOTH = ["PIPELINING", "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES", "CONPERM", "CONNEG"]
SEVEN = [w for w in BOTH if w != "8BITMIME"]
DKIM = ("DKIM-Signature: v=1; a=rsa-sha256; d=client.example; s=key1; h=from:to;\n"
        "\tbh=MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=; b=dzdVyOfAKCdLXdJOc9G2q8Lo\n")
SECOND = DKIM.replace("client.example; s=key1", "list.example; s=key2")
ARC = "ARC-Seal: i=1; a=rsa-sha256; cv=none; d=list.example; s=arc1; b=dzdVyOfAKCdLXdJOc9G2q8Lo\n"
NEUTRAL = r'dkim=neutral reason="changed here, and not verified before" header\.d={} header\.s={}'


def multipart(kind, *parts, mark="==s"):
    inner = "".join(f"--{mark}\n" + p.rstrip("\n") + "\n" for p in parts)
    return f'Content-Type: multipart/{kind}; boundary="{mark}"\n\n{inner}--{mark}--\n'


def single(kind, body="bm8gaW1hZ2U=\n"):
    """A part of that type, with every permission."""
    return (f'Content-Type: {kind}; name="page.tif"\nContent-Transfer-Encoding: base64\n'
            f"Content-Convert: ANY\n\n{body}")


SIGNATURE = "Content-Type: application/{}-signature\n\nxyz"
SIGNED = 'signed; protocol="application/pkcs7-signature"; micalg=sha-256', fax.image(), SIGNATURE.format("pkcs7")
PGP_TEXT = ("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n- -- \nHello. \n"
            "-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n")
WITH_ANOTHER, ATTACHED = "signed, with another image", "in an attached message"
PROTECTED = {
    "signed, S/MIME": multipart(*SIGNED),
    "signed, PGP": multipart('signed; protocol="application/pgp-signature"; micalg=pgp-sha256', fax.image(),
                             SIGNATURE.format("pgp")),
    "a multipart that is signed": multipart(SIGNED[0], multipart("mixed", fax.text(), fax.image(), mark="==m"),
                                            SIGNATURE.format("pkcs7")),
    WITH_ANOTHER: multipart("mixed", multipart(*SIGNED), fax.image(), mark="==m"),
    "encrypted, PGP": multipart('encrypted; protocol="application/pgp-encrypted"',
                                "Content-Type: application/pgp-encrypted\n\nVersion: 1", fax.image()),
    "encrypted, in a form that could be read": multipart('encrypted; protocol="application/x-own"', fax.text(), fax.image()),
    ATTACHED: multipart("mixed", "Content-Type: message/rfc822\n\n" +
                                        fax.message(multipart(*SIGNED)), mark="==m"),
    **{kind: single(kind) for kind in ("application/pkcs7-mime; smime-type=signed-data",
                                       "application/pkcs7-mime; smime-type=enveloped-data",
                                       "application/x-pkcs7-mime", "application/pgp; format=text; x-action=sign",
                                       "application/pgp; x-action=encrypt", "application/pgp-encrypted",
                                       "application/pgp-signature")},
}


class Between(Shared):
    """Hops with machines that take MH, one without 8BITMIME, two with limits, and an accord in front of them."""

    @classmethod
    def setUpClass(cls):
        cls.hop = cls.share(Peer(ext=BOTH, caps={f"{n}@far.example": fax.MH for n in "bc"}))
        cls.carries = cls.share(Peer(ext=BOTH + ["DRUCOF PREFER"], caps={f"{n}@carries.example": fax.MH for n in "bc"}))
        cls.seven = cls.share(Peer(ext=SEVEN, caps={"b@seven.example": fax.MH}))
        cls.small, cls.large = (cls.share(Peer(ext=BOTH, caps={f"b@{n}.example": fax.MH})) for n in ("small", "large"))
        routes = {"far": cls.hop, "carries": cls.carries, "seven": cls.seven, "small": cls.small, "large": cls.large}
        cls.acc = cls.share(Instance(
            smtproutes=[f"{name}.example{hop.route}" for name, hop in routes.items()],
            caps=f"here@gateway.example {fax.MH}",
            mailboxes=[f"{SENDER} maildir:mail/postmaster", "here@gateway.example maildir:mail/here"]))

    def through(self, message, conperm, to="b@far.example", rcpt=""):
        """What the hop gets: the message, with its envelope and id."""
        hop = self.hop if to.endswith("@far.example") else self.seven
        got = len(hop.messages)
        said = self.acc.send(SENDER, [to], message, mail=" CONPERM" if conperm else "", rcpt=rcpt)
        wait_for(lambda: len(hop.messages) > got)
        return {**hop.messages[-1], "id": re.search(r"[0-9a-zA-Z]{12,}", said[-1])[0]}

    def told(self, got, n=0):
        """What the log says of signatures, of the message with that Received field; so many are waited for."""
        want = {"event": "signature-broken", "id": got["id"]}
        lines = self.acc.logged(n, **want) if n else self.acc.log_lines(**want)
        return [(l["domain"], l["selector"]) for l in lines]


class Mime(Between):
    def test_R29_what_is_signed_or_encrypted_stays_octet_for_octet(self):
        for name, part in PROTECTED.items():
            for conperm in (True, False):
                with self.subTest(name, conperm=conperm):
                    sent = fax.message(part)
                    got = self.through(sent, conperm)
                    self.assertTrue(fax.same(got["data"], sent))
                    self.assertEqual((" CONPERM" in got["mail"], " CONNEG" in got["rcpt"][0]), (conperm, True))
                    self.assertEqual(self.told(got), [])

    def test_R29_beside_what_is_converted_it_stays_octet_for_octet(self):
        fits = "fax/ccitt1-S.tif"
        beside = [multipart(SIGNED[0], fax.image(fits, kind="image/tiff"), SIGNED[2]),
                  "Content-Type: text/plain; charset=us-ascii\n\n" + PGP_TEXT]
        for part in beside:
            for conperm in (True, False):
                with self.subTest(part[:30], conperm=conperm):
                    got = self.through(fax.message(multipart("mixed", part, fax.image(), mark="==m")), conperm)
                    self.assertEqual(fax.codings(got["data"])[-1], {("MH", (204, 196))})
                    self.assertIn(crlf("--==m\n" + part.rstrip("\n") + "\n--==m\n"), got["data"])
                    self.assertEqual(self.told(got), [])


class Drucof(Between):
    """The sender wants what each can use, or nothing: what is protected can be neither made that nor left out."""
    WISHES = {"b": " DRUCOF", "c": " DRUCOF=PREFER"}

    def test_R29_under_DRUCOF_it_goes_octet_for_octet_or_not_at_all(self):
        """D2 relays it with DRUCOF, D3 fails it with 5.6.3; with PREFER it goes as it is (B2d), and what stands beside it is
        converted.  omission-permitted changes nothing of that, but of an attached message, which may go as a whole."""
        may_go = [multipart("mixed", fax.text(), "Content-DRUCOF: omission-permitted\n" + part, mark="==o")
                  for name, part in PROTECTED.items() if name != ATTACHED]
        cases = [fax.message(part, top=f"X-Case: {n}\n") for n, part in enumerate(list(PROTECTED.values()) + may_go)]
        with self.acc.client() as c:
            c.ehlo()
            for message in cases:
                c.must("250", f"MAIL FROM:<{SENDER}>")
                for domain in ("far", "carries"):
                    for name, wish in self.WISHES.items():
                        c.must("250", f"RCPT TO:<{name}@{domain}.example>{wish}")
                c.must("354", "DATA")
                c.must("250", data=dot(message))
        self.acc.wait_empty()
        want = {self.hop: ["c"], self.carries: ["b DRUCOF", "c DRUCOF=PREFER"]}
        for hop, rcpts in want.items():
            got = {}
            for m in hop.messages:
                name, rest = re.fullmatch(r"RCPT TO:<(.)@.*?>(.*)", m["rcpt"][0]).groups()
                n = int(fax.parse(m["data"])["X-Case"])
                got.setdefault(n, []).append(name + rest.replace(" CONNEG", ""))
                if name == "c" and n % len(PROTECTED) == list(PROTECTED).index(WITH_ANOTHER):
                    self.assertIn(crlf(multipart(*SIGNED)), m["data"])
                    self.assertEqual(fax.codings(m["data"])[1], {("MH", (204, 196))})
                else:
                    self.assertTrue(fax.same(m["data"], cases[n]), cases[n][:400])
            self.assertEqual({n: sorted(r) for n, r in got.items()}, dict.fromkeys(range(len(cases)), rcpts))
        reports = [dsn.stored(m).recipients for m in self.acc.maildir()]
        self.assertEqual([[(f["final-recipient"], f["status"]) for f in r] for r in reports],
                         [[("rfc822;b@far.example", "5.6.3")]] * len(cases))


class Whole(Between):
    """DKIM, ARC: what is signed is the message."""

    def results(self, data, me="gateway.example"):
        """The field on top, unfolded, without its name; the rest."""
        field, rest = re.fullmatch(rb"Authentication-Results: (.*\r\n(?:[ \t].*\r\n)*)([\s\S]*)", data).groups()
        self.assertNotIn(b"Authentication-Results", rest)
        self.assertTrue(rest.startswith(b"Received: "))
        self.assertTrue(field.startswith(me.encode() + b";"))
        return " ".join(field.decode().split())[len(me) + 2:]

    def test_B2f_permission_alone_converts_no_signed_message(self):
        for top in (DKIM, ARC, ARC + DKIM + SECOND):
            with self.subTest(top[:14]):
                sent = fax.message(fax.image(), top=top)
                got = self.through(sent, False)
                self.assertTrue(fax.same(got["data"], sent))
                self.assertTrue(got["rcpt"][0].endswith(" CONNEG"))
                row, = self.acc.logged(1, event="negotiated", id=got["id"])
                self.assertEqual((row["row"], self.told(got)), ("B2f", []))

    def test_a_signature_in_a_part_is_none_of_the_message(self):
        for more in (fax.image(extra=DKIM), fax.text(DKIM)):
            part = multipart("mixed", fax.image(), more)
            got = self.through(fax.message(part), False)
            self.assertEqual(fax.codings(got["data"])[0], {("MH", (204, 196))})
            self.assertEqual(self.told(got), [])
            self.assertNotIn(b"Authentication-Results", got["data"])

    def test_under_CONPERM_it_is_converted_and_told_of(self):
        first, second = NEUTRAL.format("client.example", "key1"), NEUTRAL.format("list.example", "key2")
        for top, field, told in ((DKIM, first, ["client.example key1"]),
                                 (SECOND + DKIM, second + "; " + first, ["list.example key2", "client.example key1"]),
                                 (ARC, r"none \(changed here, which no ARC-Seal outlives\)", ["list.example arc1"])):
            with self.subTest(told):
                got = self.through(fax.message(fax.image(), top=top), True)
                self.assertEqual(fax.codings(got["data"]), [{("MH", (204, 196))}])
                self.assertRegex(self.results(got["data"]), f"^{field}$")
                self.assertIn(crlf(top), got["data"])
                self.assertEqual([" ".join(t) for t in self.told(got, len(told))], told)

    def test_under_DRUCOF_too_also_if_it_is_only_preferred(self):
        """Without a Content-Convert: the request is the permission.  PREFER counts as DRUCOF does."""
        for wish in (" DRUCOF", " DRUCOF=PREFER"):
            with self.subTest(wish):
                got = self.through(fax.message(fax.image(convert=None), top=DKIM), False, rcpt=wish)
                self.assertEqual(fax.codings(got["data"]), [{("MH", (204, 196))}])
                self.assertRegex(self.results(got["data"]), f"^{NEUTRAL.format('client.example', 'key1')}$")
                self.assertEqual(self.told(got, 1), [("client.example", "key1")])

    def test_what_fits_stays_whole(self):
        sent = fax.message(fax.image("fax/ccitt1-S.tif", kind="image/tiff"), top=DKIM)
        got = self.through(sent, True)
        self.assertTrue(fax.same(got["data"], sent))
        self.assertEqual(self.told(got), [])

    def test_another_transfer_encoding_breaks_it_too(self):
        """SIZE counts what is said of that (RFC 1870, 5: no smaller than the message)."""
        sent = fax.message("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
                           "The caf\u00e9 is open all day long, and well beyond that.\n", top=DKIM)
        got = self.through(sent, False, "b@seven.example")
        self.assertRegex(self.results(got["data"]), f"^{NEUTRAL.format('client.example', 'key1')}$")
        self.assertIn(b"caf=C3=A9", got["data"])
        self.assertIn(f" SIZE={len(got['data'])}", got["mail"])
        self.assertEqual(self.told(got, 1), [("client.example", "key1")])

    def test_in_a_mailbox_here(self):
        self.acc.send(SENDER, ["here@gateway.example"], fax.message(fax.image(), top=DKIM), mail=" CONPERM")
        fits = fax.message(fax.image("fax/ccitt1-S.tif", kind="image/tiff"), top=DKIM)
        self.acc.send(SENDER, ["here@gateway.example"], fits, mail=" CONPERM")
        found = wait_for(lambda: len(m := self.acc.maildir("mail/here")) == 2 and m)
        (data,), (as_it_was,) = ([m for m in found if (b"Content-Previous" in m) == changed] for changed in (True, False))
        self.assertNotIn(b"Authentication-Results", as_it_was)
        self.assertEqual(fax.codings(data), [{("MH", (204, 196))}])
        top = re.fullmatch(rb"Return-Path: .*\nDelivered-To: .*\n([\s\S]*)", data)[1]
        self.assertRegex(self.results(top.replace(b"\n", b"\r\n")), f"^{NEUTRAL.format('client.example', 'key1')}$")
        line, = self.acc.logged(1, event="signature-broken", to="here@gateway.example")
        self.assertEqual((line["domain"], line["selector"]), ("client.example", "key1"))

    def test_a_hop_with_too_little_room_for_what_is_told(self):
        sent = fax.message(fax.image(), top=DKIM)
        size = len(self.through(sent, True)["data"])
        for hop, limit in ((self.small, size - 1), (self.large, size)):
            hop.ext[hop.ext.index("SIZE 0")] = f"SIZE {limit}"
        self.acc.send(SENDER, ["b@small.example", "b@large.example"], sent, mail=" CONPERM")
        self.acc.wait_empty()
        self.assertEqual([len(hop.messages) for hop in (self.small, self.large)], [0, 1])
        report, = [dsn.stored(m) for m in wait_for(self.acc.maildir)]
        self.assertEqual([(f["final-recipient"], f["status"]) for f in report.recipients],
                         [("rfc822;b@small.example", "5.3.4")])

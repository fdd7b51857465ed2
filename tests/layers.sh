#!/bin/sh
# SPDX-License-Identifier: ISC
# layers.sh: a daemon's folder includes only its own headers and lib's (remote/resolver is one); lib includes no daemon's;
# only convertd links the image libraries, and it does not link OpenSSL's libssl, which smtpd and remote alone do; ldap alone links
# libldap.
set -eu
cd "$(dirname "$0")/.."
bad=0
daemons="smtpd queue qmgr remote local bounce convertd capd learn offer key auth expand ldap start cmd"
for d in $daemons lib; do
	for other in $daemons; do
		[ "$d" = "$other" ] && continue
		found=$(grep -rnE "#include \"$other/" "$d" --include='*.[ch]' || true)
		[ -z "$found" ] || { echo "$found"; bad=1; }
	done
done
found=$(grep -n '#include "remote/resolver/' remote/*.[ch] || true
    grep -rn '#include "remote/' remote/resolver | grep -v '"remote/resolver/' || true)
[ -z "$found" ] || { echo "$found"; bad=1; }
for program in build/accord*; do
	[ -x "$program" ] && [ -f "$program" ] || continue
	links=$(ldd "$program" | grep -oE 'lib(tiff|jbig|ssl|ldap)-?[^ ]*' || true)
	case $program in
	*/accord-convertd) echo "$links" | grep -q libssl && { echo "$program links libssl"; bad=1; } ;;
	*/accord-ldap) [ "${links%%[-.]*}" = libldap ] || { echo "$program links $links"; bad=1; } ;;
	*/accord-smtpd | */accord-remote) [ "${links%%.*}" = libssl ] || { echo "$program links $links"; bad=1; } ;;
	*) [ -z "$links" ] || { echo "$program links $links"; bad=1; } ;;
	esac
done
exit $bad

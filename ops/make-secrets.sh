#!/bin/sh
# Makes the random secrets of an installation in containers, one file each. A file that is there stays as it is.
#
#   ops/make-secrets.sh DIR [hook-token]
#
#   postgres-superuser   the superuser of Postgres, for the Postgres of compose.yaml alone
#   database-password    the role of the bus
#   server-key           the key of the tokens of attempts; all nodes have the same, and a backup needs it
#   operator-token       the first operator's token
#   grafana-password     the user admin of Grafana
#   hook-token           only if you ask for it: the gateway's hook token. Put it into your gateway, or that of your
#                        gateway into the file
#
# Exit status: 0 success; 2 an error, with a message of one line.
set -eu

fail() {
  echo "make-secrets.sh: $*" >&2
  exit 2
}

[ -n "${1:-}" ] || fail "give one directory, such as secrets"
case ${2:-} in
  '' | hook-token) ;;
  *) fail "there is no secret '$2' to ask for; there is hook-token" ;;
esac
command -v openssl >/dev/null || fail "there is no openssl, which makes the random bytes; install it"

umask 077
mkdir -p "$1" || fail "cannot make the directory $1"
# Other users of this machine must not look in. The files inside are open, because a container's user is another one.
chmod 700 "$1" || fail "$1 is not yours; name a directory of your own"
for name in postgres-superuser database-password server-key operator-token grafana-password ${2:-}; do
  if [ ! -s "$1/$name" ]; then
    prefix=
    [ "$name" != operator-token ] || prefix=abo_
    random=$(openssl rand -hex 32) || fail "openssl makes no random bytes"
    printf '%s%s\n' "$prefix" "$random" >"$1/$name.new"
    chmod 644 "$1/$name.new"
    mv -f "$1/$name.new" "$1/$name"
    echo "  made      $1/$name"
  fi
done

#!/bin/sh
# Installs an unpacked release as the service agentbus of systemd. Run it as root, and again with each new release.
#
#   ops/install-service.sh [--root DIR]
#
#   /opt/agentbus/<release>   the program, one directory for each release; /opt/agentbus/current leads to the newest
#   /etc/agentbus             yours: agentbus.properties, secrets/, routes/, and agents/ if you make it
#   /var/lib/agentbus         the data: server key, operator's token, embedded Postgres. Back it up
#
# A file that you have changed or removed is never touched: a file is replaced only if it equals that of the release
# before. The script starts and restarts nothing.
#
# Exit status: 0 success; 2 an error, with a message of one line.
set -eu
umask 022

fail() {
  echo "install-service.sh: $*" >&2
  exit 2
}

usage() {
  cat <<'TEXT'
Usage: ops/install-service.sh [--root DIR]
Installs this unpacked release as the service agentbus. A repeated run upgrades it, and keeps the files that you have
changed.

  --root DIR  install below DIR, without users and without a word to systemd: for a look, or for an image
TEXT
}

# --- Options ---------------------------------------------------------------------------------------------------------
root=
while [ $# -gt 0 ]; do
  case $1 in
    --root)
      [ -n "${2:-}" ] || fail "--root needs a directory"
      root=$2
      shift 2
      ;;
    --help | -h)
      usage
      exit 0
      ;;
    *) fail "there is no option '$1'; there are --root DIR and --help" ;;
  esac
done

# --- The release -----------------------------------------------------------------------------------------------------
release=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
[ ! -f "$release/pom.xml" ] || fail "$release is a source tree; build a release with ./mvnw -Prelease package," \
  "unpack target/agentbus-<version>.tar.gz, and run ops/install-service.sh there"
[ -f "$release/SHA256SUMS" ] || fail "$release has no SHA256SUMS, so it is no unpacked release; unpack the archive again"
[ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "run it as root, or with --root DIR for a look at what it makes"
wrong=$(cd "$release" && sha256sum --check --quiet SHA256SUMS 2>/dev/null) \
  || fail "$release is not as it was released (${wrong%%:*}), so nothing is installed; unpack the archive again"
[ -n "$root" ] || said=$("$release/agentbus" --version 2>&1) || fail "the release does not start here: $said"
if [ -n "$root" ]; then
  mkdir -p "$root" || fail "cannot make the directory $root"
  root=$(CDPATH='' cd -- "$root" && pwd -P)
  # The root directory itself is this machine.
  root=${root%/}
fi
sum=$(sha256sum <"$release/SHA256SUMS" | cut -c 1-8)
name=$(basename "$release")
case $release in
  # Already installed: the directory's name has the checksum.
  "$root"/opt/agentbus/*-"$sum") ;;
  *) name=$name-$sum ;;
esac

programs=$root/opt/agentbus
config=$root/etc/agentbus
data=$root/var/lib/agentbus
unit=$root/etc/systemd/system/agentbus.service
command=$root/usr/local/bin/agentbus
changes=0

# Tells of one change. Paths are told as the machine will see them.
told() {
  changes=$((changes + 1))
  printf '  %-9s %s\n' "$1" "${2#"$root"}${3:+ ($3)}"
}

# owned PATH USER:GROUP MODE: with --root there may be no such user, so the owner stays.
owned() {
  [ -n "$root" ] || chown "$2" "$1"
  chmod "$3" "$1"
}

# directory PATH USER:GROUP MODE: makes it if it is missing; otherwise owner and mode are yours.
directory() {
  [ ! -d "$1" ] || return 0
  mkdir -p "$1"
  owned "$1" "$2" "$3"
  told made "$1"
}

# put SOURCE TARGET GROUP MODE NAME: installs a file that you may change. NAME is its path in a release.
put() {
  source=$1
  target=$2
  before=${previous:+$previous/$5}
  [ -f "$before" ] || before=
  if [ -e "$target" ] || [ -h "$target" ]; then
    ! cmp -s "$source" "$target" || return 0
    if [ -z "$before" ] || ! cmp -s "$before" "$target"; then
      # A release that brings nothing new for this file has nothing to tell.
      if [ -z "$before" ] || ! cmp -s "$source" "$before"; then
        told kept "$target" "it is yours; the release has /opt/agentbus/current/$5"
      fi
      return 0
    fi
    word=updated
  elif [ -n "$before" ]; then
    return 0
  else
    word=made
  fi
  mkdir -p "$(dirname "$target")"
  cp "$source" "$target.new"
  owned "$target.new" "root:$3" "$4"
  mv -f "$target.new" "$target"
  told "$word" "$target"
}

# --- The user --------------------------------------------------------------------------------------------------------
if [ -z "$root" ] && ! id agentbus >/dev/null 2>&1; then
  useradd --system --user-group --home-dir /var/lib/agentbus --no-create-home --shell /usr/sbin/nologin agentbus \
    || fail "cannot make the user agentbus; make it yourself, and run this again"
  told made "the user agentbus"
fi

# --- The program -----------------------------------------------------------------------------------------------------
previous=
if [ -d "$programs/current" ]; then
  previous=$(CDPATH='' cd -- "$programs/current" && pwd -P)
fi
if [ ! -d "$programs/$name" ]; then
  mkdir -p "$programs"
  rm -rf "$programs/.$name.new"
  cp -R "$release" "$programs/.$name.new"
  [ -n "$root" ] || chown -R root:root "$programs/.$name.new"
  chmod -R u=rwX,go=rX "$programs/.$name.new"
  mv "$programs/.$name.new" "$programs/$name"
  told made "$programs/$name"
fi

# --- Your files ------------------------------------------------------------------------------------------------------
directory "$config" root:agentbus 750
directory "$config/routes" root:agentbus 750
directory "$config/secrets" root:agentbus 750
directory "$data" agentbus:agentbus 700
put "$release/ops/agentbus.properties" "$config/agentbus.properties" agentbus 640 ops/agentbus.properties
for secret in database-password hook-token gateway-token observe-token; do
  if [ ! -e "$config/secrets/$secret" ]; then
    # Empty until you fill it in. The group of the service reads it; a file of LoadCredential= would be gone while the
    # service is stopped, and a restore needs it then.
    (umask 077 && : >"$config/secrets/$secret")
    owned "$config/secrets/$secret" root:agentbus 640
    told made "$config/secrets/$secret"
  fi
done
put "$release/ops/agentbus.service" "$unit" root 644 ops/agentbus.service
put "$release/ops/agentbus-command" "$command" root 755 ops/agentbus-command

# --- The switch ------------------------------------------------------------------------------------------------------
if [ "$previous" != "$programs/$name" ]; then
  ln -sfn "$name" "$programs/.current.new"
  # A rename, so that there is no moment without a program.
  mv -fT "$programs/.current.new" "$programs/current"
  told switched "$programs/current" "to $name"
fi

if [ "$changes" -eq 0 ]; then
  echo "Nothing to do: $name is installed."
  exit 0
fi
if [ -z "$root" ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
if [ -n "$previous" ]; then
  echo "Next: systemctl restart agentbus"
else
  echo "Next: settings in /etc/agentbus/agentbus.properties, then systemctl enable --now agentbus"
fi

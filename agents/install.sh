#!/bin/sh
# Installs this fleet for an OpenClaw gateway: workspaces, skill, plugin, configuration, secrets. Run it as the
# gateway's user, and again after every upgrade of agentbus.
#
#   agents/install.sh [--openclaw-home DIR] [--agents DIR] [--bus URL] [--uninstall] [--dry-run]
#
# The script never overwrites a file that was changed after its installation; it writes the new version beside the file
# as <file>.agentbus-new. <home>/.agentbus-manifest holds the sha256 of each installed file and so reveals changes. A
# changed MEMORY.md gets no such new version, because the agent itself is meant to change it.
#
# Exit status: 0 success, also when changed files were kept; 2 an error, with a message of one line.
set -eu
umask 077

fail() {
  echo "install.sh: $*" >&2
  exit 2
}

usage() {
  cat <<'TEXT'
Usage: agents/install.sh [--openclaw-home DIR] [--agents DIR] [--bus URL] [--uninstall] [--dry-run]
Installs the fleet for an OpenClaw gateway. A repeated run upgrades it, and keeps the files that you have changed.

  --openclaw-home DIR  the gateway's state directory (default: ~/.openclaw)
  --agents DIR         your own copy of this directory, with one folder per agent and openclaw.json5
                       (default: the directory of this script)
  --bus URL            the address at which the gateway's machine reaches the bus (default: http://127.0.0.1:8080)
  --uninstall          remove the installed files, and keep the files that you have changed and the secrets
  --dry-run            show the changes without making them
TEXT
}

# --- Options ---------------------------------------------------------------------------------------------------------
home=${HOME:+$HOME/.openclaw}
own=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
agents=$own
bus=http://127.0.0.1:8080
dry=
uninstall=
while [ $# -gt 0 ]; do
  case $1 in
    --openclaw-home)
      [ -n "${2:-}" ] || fail "--openclaw-home needs a directory"
      home=$2 && shift 2 ;;
    --agents)
      [ -n "${2:-}" ] || fail "--agents needs a directory"
      agents=$(CDPATH='' cd -- "$2" 2>/dev/null && pwd -P) || fail "--agents is '$2', and there is no such directory"
      shift 2 ;;
    --bus)
      [ -n "${2:-}" ] || fail "--bus needs a URL, such as http://127.0.0.1:8080"
      bus=$2 && shift 2 ;;
    --uninstall) uninstall=yes && shift ;;
    --dry-run) dry=yes && shift ;;
    --help | -h) usage && exit 0 ;;
    *) fail "there is no option '$1'; there are --openclaw-home DIR, --agents DIR, --bus URL, --uninstall, --dry-run and --help" ;;
  esac
done
[ -n "$home" ] || fail "HOME is not set; give --openclaw-home DIR"

# Both values are inserted into JSON strings of the configuration, in which some characters have a special meaning.
newline='
'
case $home in
  *"$newline"* | *"\${"*) fail "--openclaw-home must not hold a line break or \${, which OpenClaw would read as a variable" ;;
  /*) ;;
  *) home=$(pwd)/$home ;;
esac
[ "$home" = / ] || home=${home%/}
case $bus in
  *[!A-Za-z0-9.:/_~%@\[\]-]*) fail "--bus is '$bus'; it must be a plain URL without a query, such as http://127.0.0.1:8080" ;;
  http://?* | https://?*) bus=${bus%/} ;;
  *) fail "--bus is '$bus'; it must begin with http:// or https://" ;;
esac

root=$(dirname -- "$own")
plugin=$root/gateway/plugin
skill=$root/gateway/skills/agentbus/SKILL.md
config=$agents/openclaw.json5
[ -d "$plugin" ] || fail "$plugin is missing; this copy of agentbus is not complete"
[ -f "$skill" ] || fail "$skill is missing; this copy of agentbus is not complete"
[ -f "$config" ] || fail "$config is missing; this copy of agentbus is not complete"

# sha256 FILE: sets sum to the sha256 of a file, empty if it cannot be read. This function and recorded_sum set a variable
# and print nothing, because the processes of $(...) were most of the time of an installation.
# Linux has sha256sum, macOS has shasum.
if command -v sha256sum >/dev/null 2>&1; then
  sha256() {
    sum=$(sha256sum <"$1") || sum=
    sum=${sum%% *}
  }
elif command -v shasum >/dev/null 2>&1; then
  sha256() {
    sum=$(shasum -a 256 <"$1") || sum=
    sum=${sum%% *}
  }
else
  fail "neither sha256sum nor shasum is found; install coreutils (Debian) or perl's shasum"
fi

# --- Permission to write ---------------------------------------------------------------------------------------------
if [ -z "$dry$uninstall" ]; then
  mkdir -p -- "$home" 2>/dev/null || fail "$home cannot be made; name a directory you may write with --openclaw-home"
fi
# In a dry run the directory may be missing: its nearest existing parent is checked.
near=$home
while [ ! -e "$near" ] && [ "$near" != / ]; do
  near=$(dirname -- "$near")
done
[ -d "$near" ] || fail "$near is no directory; name another with --openclaw-home"
[ -w "$near" ] || fail "$near is not writable for $(id -un); run this as the gateway's user"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/agentbus-install.XXXXXX") || fail "no temporary directory can be made in ${TMPDIR:-/tmp}"
half=
trap 'rm -rf -- "$scratch"; [ -z "$half" ] || rm -f -- "$half"' EXIT
trap 'exit 2' HUP INT TERM

manifest=$home/.agentbus-manifest
# The lines of the manifest, each between two line breaks.
known=$newline
if [ -f "$manifest" ]; then
  known=$newline$(cat 2>/dev/null <"$manifest")$newline || fail "$manifest cannot be read"
fi
written=0
upgraded=0
same=0
kept=0
recorded=

# --- Files -----------------------------------------------------------------------------------------------------------
# say VERB NAME: prints one line of the report.
say() {
  verb=$1
  if [ -n "$dry" ]; then
    case $verb in
      new) verb='would write' ;;
      upgraded) verb='would upgrade' ;;
      kept) verb='would keep' ;;
      removed) verb='would remove' ;;
    esac
  fi
  printf '  %-14s %s\n' "$verb" "$2"
}

# recorded_sum NAME: sets was to the sha256 that the manifest has for the file, or to nothing. If the manifest has several
# lines for the file, the last one counts.
recorded_sum() {
  was=${known%"  $1$newline"*}
  if [ "$was" = "$known" ]; then
    was=
  else
    was=${was##*"$newline"}
  fi
  # Otherwise the line is that of a longer name with this end.
  [ ${#was} -eq 64 ] || was=
}

# record NAME SUM: appends to the manifest at once, so that an interrupted install knows the files it has written.
record() {
  [ -z "$dry" ] || return 0
  { printf '%s  %s\n' "$2" "$1" >>"$manifest"; } 2>/dev/null || fail "$manifest cannot be written"
  known=$known"$2  $1$newline"
  recorded=yes
}

make_folder() {
  [ -d "$1" ] && return 0
  [ -n "$dry" ] || mkdir -p -- "$1" 2>/dev/null || fail "$1 cannot be made"
}

# put FROM TO: copies a file by a rename, so that it is complete or absent.
put() {
  [ -z "$dry" ] || return 0
  make_folder "${2%/*}"
  half=$2.agentbus-half
  { cat <"$1" >"$half" && mv -f -- "$half" "$2"; } 2>/dev/null || fail "$2 cannot be written"
  half=
}

# place FROM NAME: updates <home>/NAME from FROM, unless it was changed after its installation.
place() {
  to=$home/$2
  sha256 "$1"
  new=$sum
  # A symbolic link was made by the user, even if it is broken, and is therefore kept.
  if [ ! -e "$to" ] && [ ! -h "$to" ]; then
    put "$1" "$to"
    record "$2" "$new"
    written=$((written + 1))
    say new "$2"
    return
  fi
  [ ! -d "$to" ] || fail "$to is a directory, and a file belongs there"
  now=
  if [ -e "$to" ]; then
    [ -r "$to" ] || fail "$to cannot be read, so it cannot be known whether it was changed"
    sha256 "$to"
    now=$sum
  fi
  recorded_sum "$2"
  if [ "$now" = "$new" ]; then
    [ "$was" = "$new" ] || record "$2" "$new"
    same=$((same + 1))
    settle "$2"
  elif [ -n "$was" ] && [ "$now" = "$was" ] && [ ! -h "$to" ]; then
    put "$1" "$to"
    record "$2" "$new"
    upgraded=$((upgraded + 1))
    say upgraded "$2"
    settle "$2"
  else
    keep "$1" "$2" "$new"
  fi
}

# holds FILE SUM: whether the file can be read and has this sha256.
holds() {
  sha256 "$1"
  [ -n "$sum" ] && [ "$sum" = "$2" ]
}

# keep FROM NAME SUM: keeps the changed file and writes the new version beside it.
keep() {
  case $2 in
    */MEMORY.md) same=$((same + 1)) && return ;;
  esac
  kept=$((kept + 1))
  beside=$home/$2.agentbus-new
  if [ -f "$beside" ] && ! holds "$beside" "$3"; then
    # The user may have changed the earlier .agentbus-new file, too.
    recorded_sum "$2.agentbus-new"
    if ! holds "$beside" "$was"; then
      say kept "$2 (and $2.agentbus-new: neither is as it was installed; remove the latter to get the new version)"
      return
    fi
    put "$1" "$beside"
    record "$2.agentbus-new" "$3"
    upgraded=$((upgraded + 1))
  elif [ ! -f "$beside" ]; then
    put "$1" "$beside"
    record "$2.agentbus-new" "$3"
    written=$((written + 1))
  fi
  recorded_sum "$2"
  why='it is yours'
  [ -z "$was" ] || why='changed since its installation'
  say kept "$2 ($why; the new version is $2.agentbus-new)"
}

# settle NAME: removes the .agentbus-new file of an up-to-date file, unless the user changed it.
settle() {
  beside=$home/$1.agentbus-new
  [ -f "$beside" ] || return 0
  recorded_sum "$1.agentbus-new"
  holds "$beside" "$was" || return 0
  [ -n "$dry" ] || rm -f -- "$beside"
  say removed "$1.agentbus-new"
  upgraded=$((upgraded + 1))
}

# secret NAME: creates a secret of 256 random bits, unless it exists.
secret() {
  [ ! -s "$home/secrets/$1" ] || return 0
  if [ -z "$dry" ]; then
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$scratch/secret"
    [ "$(wc -c <"$scratch/secret")" -eq 64 ] || fail "/dev/urandom gave no random bytes"
    put "$scratch/secret" "$home/secrets/$1"
    rm -f -- "$scratch/secret"
  fi
  written=$((written + 1))
  say new "secrets/$1"
}

# The user's own configuration without comments.
own_config() {
  sed -e 's|^[[:space:]]*//.*$||' -e 's|[[:space:]]//.*$||' "$home/openclaw.json"
}

# --- Removal ---------------------------------------------------------------------------------------------------------
if [ -n "$uninstall" ]; then
  [ -f "$manifest" ] || fail "$manifest is missing, so nothing is known to be installed there; name the directory with --openclaw-home"
  if [ -e "$home/openclaw.json" ] || [ -h "$home/openclaw.json" ]; then
    text=$(own_config 2>/dev/null) || fail "$home/openclaw.json cannot be read, so it may name files of agentbus; make it readable first"
    recorded_sum openclaw.json
    if holds "$home/openclaw.json" "$was"; then text=; fi
    case $text in
      *openclaw.json.agentbus-new*) fail "$home/openclaw.json includes openclaw.json.agentbus-new; remove that line first, because OpenClaw does not start without the file" ;;
      *agentbus-plugin*) fail "$home/openclaw.json names agentbus-plugin in plugins.load.paths; remove the entries of the fleet first (docs/guide/connect-openclaw.md, Undo it), because OpenClaw does not start without the plugin" ;;
    esac
  fi
  echo "agentbus for OpenClaw in $home${dry:+ (dry run: nothing is removed)}"
  : >"$scratch/manifest"
  sed 's/^.\{66\}//' "$manifest" | LC_ALL=C sort -u >"$scratch/names"
  removed=0
  while IFS= read -r name; do
    file=$home/$name
    recorded_sum "$name"
    if [ -f "$file" ] && [ ! -h "$file" ] && holds "$file" "$was"; then
      [ -n "$dry" ] || rm -f -- "$file" || fail "$file cannot be removed"
      removed=$((removed + 1))
      say removed "$name"
    elif [ -e "$file" ] || [ -h "$file" ]; then
      printf '%s  %s\n' "$was" "$name" >>"$scratch/manifest"
      kept=$((kept + 1))
      say kept "$name (changed since its installation)"
    fi
  done <"$scratch/names"
  if [ -z "$dry" ]; then
    # Reports that no bus takes any more, and the installed folders that are empty now.
    rm -f -- "$home/agentbus/reports.json" "$home/agentbus/reports.json.new"
    (cd "$agents" && grep . ./*/folders.txt /dev/null) | sed 's|^\./\(.*\)/folders\.txt:\(.*\)$|workspaces/\1/\2/.|' >>"$scratch/names"
    echo agentbus/. >>"$scratch/names"
    awk '{ while (sub("/[^/]*$", "")) print }' "$scratch/names" | LC_ALL=C sort -ru | while IFS= read -r folder; do
      rmdir -- "$home/$folder" 2>/dev/null || true
    done
    if [ -s "$scratch/manifest" ]; then put "$scratch/manifest" "$manifest"; else rm -f -- "$manifest"; fi
  fi
  echo "$removed ${dry:+would be }removed, $kept kept because they were changed."
  echo "Kept as well: $home/secrets, and all files that agents have written. Remove them when nothing reads them any more."
  exit 0
fi

# --- Installation ----------------------------------------------------------------------------------------------------
echo "agentbus for OpenClaw in $home${dry:+ (dry run: nothing is written)}"

for agent in "$agents"/*/; do
  agent=${agent%/}
  id=${agent##*/}
  for file in AGENTS.md HEARTBEAT.md MEMORY.md folders.txt; do
    [ -f "$agent/$file" ] || fail "$agent/$file is missing; every agent's folder has one"
  done
  for file in AGENTS.md HEARTBEAT.md MEMORY.md; do
    place "$agent/$file" "workspaces/$id/$file"
  done
  place "$skill" "workspaces/$id/skills/agentbus/SKILL.md"
  while read -r folder || [ -n "$folder" ]; do
    case $folder in
      '') continue ;;
      *[!a-z0-9-]*) fail "$agent/folders.txt: '$folder' is no name of lower case letters, digits and hyphens" ;;
    esac
    if [ ! -d "$home/workspaces/$id/$folder" ]; then
      make_folder "$home/workspaces/$id/$folder"
      written=$((written + 1))
      say new "workspaces/$id/$folder/"
    fi
  done <"$agent/folders.txt"
done

(CDPATH='' cd -- "$plugin" && find . -type f ! -path '*/node_modules/*' ! -path './test/*') | sed 's|^\./||' | LC_ALL=C sort >"$scratch/plugin"
while read -r file; do
  place "$plugin/$file" "agentbus-plugin/$file"
done <"$scratch/plugin"

# Inserts the paths into the configuration. It replaces plain text and not patterns, because a path may contain special
# characters of sed and awk. It escapes quotes and backslashes, because the placeholders stand inside JSON strings.
OPENCLAW_HOME_VALUE=$home BUS_URL_VALUE=$bus awk '
  function quoted(text,   out, i, c) {
    for (i = 1; i <= length(text); i++) {
      c = substr(text, i, 1)
      out = out (c == "\"" || c == "\\" ? "\\" : "") c
    }
    return out
  }
  function replaced(line, mark, value,   out, at) {
    while ((at = index(line, mark)) > 0) {
      out = out substr(line, 1, at - 1) value
      line = substr(line, at + length(mark))
    }
    return out line
  }
  BEGIN {
    home = quoted(ENVIRON["OPENCLAW_HOME_VALUE"])
    bus = quoted(ENVIRON["BUS_URL_VALUE"])
  }
  { print replaced(replaced($0, "__BUS_URL__", bus), "__OPENCLAW_HOME__", home) }
' <"$config" >"$scratch/openclaw.json"
place "$scratch/openclaw.json" openclaw.json

secret hook-token
secret gateway-token
if [ ! -e "$home/secrets/report-token" ]; then
  put /dev/null "$home/secrets/report-token"
  written=$((written + 1))
  say new "secrets/report-token (empty: see below)"
fi

# Shortens the manifest to the last line of each file.
if [ -n "$recorded" ]; then
  awk '{ sum[substr($0, 67)] = substr($0, 1, 64) } END { for (name in sum) print sum[name] "  " name }' <"$manifest" |
    LC_ALL=C sort -k 2 >"$scratch/manifest"
  put "$scratch/manifest" "$manifest"
fi

# --- Result and next steps -------------------------------------------------------------------------------------------
if [ $((written + upgraded)) -eq 0 ]; then
  echo "Nothing to do: $same files are up to date, $kept kept because they were changed."
else
  would=${dry:+would be }
  echo "$written ${would}new, $upgraded ${would}upgraded, $same up to date, $kept kept because they were changed."
fi
[ "$kept" -eq 0 ] || echo "Compare each kept file with the .agentbus-new file beside it, and merge the changes that you want."
[ -z "$dry" ] || exit 0

# Whether it has a text. The script cannot read JSON5 as a whole.
own_config_has() { own_config | grep -Eq "$1"; }

# Whether it names agents: agents.entries or agents.list. Plugins and skills have entries, too, so the place counts.
own_config_has_agents() {
  own_config | awk '
    { text = text $0 "\n" }
    END {
      for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (quote != "") {
          if (c == "\\") i++
          else if (c == quote) quote = ""
          else word = word c
        } else if (c == "\"" || c == "\047") {
          quote = c
          word = ""
          unquoted = 0
        } else if (c ~ /[A-Za-z0-9_$-]/) {
          word = (unquoted ? word : "") c
          unquoted = 1
        } else {
          unquoted = 0
          if (c == ":") {
            key = word
            if (depth == 2 && parent[2] == "agents" && (key == "entries" || key == "list")) found = 1
          } else if (c == "{" || c == "[") {
            parent[++depth] = key
            key = ""
          } else if (c == "}" || c == "]") {
            depth--
          }
        }
      }
      exit !found
    }'
}

if [ -f "$home/openclaw.json.agentbus-new" ] && [ -r "$home/openclaw.json" ]; then
  if ! own_config_has_agents; then
    cat <<'TEXT'

Warning: your openclaw.json has no agents.entries. OpenClaw's implicit agent main is gone as soon as the fleet's
file is included, and its chats and crons then run as coordinator. To keep it, add the agent with the workspace that
'openclaw agents list --json' shows before you include the file:
  agents: { defaults: { systemAgent: { agentId: "main" } }, entries: { main: { workspace: "..." } } }
TEXT
  fi
  if own_config_has "(^|[^A-Za-z0-9_-])auth[\"']?[[:space:]]*:" &&
    ! own_config_has 'OPENCLAW_GATEWAY_TOKEN' &&
    ! grep -Fq -f "$home/secrets/gateway-token" "$home/openclaw.json"; then
    cat <<TEXT

Warning: your openclaw.json has its own auth settings, which win over the fleet's. If they hold gateway.auth.token, that
token is the operator token: write it into $home/secrets/gateway-token.
TEXT
  fi
fi

# The path quoted for a shell, because it may contain any character.
shown=\'$(printf '%s\n' "$home" | sed "s/'/'\\\\''/g")\'
cat <<TEXT

Next:
1. Put your model and its provider into $home/openclaw.json; from then on this script keeps that file.
   If you had an openclaw.json before, read step 2 of docs/guide/connect-openclaw.md, then add this line to it:
     \$include: "./openclaw.json.agentbus-new",
2. Start the bus (in its own directory). With the first token it wakes agents, with the second it stops cancelled runs:
     ./agentbus run --set agentbus.gateway.url=http://127.0.0.1:18789 \\
       --set agentbus.gateway.token-file=$shown/secrets/hook-token \\
       --set agentbus.gateway.operator-token-file=$shown/secrets/gateway-token
3. Issue a token for the plugin, which the command shows once:
     ./agentbus issue-gateway-token default
   Put the token into $home/secrets/report-token.
4. Start the gateway with the two secrets in its environment:
     OPENCLAW_STATE_DIR=$shown \\
     OPENCLAW_GATEWAY_TOKEN="\$(cat $shown/secrets/gateway-token)" \\
     AGENTBUS_HOOK_TOKEN="\$(cat $shown/secrets/hook-token)" \\
     openclaw gateway
5. Enqueue a first job:
     ./agentbus enqueue-job --target-agent devops --subject infra.check --payload '{"host":"web-1"}'
TEXT

# The part of the launcher for a source tree: builds if a file differs from those of the last build. The launcher reads
# this file with its variables root, java, jdk, home, jar, libraries, archives and version, and its function fail.
# shellcheck shell=sh disable=SC2154

target=$root/target
# The checksum, size and name of every file that the jar was built from.
sources=$target/agentbus-run.sources
lock=$target/agentbus-run.lock

routes=src/main/resources/routes
templates=src/main/resources/templates
console=src/main/resources/console
statements=sql/statements

# Finds files that need a build. Routes, templates, statements and the console need none, because the bus reads them from
# the source tree. The arguments are the rest of the command find.
find_sources() {
  (cd "$root" && find pom.xml src/main sql \
    \( -path $routes -o -path $templates -o -path $console -o -path $statements \) -prune -o "$@")
}

# Lists those files. A missing directory lists no files.
list_sources() {
  find_sources -type f -exec cksum {} + 2>/dev/null | LC_ALL=C sort
}

# Whether a file or directory was written, renamed or unpacked after the list. Reading the contents takes three times as
# long as a look at these times, which no program can set. A find without -cnewer prints an error, which counts as a
# change. A copy of target, without its times, beside older sources is taken for theirs.
touched() {
  [ -n "$(find_sources -cnewer "$sources" -print 2>&1)" ]
}

# Compares contents and not times of writing, because an unpacked archive brings older times with it.
outdated() {
  [ -f "$jar" ] && [ -f "$libraries" ] && [ -f "$sources" ] || return 0
  touched || return 1
  # The time is taken before the files are read, so that a change during the reading counts as a later one.
  now=$sources.$$
  (: >"$now") 2>/dev/null || now=
  differs=0
  list_sources | cmp -s - "$sources" || differs=1
  if [ -n "$now" ]; then
    [ "$differs" -eq 1 ] || touch -r "$now" "$sources" 2>/dev/null || true
    rm -f "$now"
  fi
  return "$((1 - differs))"
}

build() {
  [ -x "$jdk/bin/javac" ] || fail "$java has no javac beside it, so it is a JRE; building agentbus needs a JDK 17 or newer"
  if [ -f "$jar" ]; then
    echo "building agentbus…" >&2
  else
    echo "building agentbus (first start, about a minute)…" >&2
  fi
  # The list and its time are taken before the build, so that a file edited during the build causes the next one.
  : >"$sources.began"
  list_sources >"$sources.new"
  touch -r "$sources.began" "$sources.new"
  rm -f "$sources.began"
  # A removed route file must disappear from the build, too, and so must the jar of another version.
  rm -rf "$target/classes"
  rm -f "$target"/agentbus-[0-9]*.jar
  # Format, lint and tests are for a commit: a draft that fails them must not keep the bus from starting.
  (cd "$root" && JAVA_HOME=$jdk ./mvnw -q -Dmaven.test.skip=true -Dspotless.check.skip=true -Dcheckstyle.skip=true \
    package >&2 </dev/null) || fail "the build has failed; its messages are above"
  # The launcher runs copies, which a rename replaces, so that a running server keeps the jars it has opened. The copies
  # lie beside the libraries, because their manifests name them there.
  for built in "$target"/agentbus-[0-9]*-libraries.jar; do
    cp "$built" "$libraries.new"
    cp "${built%-libraries.jar}.jar" "$jar.new"
  done
  mv -f "$libraries.new" "$libraries"
  # Unpacks the embedded Postgres now, which saves the first start a second. A failure is ignored here, because the
  # start repeats the step and reports it.
  AGENTBUS_HOME=$home "$java" -XX:TieredStopAtLevel=1 -Xlog:disable -cp "$jar.new:$libraries" \
    agentbus.db.UnpackPostgres >/dev/null 2>&1 || true
  # The class archives belong to the old jar.
  rm -rf "$archives"
  mv -f "$jar.new" "$jar"
  archive_calls
  mv -f "$sources.new" "$sources"
}

# Makes the class archive of the calls, so that the first call is as fast as all later ones. It is made from a list of the
# classes, because the archive that a JVM 17 makes when it ends has no classes as old as picocli's. The calls go to an
# address where nothing listens. A failure costs later calls time and nothing else.
archive_calls() {
  mkdir -p "$archives/$version" 2>/dev/null || return 0
  built=$archives/$version/call-built.jsa
  classes=$archives/$version/call.classes
  # The options are those with which the launcher runs a call.
  AGENTBUS_HOME=$home AGENTBUS_TOKEN=none AGENTBUS_URL=http://127.0.0.1:1 "$java" \
    -XX:DumpLoadedClassList="$classes" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xlog:disable \
    -cp "$jar" agentbus.ArchivedCalls --help "list-jobs --help" list-jobs health version >/dev/null 2>&1 || true
  # Only with this collector the JVM puts objects into an archive; the collector of the calls can read them.
  "$java" -Xshare:dump -XX:SharedClassListFile="$classes" -XX:SharedArchiveFile="$classes.jsa" -XX:+UseG1GC -Xlog:disable \
    -cp "$jar" >/dev/null 2>&1 || true
  if [ -f "$classes.jsa" ]; then
    mv -f "$classes.jsa" "$built"
    echo "$jdk $jar" >"$built.for"
  fi
  rm -f "$classes"
}

# Prints when a process started, as one word; nothing if there is none. A zombie counts as none.
started() {
  if [ -r /proc/self/stat ]; then
    status=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    # The fields after the program's name, which may hold blanks: the state is the first, the start time the 20th.
    # shellcheck disable=SC2086
    set -- ${status##*) }
    [ "$1" = Z ] || echo "${20}"
  else
    ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' -
  fi
}

# Prints the owner of the lock, as process id and start time; nothing if it is unknown. The start time tells the owner from
# a later process with the same id, as after a restart of a container.
lock_owner() {
  cat "$lock/pid" 2>/dev/null || true
}

# Removes a lock whose owner has ended. A lock without a whole owner counts as left behind after three looks, because the
# owner is written directly after the lock. The rename comes first, because only one of two waiting processes succeeds
# with it.
break_lock() {
  owner=$(lock_owner)
  pid=${owner%% *}
  case $owner in
    *[0-9]' '?*) [ "$(started "$pid")" != "${owner#* }" ] || return 0 ;;
    *) [ "$waited" -ge 3 ] || return 0 ;;
  esac
  mv "$lock" "$lock.$$" 2>/dev/null || return 0
  if [ "$(cat "$lock.$$/pid" 2>/dev/null)" = "$owner" ]; then
    rm -rf "$lock.$$"
  else
    # Another waiting process has already replaced it by its own.
    mv "$lock.$$" "$lock"
  fi
}

if outdated; then
  mkdir -p "$target" 2>/dev/null || fail "cannot write to $target, and agentbus has to be built there"
  waited=0
  until mkdir "$lock" 2>/dev/null; do
    [ -w "$target" ] || fail "cannot write to $target, and agentbus has to be built there"
    break_lock
    [ -e "$lock" ] || continue
    if [ "$waited" -eq 0 ]; then
      owner=$(lock_owner)
      owner=${owner%% *}
      echo "waiting for another agentbus (process ${owner:-unknown}, $lock) to finish building…" >&2
    fi
    waited=$((waited + 1))
    sleep 1
  done
  trap 'rm -rf "$lock"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  echo "$$ $(started $$)" >"$lock/pid"
  # Another process may have built while this one waited.
  if outdated; then
    build
  fi
  rm -rf "$lock"
  trap - EXIT INT TERM HUP
fi


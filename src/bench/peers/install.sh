#!/usr/bin/env bash
# Installs the peers of ./agentbus bench peers: graphile-worker and a Node for it, with the versions and hashes of
# package-lock.json, and db-scheduler with the versions of db-scheduler/pom.xml.
#   install.sh <directory>
# Prints "installed" at the end. Peers that are there already are left as they are. No package's own script runs: Node comes as the package of its
# platform.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
into=${1:?usage: install.sh <directory>}

for program in node npm; do
  if ! command -v "$program" >/dev/null; then
    echo "there is no $program; the peer graphile-worker needs Node with npm 10 or newer" >&2
    exit 1
  fi
done

wanted=$(cd "$here" && find . -type f -exec cksum {} + | LC_ALL=C sort | cksum)
if [ "$(cat "$into/installed" 2>/dev/null)" = "$wanted" ]; then
  echo installed
  exit 0
fi
rm -rf "$into"
mkdir -p "$into"
cp "$here"/package.json "$here"/package-lock.json "$here"/*.mjs "$here"/*.sql "$into/"
(cd "$into" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
# Where npm has no Node of this version for a platform, the machine's own has to do.
node=$(ls "$into"/node_modules/node-*/bin/node 2>/dev/null | head -n 1 || true)
ln -sfn "${node:-$(command -v node)}" "$into/node"
if ! "$into/node" -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 22 || a == 22 && b >= 18 ? 0 : 1)'; then
  echo "node is version $("$into/node" --version); the peer graphile-worker needs 22.18 or newer" >&2
  exit 1
fi
"$here/../../../mvnw" -B -q -f "$here/db-scheduler/pom.xml" "-Dpeers.directory=$into/db-scheduler" package >&2
printf '%s\n' "$wanted" >"$into/installed"
echo installed

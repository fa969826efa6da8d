#!/usr/bin/env bash
# Installs the gateway of the real-gateway tests: OpenClaw and a Node for it, the versions and hashes of package-lock.json.
#   install.sh <directory>
# What is there already is left as it is. No package's own script runs: Node comes as the package of its platform, and
# OpenClaw needs none.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
into=${1:?usage: install.sh <directory>}

if ! command -v npm >/dev/null; then
  echo "the real-gateway tests need npm, 10 or newer" >&2
  exit 1
fi
wanted=$(cat "$here/package.json" "$here/package-lock.json" | cksum)
mkdir -p "$into"
if [ "$(cat "$into/installed" 2>/dev/null)" != "$wanted" ]; then
  rm -rf "$into/node_modules" "$into/installed"
  cp "$here/package.json" "$here/package-lock.json" "$into/"
  (cd "$into" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  # Where npm has no Node of this version for a platform, the machine's own has to do.
  node=$(ls "$into"/node_modules/node-*/bin/node 2>/dev/null | head -n 1 || true)
  ln -sfn "${node:-$(command -v node)}" "$into/node"
  printf '%s\n' "$wanted" >"$into/installed"
fi
"$into/node" "$into/node_modules/openclaw/openclaw.mjs" --version

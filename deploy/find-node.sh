# Finds a Node.js for the miner; setup.sh and start_miner.sh read this file.
# shellcheck shell=bash

readonly MIN_NODE_MAJOR=20 MIN_NODE_MINOR=19

# node_is_new_enough [PROGRAM]
node_is_new_enough() {
  [[ $("${1:-node}" --version 2>/dev/null) =~ ^v([0-9]+)\.([0-9]+)\. ]] || return
  local major=${BASH_REMATCH[1]} minor=${BASH_REMATCH[2]}
  ((major > MIN_NODE_MAJOR || (major == MIN_NODE_MAJOR && minor >= MIN_NODE_MINOR)))
}

# Folders besides PATH that may hold Node.js, the best first: pm2 and cron keep a PATH from before an upgrade.
node_folders() {
  printf '%s\n' "${NVM_DIR:-${HOME:-}/.nvm}"/versions/node/*/bin | sort --version-sort --reverse
  printf '%s\n' /usr/local/bin /usr/bin
}

# Puts a Node.js that is new enough first in PATH, unless it is first already.
use_node() {
  node_is_new_enough && return
  local folder
  while IFS= read -r folder; do
    node_is_new_enough "$folder/node" || continue
    export PATH=$folder:$PATH
    hash -r
    return
  done < <(node_folders)
  return 1
}

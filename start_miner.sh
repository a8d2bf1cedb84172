#!/usr/bin/env bash
# Starts the miner. `./start_miner.sh --help` explains.
set -euo pipefail
# A core file would hold the memory of the miner, and with it the hotkey.
ulimit -c 0

# The miner's own exit codes for a fault that may pass and for wrong settings.
readonly EXIT_FAILED=1 EXIT_CONFIG=10

usage() {
  cat <<'HELP'
Usage: ./start_miner.sh [--instance NAME] [--dev | --foreground] [flags of the miner]
       ./start_miner.sh [--instance NAME] status | stop | logs

  (neither)     set up what is missing, check the miner of .env.miner, and run it under pm2 in place of the one before.
                If the check fails, the running miner is unchanged. After an update, the set-up replaces dist/ and
                node_modules/ as a whole; a model process that restarts then belongs to the new release
  --foreground  run the miner of .env.miner in this terminal, without set-up and pm2: for systemd and containers
  --dev         set up what is missing, and run a miner with a development chain in this terminal, on loopback.
                It needs no wallet, no network and no .env.miner
  status        whether the miner under pm2 is ready, and who called it last
  stop          end the miner under pm2 after the requests that it has admitted
  logs          follow its log; flags go to pm2 logs, for example --lines 200
  --help        print this help

  --instance    another miner on this host, with its own hotkey and ports. Its settings are in .env.miner.NAME,
                and its name in pm2 is sn34-miner-NAME. The environment variable INSTANCE does the same.

All other flags go to the miner, for example: ./start_miner.sh --axon.port 8092
Relative paths start from the folder of this script. Exit codes: 0 the miner is ready, or runs unregistered; 1 it is not
ready yet and keeps trying; 10 the settings are wrong or missing; for the others see the README.
HELP
}

die() {
  local status=$1
  shift
  printf '%s\n' "$@" >&2
  exit "$status"
}

mode=start
flags=()
while (($# > 0)); do
  case $1 in
    --dev) mode=dev ;;
    --foreground) mode=foreground ;;
    --instance)
      # An empty name comes from a variable that is not set. It never means the miner without a name.
      [[ -n ${2:-} ]] || die "$EXIT_CONFIG" '--instance needs a name.'
      INSTANCE=$2
      shift
      ;;
    --instance=*)
      INSTANCE=${1#*=}
      [[ -n $INSTANCE ]] || die "$EXIT_CONFIG" '--instance needs a name.'
      ;;
    --help | -h)
      usage
      exit 0
      ;;
    status | stop | logs)
      # After a flag of the miner, the word is the value of that flag.
      if ((${#flags[@]} == 0)); then mode=$1; else flags+=("$1"); fi
      ;;
    *) flags+=("$1") ;;
  esac
  shift
done

cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
# shellcheck source=deploy/find-node.sh
source deploy/find-node.sh

if [[ $mode == dev ]]; then
  use_node || true
  ./setup.sh --quiet
  exec node dist/main.js start --dev ${flags[@]+"${flags[@]}"}
fi

export INSTANCE=${INSTANCE:-}
settings=.env.miner${INSTANCE:+.$INSTANCE}
# Each letter is listed: what a range such as a-z holds depends on the language of the terminal.
readonly LETTERS=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-
if [[ -n ${INSTANCE//[$LETTERS]/} || ${#INSTANCE} -gt 32 || $INSTANCE == template ]]; then
  die "$EXIT_CONFIG" "INSTANCE is \"$INSTANCE\". It names a miner on this host: 1 to 32 of A-Z, a-z, 0-9, _ and -," \
    'and not "template", whose settings would be the template.'
fi

if [[ $mode == start || $mode == foreground ]] && [[ ! -f $settings ]]; then
  die "$EXIT_CONFIG" "There is no $settings in $PWD. To run the miner for real:" \
    "  1. cp .env.miner.template $settings" \
    "  2. fill in MINER_TYPE (detector or segmenter), WALLET_NAME and WALLET_HOTKEY" \
    "  3. ./start_miner.sh${INSTANCE:+ --instance $INSTANCE}" \
    'To try it first, without a wallet and a network: ./start_miner.sh --dev'
fi

if [[ $mode == start ]]; then
  use_node || true
  ./setup.sh --quiet --production
fi

use_node || die "$EXIT_FAILED" \
  "There is no Node.js $MIN_NODE_MAJOR.$MIN_NODE_MINOR or later in PATH, in ~/.nvm, in /usr/local/bin or in /usr/bin." \
  './setup.sh installs one.'
[[ -f dist/main.js ]] || die "$EXIT_FAILED" 'There is no build. Run ./setup.sh first.'

# The miner reads the settings file itself: a shell would run what is in it.
case $mode in
  foreground) exec node dist/main.js start --settings "$settings" ${flags[@]+"${flags[@]}"} ;;
  start) flags=(--settings "$settings" ${flags[@]+"${flags[@]}"}) ;;
esac

pm2=pm2
[[ -x .tools/bin/pm2 ]] && pm2=$PWD/.tools/bin/pm2
exec node dist/main.js pm2 "$mode" --pm2 "$pm2" ${flags[@]+"${flags[@]}"}

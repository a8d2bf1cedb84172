#!/usr/bin/env bash
# Starts the miner. `./start_miner.sh --help` explains.
set -euo pipefail

readonly ENV_FILE='.env.miner'
# As the miner's own exit code for settings that are wrong.
readonly EXIT_CONFIG=10

usage() {
  cat <<'HELP'
Usage: ./start_miner.sh [--dev | --foreground] [flags of the miner]

  (neither)     set up what is missing and run the miner of .env.miner under pm2
  --foreground  run the miner of .env.miner here, without set-up and pm2: for systemd and containers
  --dev         set up what is missing and run a miner with a development chain here, on loopback:
                needs no wallet, no network and no .env.miner
  --help        print this

All other flags go to the miner, for example: ./start_miner.sh --axon.port 8092
Relative paths count from the folder of this script. Exit code 10: the settings are wrong or missing.
HELP
}

die() {
  local status=$1
  shift
  printf '%s\n' "$@" >&2
  exit "$status"
}

mode=pm2
flags=()
for argument in "$@"; do
  case $argument in
    --dev) mode=dev ;;
    --foreground) mode=foreground ;;
    --help | -h)
      usage
      exit 0
      ;;
    *) flags+=("$argument") ;;
  esac
done

cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

if [[ $mode == dev ]]; then
  ./setup.sh --quiet
  exec node dist/main.js start --dev ${flags[@]+"${flags[@]}"}
fi

[[ -f $ENV_FILE ]] || die "$EXIT_CONFIG" \
  "There is no $ENV_FILE in $PWD. To run the miner for real:" \
  "  1. cp .env.miner.template $ENV_FILE" \
  "  2. fill in MINER_TYPE (detector or segmenter), WALLET_NAME and WALLET_HOTKEY" \
  '  3. ./start_miner.sh' \
  'To see it work first, without wallet and network: ./start_miner.sh --dev'

if [[ $mode == foreground ]]; then
  [[ -f dist/main.js ]] || die 1 'There is no build. Run ./setup.sh first.'
  exec node dist/main.js start --settings "$ENV_FILE" ${flags[@]+"${flags[@]}"}
fi

./setup.sh --quiet --production

# The miner reads the file; a shell would run what is in it. Wrong settings end here, before pm2 has a process.
miner_type=$(node dist/main.js config --only MINER_TYPE --settings "$ENV_FILE" ${flags[@]+"${flags[@]}"})
name="sn34-${miner_type,,}"

pm2=pm2
[[ -x .tools/bin/pm2 ]] && pm2=$PWD/.tools/bin/pm2

SN34_PM2_NAME=$name
SN34_PM2_FLAGS=$(node -p 'JSON.stringify(process.argv.slice(1))' -- ${flags[@]+"${flags[@]}"})
export SN34_PM2_NAME SN34_PM2_FLAGS
# Not a restart: pm2 would keep the variables of an earlier environment, also those that are gone by now, and they
# outrank .env.miner. The old process ends as after `pm2 stop`: it answers what it had admitted.
"$pm2" delete "$name" >/dev/null 2>&1 || true
"$pm2" start deploy/ecosystem.config.cjs

cat <<DONE

$name runs under pm2.
  logs   $pm2 logs $name
  state  $pm2 describe $name
  stop   $pm2 stop $name
  keep it over a reboot: $pm2 save, and once: $pm2 startup
DONE

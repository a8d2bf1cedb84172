#!/usr/bin/env bash
# Sets up this checkout: Node.js, npm packages, CUDA libraries, ffmpeg, the build, pm2. `./setup.sh --help` explains.
# Run it at any time, as often as you like: each step first checks whether there is anything to do.
set -euo pipefail

readonly NODESOURCE_SETUP='https://deb.nodesource.com/setup_22.x'
readonly PM2_VERSION='7.0.4'
# The first major version that does not restart a process after given exit codes.
readonly MIN_PM2_MAJOR=5
readonly CUDA_DOWNLOAD_LIMIT_S=1800
readonly EXIT_USAGE=2 EXIT_CUDA=3

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
readonly ROOT
# shellcheck source=deploy/find-node.sh
source "$ROOT/deploy/find-node.sh"
readonly LOCK_STAMP='node_modules/.sn34-lock-sha'
readonly CUDA_STAMP='node_modules/.sn34-cuda'
readonly BUILD_STAMP='dist/.sn34-built'

quiet=false
want_cuda=false
want_pm2=false
changed=false
exit_status=0
# A temporary folder of this run.
scratch=''

usage() {
  cat <<HELP
Usage: ./setup.sh [--quiet] [--cuda] [--production]

Sets up what this checkout lacks to run:
  Node.js       $MIN_NODE_MAJOR.$MIN_NODE_MINOR or later; if missing or older, 22 from NodeSource (apt, root or sudo)
  npm packages  npm ci, if package-lock.json changed since the last time
  CUDA          ONNX Runtime's libraries for NVIDIA GPUs, if nvidia-smi finds one; tried once, later by --cuda only
  ffmpeg        with ffprobe, from apt (root or sudo)
  build         dist/, if the sources changed

  --quiet       print only the steps that do something
  --cuda        fetch the CUDA libraries, with or without a GPU
  --production  also pm2 $PM2_VERSION, globally if that folder is writable, else in .tools/; an existing one is kept
  --help        print this help

Exit codes: 0 done (without --cuda, a failed download of the CUDA libraries is only a warning); 1 a step failed;
$EXIT_USAGE unknown option; $EXIT_CUDA --cuda failed, every other step is done and the miner runs on the CPU.
HELP
}

say() { printf '%s\n' "setup: $*"; }
note() { $quiet || say "$@"; }
warn() { printf '%s\n' "setup: warning: $*" >&2; }
fail() {
  printf '%s\n' "setup: error: $*" >&2
  exit 1
}

# Runs a command, and prints its output only if it fails.
silently() {
  local status=0
  "$@" >"$scratch/log" 2>&1 </dev/null || status=$?
  if ((status != 0)); then tail -n 200 -- "$scratch/log" >&2; fi
  return "$status"
}

can_be_root() {
  ((EUID == 0)) && return
  command -v sudo >/dev/null || return
  # Without a terminal, sudo could not ask for a password.
  [[ -t 0 ]] || sudo -n true 2>/dev/null
}

# shellcheck disable=SC2317 # called through silently
as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

apt_get() {
  silently as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@"
}

# apt_install REASON PACKAGE...: fetches the package lists only if the installation fails without that.
apt_install() {
  local reason=$1
  shift
  local by_hand="apt-get update && apt-get install -y $*"
  command -v apt-get >/dev/null || fail "$reason is missing, and there is no apt-get here: install it by hand"
  can_be_root || fail "$reason is missing; as root run: $by_hand"
  say "installing $* with apt"
  apt_get install -y --no-install-recommends "$@" 2>/dev/null && return
  apt_get update || warn 'apt-get update failed'
  apt_get install -y --no-install-recommends "$@" || fail "apt could not install $reason; as root try: $by_hand"
}

ensure_node() {
  if command -v npm >/dev/null && node_is_new_enough; then
    note "Node.js $(node --version) is there"
    return
  fi
  local found='Node.js or npm is missing'
  if command -v node >/dev/null && command -v npm >/dev/null; then found="Node.js $(node --version) is too old"; fi
  local need="$found: the miner needs $MIN_NODE_MAJOR.$MIN_NODE_MINOR or later"
  command -v apt-get >/dev/null || fail "$need; install it from https://nodejs.org"
  can_be_root || fail "$need; install it (https://nodejs.org), or run this as root or with sudo"

  command -v curl >/dev/null || apt_install curl curl ca-certificates
  say "$found; installing Node.js 22 from NodeSource"
  # Into a file first: an incomplete download must not run.
  curl -fsSL --retry 3 -o "$scratch/nodesource.sh" "$NODESOURCE_SETUP" ||
    fail "$need; $NODESOURCE_SETUP cannot be fetched"
  silently as_root bash "$scratch/nodesource.sh" || fail "$need; the set-up script of NodeSource failed"
  apt_install 'Node.js' nodejs
  hash -r
  node_is_new_enough ||
    fail "Node.js was installed, but $(command -v node || echo 'no node') comes first in PATH and is still too old"
}

ensure_ffmpeg() {
  if command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null; then
    note 'ffmpeg is there'
    return
  fi
  apt_install ffmpeg ffmpeg
}

ensure_packages() {
  local sha
  sha=$(sha256sum package-lock.json | cut -d ' ' -f 1)
  if [[ -f $LOCK_STAMP && $(<"$LOCK_STAMP") == "$sha" ]]; then
    note 'npm packages are up to date'
    return
  fi
  say 'installing npm packages'
  changed=true
  # Without install scripts, as newer npm does by default. The only one downloads the CUDA libraries of
  # onnxruntime-node, and its failure fails the whole installation; ensure_cuda does that download.
  # In a folder beside the old packages: npm ci first removes those, and a miner may be running from them.
  rm -rf -- node_modules.new
  mkdir node_modules.new
  local file
  for file in package.json package-lock.json .npmrc; do
    if [[ -f $file ]]; then cp -- "$file" node_modules.new/; fi
  done
  (
    cd node_modules.new
    ONNXRUNTIME_NODE_INSTALL=skip silently npm ci --include=dev --ignore-scripts --no-audit --no-fund
  ) || fail 'npm ci failed; check the network and run this again. The packages that were installed are unchanged'
  mkdir -p node_modules.new/node_modules
  put_in_place node_modules.new/node_modules node_modules
  printf '%s\n' "$sha" >"$LOCK_STAMP"
}

# put_in_place NEW NAME: two renames, so that a running program finds all of the old or all of the new.
put_in_place() {
  local new=$1 name=$2
  rm -rf -- "$name.old"
  if [[ -e $name ]]; then mv -- "$name" "$name.old"; fi
  mv -- "$new" "$name"
  rm -rf -- "$name.old"
}

# Repairs what a set-up left that ended between the two renames.
put_back() {
  local name
  for name in node_modules dist; do
    if [[ ! -e $name && -e $name.old ]]; then mv -- "$name.old" "$name"; fi
  done
}

# Fetches the CUDA libraries: always with --cuda, once if there is a GPU.
ensure_cuda() {
  local state=''
  [[ -f $CUDA_STAMP ]] && state=$(<"$CUDA_STAMP")
  if [[ $state == installed ]]; then
    note 'CUDA libraries are there'
    return
  fi
  if ! $want_cuda; then
    if [[ $state == failed ]]; then
      note 'CUDA libraries could not be fetched before; ./setup.sh --cuda tries again'
      return
    fi
    if ! command -v nvidia-smi >/dev/null || ! timeout 30 nvidia-smi -L >/dev/null 2>&1; then
      note 'no NVIDIA GPU, so no CUDA libraries'
      return
    fi
  fi
  say 'fetching the CUDA libraries of ONNX Runtime (some hundred MB)'
  changed=true
  # `true` forces the download. With a name such as cuda12, the script does nothing if npm runs it (`npm test`). On a
  # platform without such libraries it succeeds and downloads none.
  if TMPDIR=$scratch ONNXRUNTIME_NODE_INSTALL=true silently timeout "$CUDA_DOWNLOAD_LIMIT_S" \
    node node_modules/onnxruntime-node/script/install && [[ -f $(cuda_library cuda) ]]; then
    printf 'installed\n' >"$CUDA_STAMP"
    say 'CUDA libraries are installed; they need CUDA 12 and cuDNN 9 on this host'
    return
  fi
  # ONNX Runtime would load a library that is half written.
  rm -f -- "$(cuda_library cuda)" "$(cuda_library shared)" "$(cuda_library tensorrt)"
  printf 'failed\n' >"$CUDA_STAMP"
  warn 'the CUDA libraries could not be fetched: the miner runs on the CPU (DEVICE=cpu or auto).' \
    'They exist for Linux on x86-64; there, check the network and run ./setup.sh --cuda'
  if $want_cuda; then exit_status=$EXIT_CUDA; fi
}

cuda_library() {
  printf '%s' "node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_$1.so"
}

ensure_build() {
  if [[ -f $BUILD_STAMP && -f dist/main.js ]] &&
    [[ -z $(find src tsconfig.json tsconfig.build.json package-lock.json -newer "$BUILD_STAMP" -print -quit) ]]; then
    note 'the build is up to date'
    return
  fi
  say 'building'
  changed=true
  rm -rf -- dist.new
  mkdir dist.new
  # Dated before the compiler reads the sources: a file that is edited during the build then counts as newer.
  touch "dist.new/${BUILD_STAMP##*/}"
  npm run --silent build -- --outDir dist.new --tsBuildInfoFile dist.new/.tsbuildinfo ||
    fail 'the build failed; the build from before is unchanged'
  put_in_place dist.new dist
}

usable_pm2() {
  [[ -x .tools/bin/pm2 ]] && return
  local pm2 version
  pm2=$(command -v pm2) || return
  # Read from its package, since every command of pm2 starts its daemon.
  version=$(node -p 'require(process.argv[1]).version' \
    "$(dirname -- "$(readlink -f -- "$pm2")")/../package.json" 2>/dev/null) || return
  ((${version%%.*} >= MIN_PM2_MAJOR))
}

ensure_pm2() {
  if usable_pm2; then
    note 'pm2 is there'
    return
  fi
  local prefix
  prefix=$(npm prefix --global 2>/dev/null)
  # A pm2 that is too old stays: it may run other processes.
  if command -v pm2 >/dev/null || [[ ! -w $prefix/bin || ! -w $prefix/lib/node_modules ]] ||
    [[ :$PATH: != *":$prefix/bin:"* ]]; then
    prefix=$ROOT/.tools
    changed=true
  fi
  say "installing pm2 $PM2_VERSION in $prefix"
  silently npm install --global --prefix "$prefix" --ignore-scripts --no-audit --no-fund "pm2@$PM2_VERSION" ||
    fail 'pm2 could not be installed; check the network and run this again'
}

# After `sudo ./setup.sh` the checkout still belongs to the user who ran it.
# shellcheck disable=SC2317 # called by the trap
give_to_sudo_user() {
  $changed && ((EUID == 0)) && [[ ${SUDO_UID:-0} != 0 ]] || return 0
  local path
  for path in node_modules dist .tools; do
    if [[ -e $path ]]; then chown -Rh -- "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$path"; fi
  done
}

# shellcheck disable=SC2317 # called by the trap
clean_up() {
  rm -rf -- "$scratch" dist.new node_modules.new
  give_to_sudo_user
}

# Waits for another set-up, and keeps others waiting until this process ends. The lock is on the folder itself: it
# leaves no file, and needs no permission to write. On a file system without locks, set-ups do not wait.
take_turn() {
  command -v flock >/dev/null || return 0
  exec 9<"$ROOT"
  flock --nonblock 9 && return
  say 'waiting for another ./setup.sh to end'
  flock 9 || warn 'this file system has no locks: do not run two set-ups at once'
}

while (($# > 0)); do
  case $1 in
    --quiet) quiet=true ;;
    --cuda) want_cuda=true ;;
    --production) want_pm2=true ;;
    --help | -h)
      usage
      exit 0
      ;;
    *)
      printf '%s\n' "setup: unknown option $1" >&2
      usage >&2
      exit "$EXIT_USAGE"
      ;;
  esac
  shift
done

cd -- "$ROOT"
take_turn
scratch=$(mktemp -d)
trap clean_up EXIT
put_back
ensure_node
ensure_ffmpeg
ensure_packages
ensure_cuda
ensure_build
if $want_pm2; then ensure_pm2; fi
exit "$exit_status"

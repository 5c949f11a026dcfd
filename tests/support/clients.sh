# For the scripts that drive the emulator by clients of other languages: their tools, and the emulator. To be sourced in the
# root of the workspace, with `work` set to a folder that exists.
#
#   DESCOPE_EMULATOR  an emulator binary that is built already; one is built unless given

# Each set of versions is installed once, in a folder named after it. These answer the folder, or fail: a check that skips
# is no check.

# The programs of the packages in a requirements.txt.
python_tools() {
  local folder
  folder="$work/python-$(cksum < "$1" | tr -d ' ')"
  if [ ! -e "$folder/installed" ]; then
    python3 -m venv --clear "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$1" >&2
    touch "$folder/installed"
  fi
  echo "$folder/bin"
}

# The packages of a folder's package-lock.json.
node_tools() {
  local folder
  folder="$work/node-$(cksum < "$1/package-lock.json" | tr -d ' ')"
  if [ ! -e "$folder/installed" ]; then
    mkdir -p "$folder"
    cp "$1/package.json" "$1/package-lock.json" "$folder/"
    (cd "$folder" && npm ci --silent --no-audit --no-fund --prefer-offline --ignore-scripts) >&2
    touch "$folder/installed"
  fi
  echo "$folder"
}

# Whether there is a Chromium. One is installed where this computer lets us.
chromium_is_there() {
  local name
  for name in ${CHROMIUM:-} chromium chromium-browser google-chrome google-chrome-stable; do
    "$name" --version > /dev/null 2>&1 && return
  done
  [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null || return 1
  { apt-get update --quiet --quiet || true
    DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends chromium fonts-dejavu-core
  } > "$work/chromium.log" 2>&1 || return 1
  chromium --version > /dev/null 2>&1
}

# Starts the emulator, which ends with the script, and exports where it is and its keys.
start_emulator() {
  local binary="${DESCOPE_EMULATOR:-}" ready="$work/emulator.json"
  if [ -z "$binary" ]; then
    cargo build --quiet --package descope-emulator
    binary="${CARGO_TARGET_DIR:-target}/debug/descope-emulator"
  fi
  "$binary" --port 0 > "$ready" 2> "$work/emulator.log" &
  emulator_id=$!
  trap 'kill "$emulator_id" 2> /dev/null || true' EXIT
  for _ in $(seq 100); do
    [ -s "$ready" ] && break
    kill -0 "$emulator_id" 2> /dev/null || { cat "$work/emulator.log" >&2; exit 1; }
    sleep 0.1
  done
  field() { python3 -c 'import json, sys; print(json.loads(open(sys.argv[1]).readline())[sys.argv[2]])' "$ready" "$1"; }
  EMULATOR_BASE_URL="$(field baseUrl)"
  EMULATOR_PROJECT_ID="$(field projectId)"
  EMULATOR_MANAGEMENT_KEY="$(field managementKey)"
  export EMULATOR_BASE_URL EMULATOR_PROJECT_ID EMULATOR_MANAGEMENT_KEY
}

# Shared by the scripts of this folder, which run under with-agent: `. "$COMMON"`.

# Ends as skipped unless every one of these programs is there.
need() {
  for program; do
    command -v "$program" >/dev/null || {
      echo "skipped: $program is not installed"
      exit 77
    }
  done
}

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# Runs a command; on failure shows what it said.
try() {
  "$@" >said 2>&1 || {
    status=$?
    cat said >&2
    fail "$* (status $status)"
  }
}

# The label of a fixture's key, and its certificate.
certificate() {
  printf '%s/certs/%s.pem' "$TOKEN" "$1"
}

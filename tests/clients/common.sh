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

# Ends as skipped without libp11's engine; else has OpenSSL's commands find it, and the module by it.
configure_engine() {
  engine=$(openssl version -e | sed 's/.*"\(.*\)"/\1/')/pkcs11.so
  [ -e "$engine" ] || {
    echo "skipped: libengine-pkcs11-openssl is not installed"
    exit 77
  }
  try "$PRIVYSEAL" setup openssl --yes
  OPENSSL_CONF=$XDG_CONFIG_HOME/privyseal/openssl.cnf
  export OPENSSL_CONF
}

# Java knows the module, by the slot of this token: it would take the first that has one. The two
# files are $configuration, for -providerArg, and $properties, for -Djava.security.properties.
configure_java() { # token
  slot=$(pkcs11-tool --module "$MODULE" -L 2>/dev/null | grep -B1 "token label *: $1\$" |
    sed -n 's/^Slot [0-9]* (0x\([0-9a-f]*\)).*/\1/p')
  try "$PRIVYSEAL" setup java --yes --slot $((0x$slot))
  # shellcheck disable=SC2034
  configuration=$XDG_CONFIG_HOME/privyseal/java-pkcs11.cfg properties=$XDG_CONFIG_HOME/privyseal/java.security
}

# A TLS server's own key and certificate, made here; and the CAs of the clients that it takes.
make_tls_server() {
  try openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key \
    -out server.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1
  cat "$TOKEN/intermediate.pem" "$TOKEN/root.pem" >clients.pem
}

# Starts a server for one client on a loopback port that the kernel chooses: $server is its pid,
# $port where it listens. It wants a certificate of the fixture's CA, sends each line back in
# reverse, and says in server.log whom it saw.
serve_tls() { # options of s_server...
  : >server.log
  openssl s_server -accept 127.0.0.1:0 -naccept 1 -rev -cert server.pem -key server.key \
    -CAfile clients.pem -Verify 2 -verify_return_error "$@" >>server.log 2>&1 </dev/null &
  server=$!
  trap 'kill "$server" 2>/dev/null || true' EXIT
  tail -n +1 -f --pid=$server server.log 2>/dev/null | grep -m 1 '^ACCEPT' >listening ||
    fail "s_server: $(cat server.log)"
  port=$(sed 's/.*://' listening)
}

# The server has ended, and saw Tina, by this version of TLS and this kind of signature.
expect_tina() { # version, kind
  wait "$server" || fail "s_server: $(cat server.log)"
  for line in "Protocol version: TLSv$1" "Signature type: $2" \
    "Peer certificate: O = Privy Seal Fixtures, CN = Tina Example"; do
    grep -qx "$line" server.log || fail "the server does not say '$line': $(cat server.log)"
  done
}

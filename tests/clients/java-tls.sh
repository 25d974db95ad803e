# Java's TLS over SunPKCS11: shows Tina's certificates to a server that wants one.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
need java openssl pkcs11-tool
configure_java Tina
make_tls_server

connect_as() { # alias, version
  java -Duser.home="$HOME" "$CLIENTS/TlsClient.java" "$configuration" "$1" "$port" "$2" >answer 2>said ||
    fail "java ($1, TLS $2): $(cat said server.log)"
  grep -qx laes answer || fail "no answer ($1, TLS $2): $(cat answer said server.log)"
}

for version in 1.2 1.3; do
  serve_tls
  connect_as "Tina RSA" $version
  expect_tina $version RSA-PSS
  serve_tls
  connect_as "Tina P-256" $version
  expect_tina $version ECDSA
done

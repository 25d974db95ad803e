# gnutls-cli: shows Tina's certificates, found on the token, to a server that wants one.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
need gnutls-cli openssl
make_tls_server

connect_as() { # id, priority...
  printf 'seal\nCLOSE\n' | gnutls-cli --provider "$MODULE" --port "$port" --x509cafile server.pem \
    --sni-hostname localhost --verify-hostname localhost --priority "$2" \
    --x509certfile "pkcs11:token=Tina;id=%$1;type=cert" \
    --x509keyfile "pkcs11:token=Tina;id=%$1;type=private" 127.0.0.1 >said 2>&1 ||
    fail "gnutls-cli ($1, $2): $(cat said server.log)"
  grep -qx laes said || fail "no answer ($1, $2): $(cat said server.log)"
}

for version in 1.2 1.3; do
  serve_tls
  connect_as 41 "NORMAL:-VERS-ALL:+VERS-TLS$version"
  expect_tina $version RSA-PSS
  serve_tls
  connect_as 42 "NORMAL:-VERS-ALL:+VERS-TLS$version"
  expect_tina $version ECDSA
done

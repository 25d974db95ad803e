# openssl s_client through libp11's engine: shows Tina's certificates to a server that wants one. libp11
# signs PSS by its own mechanism there, so RSA keys serve TLS 1.3, too.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
need openssl
configure_engine
make_tls_server

connect() { # options of s_client...
  printf 'seal\nCLOSE\n' | openssl s_client -connect "127.0.0.1:$port" -CAfile server.pem \
    -verify_return_error -quiet "$@" >answer 2>said
}

connect_as() { # id, certificate, options...
  id=$1 name=$2
  shift 2
  connect -engine pkcs11 -keyform engine -key "pkcs11:token=Tina;id=%$id;type=private" \
    -cert "$(certificate "$name")" "$@" || fail "s_client ($name, $*): $(cat said server.log)"
  grep -qx laes answer || fail "no answer ($name, $*): $(cat said server.log)"
}

for version in 1.2 1.3; do
  serve_tls "-tls1_${version#1.}"
  connect_as 41 tina-rsa
  expect_tina $version RSA-PSS
  serve_tls "-tls1_${version#1.}"
  connect_as 42 tina-p256
  expect_tina $version ECDSA
done
# PKCS#1 v1.5, which older servers ask for.
serve_tls -tls1_2
connect_as 41 tina-rsa -client_sigalgs RSA+SHA256
expect_tina 1.2 RSA

# Who shows nothing is sent away.
serve_tls -tls1_3
! connect || fail "the server takes whoever comes"
wait "$server"

# Firefox without a display: knows the token's certificates, and shows them to servers that want one.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
# shellcheck source=tests/clients/nss-tools.sh
. "$CLIENTS/nss-tools.sh"
need firefox-esr certutil openssl python3
make_profile firefox
# Issued by the fixture's CA: Firefox takes no server with the certificate of a CA.
try openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key \
  -out server.csr -subj /CN=localhost
printf 'subjectAltName = DNS:localhost\nextendedKeyUsage = serverAuth\n' >server.cnf
try openssl x509 -req -in server.csr -CA "$TOKEN/intermediate.pem" \
  -CAkey "$TOKEN/ca-keys/intermediate.pem" -days 2 -extfile server.cnf -out server.pem
cat "$TOKEN/intermediate.pem" >>server.pem
cat "$TOKEN/intermediate.pem" "$TOKEN/root.pem" >clients.pem

python3 -B "$CLIENTS/firefox.py" profile || {
  grep -aEv 'gtk_|^$' firefox-esr.log >&2
  fail "in Firefox"
}

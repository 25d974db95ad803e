# Every mail that privyseal writes is read by other programs, and theirs by privyseal.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
need openssl
# Alice's and nobody else's token is opened, by one PIN: what with-agent expects.
exec /usr/bin/python3 "$INTEROP/run.py"

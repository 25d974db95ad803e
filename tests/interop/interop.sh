# Every mail that privyseal writes is read by other programs, and theirs by privyseal.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
need openssl python3
# Alice's token is opened, and Bob's.
echo 2 >prompts
exec python3 "$INTEROP/run.py"

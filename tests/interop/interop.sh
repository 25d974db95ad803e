# Every mail that privyseal writes is read by other programs, and theirs by privyseal.
set -eu
# shellcheck source=tests/clients/common.sh
. "$COMMON"
need openssl python3
# Alice's token is opened; mails for Bob, too, are opened with hers.
echo 1 >prompts
exec python3 "$INTEROP/run.py"

# mutt, as neomutt.
MUTT=mutt
# shellcheck source=tests/clients/neomutt.sh
. "$CLIENTS/neomutt.sh"

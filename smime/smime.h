/* Everything a user of this room needs. */
#pragma once

#include "smime/armor.h"
#include "smime/compression.h"
#include "smime/certificates.h"
#include "smime/detached.h"
#include "smime/draft.h"
#include "smime/encrypt.h"
#include "smime/open.h"
#include "smime/prepare.h"
#include "smime/report.h"
#include "smime/sign.h"
#include "smime/signer.h"
#include "smime/unwrapper.h"

/* The programs that can be set up, one file each. */
#pragma once

#include "ui-cli/setup/setup.h"

extern const SealSetupTarget seal_setup_thunderbird;
extern const SealSetupTarget seal_setup_firefox;
extern const SealSetupTarget seal_setup_evolution;
extern const SealSetupTarget seal_setup_openssh;
extern const SealSetupTarget seal_setup_git;
extern const SealSetupTarget seal_setup_openssl;
extern const SealSetupTarget seal_setup_java;

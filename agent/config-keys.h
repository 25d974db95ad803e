/* The groups and keys of privyseal.conf that the agent reads. */
#pragma once

#include "agent/config.h"
#include "base/setting-keys.h"

/* [agent] into a SealConfig, [module NAME] into a SealModuleConfig, [policy NAME] into
 * a SealPolicyRule. */
extern const SealSettingGroup seal_config_groups[];

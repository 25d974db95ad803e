/* How the module builds its tokens; everybody else uses module.h. */
#pragma once

#include "pkcs11/token/channel.h"
#include "pkcs11/token/lane-book.h"
#include "pkcs11/token/module.h"

/* What an event did to a token. */
typedef enum {
    SEAL_TOKEN_EVENT_NOTHING,
    SEAL_TOKEN_EVENT_APPEARED,
    SEAL_TOKEN_EVENT_CHANGED,
    SEAL_TOKEN_EVENT_NONSENSE, /* the host broke the protocol */
} SealTokenEvent;

/* A token that was not told yet; reads `info` (moved into it). (transfer full) */
SealToken *seal_token_new(SealModule *module, SealTokenInfo *info);
/* TOKEN again: the next objects replace the old ones at TOKEN_DONE. `info` is moved. */
void seal_token_reread(SealToken *token, SealTokenInfo *info);
/* KEY, CERTIFICATE (moved on success), LEFT_OUT; FALSE if none is due or there are too many. */
gboolean seal_token_add_key(SealToken *token, SealKeyInfo *info);
gboolean seal_token_add_certificate(SealToken *token, SealCertificateInfo *info);
gboolean seal_token_add_left_out(SealToken *token, const char *sentence);
/* TOKEN_DONE and TOKEN_STATE. */
SealTokenEvent seal_token_finish(SealToken *token);
SealTokenEvent seal_token_set_flags(SealToken *token, guint32 flags);
/* TRUE once it was told: its end must be told, too. */
gboolean seal_token_is_told(const SealToken *token);
uint32_t seal_token_reference(const SealToken *token);
/* It is gone; the owner's reference stays. */
void seal_token_bury(SealToken *token);
/* Its module is going: no operation can be asked any more. */
void seal_token_orphan(SealToken *token);

/* The module's side of an operation (module.c). */
SealChannel *seal_module_channel(SealModule *module);
/* The lanes at its host; NULL if that has none now. */
SealLaneBook *seal_module_lanes(SealModule *module);
/* The living token with this number; NULL if there is none. */
SealToken *seal_module_find_token(SealModule *module, uint32_t reference);
/* LEFT_OUT and KEY_TRIED; FALSE if they make no sense. */
gboolean seal_module_on_left_out(SealModule *module, const SealFrameHeader *header, SealBytes body);
gboolean seal_module_on_key_tried(SealModule *module, const SealFrameHeader *header, SealBytes body);
/* LANE_CLOSED and DOORBELL; FALSE if they make no sense. */
gboolean seal_module_on_readers(SealModule *module, const SealFrameHeader *header, SealBytes body);
gboolean seal_module_on_lane_closed(SealModule *module, const SealFrameHeader *header,
                                    SealBytes body);
gboolean seal_module_on_doorbell(SealModule *module, const SealFrameHeader *header, SealBytes body);
/* The last reference to a token went while its module lives. */
void seal_module_forget_token(SealModule *module, SealToken *token);

/* Tells its owner whether a signature fitted. */
void seal_module_tell_key_tried(SealModule *module, SealToken *token, guint32 key, gboolean fits);
/* Tells its owner which readers have a card. */
void seal_module_tell_readers(SealModule *module, const GPtrArray *names);

/* A copy of what stands in a configuration, and its end. */
void seal_module_config_copy(const SealModuleConfig *config, SealModuleConfig *ret_copy);
void seal_module_config_clear(SealModuleConfig *config);

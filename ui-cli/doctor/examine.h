/* The examinations, in the order in which they are made: each adds its findings, changes nothing,
 * asks nobody, and blocks for a few seconds at the most. */
#pragma once

#include "ui-cli/doctor/exam.h"

/* How long one question may take. */
#define SEAL_EXAM_PROGRAM_MS 10000u
#define SEAL_EXAM_BUS_MS     5000u
/* After its start the agent waits up to 10 s for its tokens. */
#define SEAL_EXAM_AGENT_MS 15000u
#define SEAL_EXAM_PCSC_MS  5000u

/* The configuration of agent and commands; exam->settings. */
void seal_examine_configuration(SealExam *exam);
/* The session bus, and the agent on it; exam->reach and exam->objects. */
void seal_examine_agent(SealExam *exam);
/* The PKCS#11 modules. */
void seal_examine_modules(SealExam *exam);
/* udev's rules, readers on USB, pcscd, who may use it, and what it says of readers and cards. */
void seal_examine_readers(SealExam *exam);
/* Programs that use readers beside the agent. */
void seal_examine_rivals(SealExam *exam);
/* Tokens, their PINs, and whether there are keys and certificates to sign and decrypt with. */
void seal_examine_tokens(SealExam *exam);
void seal_examine_keys(SealExam *exam);
/* Who is trusted, and whether one's own certificates lead there. */
void seal_examine_trust(SealExam *exam);
/* The program that asks for PINs. */
void seal_examine_prompter(SealExam *exam);

/* TRUE if the token (nullable) is here; how many are. */
gboolean seal_exam_has_token(const SealClientToken *token);
guint seal_exam_count_tokens(const SealExam *exam);
/* TRUE if a configured module may look for smart cards, or it is not known which there are. */
gboolean seal_exam_needs_readers(const SealExam *exam);
/* The value in force in the agent's configuration; NULL if it is not known. */
const char *seal_exam_setting(const SealExam *exam, const char *group, const char *key);

/* What PC/SC says, in lines for another process. */
#pragma once

/* Writes to `fd` what a module that uses smart cards would meet: "service" once pcscd has answered,
 * or "error NUMBER TEXT" (the number in hexadecimal, as pcsclite.h has it); then "reader STATE
 * NAME" for each reader, STATE one of "empty", "card", "taken" (by one program for itself), "mute",
 * "unknown". "unbuilt" if this program was built without PC/SC. Opens no card. May hang as long as
 * pcscd does. */
void seal_pcsc_ask(int fd);

/* Names and limits of the D-Bus contract (DESIGN section 4; manual: the XML files beside this one). */
#pragma once

#define SEAL_BUS_NAME  "org.privyseal.Agent1"
#define SEAL_ROOT_PATH "/org/privyseal/Agent1"

#define SEAL_TOKEN_PREFIX       SEAL_ROOT_PATH "/token"
#define SEAL_KEY_PREFIX         SEAL_ROOT_PATH "/key"
#define SEAL_CERTIFICATE_PREFIX SEAL_ROOT_PATH "/certificate"

#define SEAL_INTERFACE_AGENT       "org.privyseal.Agent1"
#define SEAL_INTERFACE_TOKEN       "org.privyseal.Agent1.Token"
#define SEAL_INTERFACE_KEY         "org.privyseal.Agent1.Key"
#define SEAL_INTERFACE_CERTIFICATE "org.privyseal.Agent1.Certificate"

#define SEAL_ERROR_PREFIX "org.privyseal.Error."

/* Takes the place of the session bus for every client. */
#define SEAL_ADDRESS_VARIABLE "PRIVYSEAL_ADDRESS"

/* "0": a client opens no lanes. */
#define SEAL_LANES_VARIABLE "PRIVYSEAL_LANES"

/* Bytes of `data` and `encryptedKey`. */
#define SEAL_LIMIT_DATA (64 * 1024)
/* Requests that one peer may have in flight. */
#define SEAL_LIMIT_IN_FLIGHT 256

/* SPDX-License-Identifier: Apache-2.0 */
/* The checksum of OpenPGP's armour (RFC 9580, 6.1.1). */
#ifndef POSTSEAL_BASE_CRC24_H
#define POSTSEAL_BASE_CRC24_H

#include "base/str.h"

#define CRC24_BEGIN 0xb704ceu

/* Takes more octets into a checksum that began as CRC24_BEGIN. */
uint32_t crc24_add(uint32_t crc, struct str in);
/* As it stands in armour: "=" and four letters. */
void crc24_text(uint32_t crc, char out[6]);

#endif

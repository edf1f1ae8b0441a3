/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps password checks from being used against us: at most a few at a time
 * (each needs 19 MiB), and a source address that failed often must wait.
 * Thread-safe.
 */
#ifndef POSTSEAL_ROLE_INTAKE_AUTH_GATE_H
#define POSTSEAL_ROLE_INTAKE_AUTH_GATE_H

#include "base/str.h"

struct auth_gate;

struct auth_gate *auth_gate_new(unsigned at_once);
void auth_gate_free(struct auth_gate **gate);
/* False while the address has failed too often lately (PO-03's figures: 5 in
 * 15 minutes). */
bool auth_gate_may_try(struct auth_gate *gate, struct str address);
void auth_gate_failed(struct auth_gate *gate, struct str address);
/* Around the expensive check. */
void auth_gate_enter(struct auth_gate *gate);
void auth_gate_leave(struct auth_gate *gate);

#endif

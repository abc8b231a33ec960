/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_UNIT_NET_FAKE_PROTOCOL_H
#define TESTS_UNIT_NET_FAKE_PROTOCOL_H

#include <postern/protocol.h>

extern const struct ptn_protocol fake_protocol;

#endif

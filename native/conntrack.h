/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conntrack.h - questions to the kernel's connection tracking (ctnetlink), as a JS object.
 *
 * In:    the network namespace of the thread at construction; requests, back to back.
 * Out:   the kernel's answers, each on a multiple of 4. The kernel answers while it receives, so
 *        all answers are there when query() reads.
 * Fail:  EPROTONOSUPPORT: the kernel has no nfnetlink. EPERM: no CAP_NET_ADMIN, as an answer.
 * Never: subscribes to events, which would cost every new connection of the node.
 */
#pragma once

#include "errors.h"
#include "owned.h"
#include "tables.h"

class ConntrackQuery : public Napi::ObjectWrap<ConntrackQuery>
{
      public:
	static Napi::Function Define(Napi::Env env);
	explicit ConntrackQuery(const Napi::CallbackInfo &info);

      private:
	Napi::Value Query(const Napi::CallbackInfo &info);
	Napi::Value Close(const Napi::CallbackInfo &info);
	Fault ReadAll(Bytes into, size_t &filled);

	Fd socket_;
};

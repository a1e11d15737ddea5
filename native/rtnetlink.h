/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtnetlink.h - rtnetlink, subscribed to multicast groups, as a JS object.
 *
 * In:    the network namespace of the thread at construction; RTMGRP_* bits (linux/rtnetlink.h).
 * Out:   raw messages of the kernel, none of other processes: whole datagrams, back to back, each
 *        on a multiple of 4.
 * Fail:  ENOBUFS when the kernel dropped notifications: only a new dump gives the current state.
 * Never: parses a message.
 */
#pragma once

#include "errors.h"
#include "owned.h"
#include "readable.h"
#include "tables.h"

class RtnetlinkWatch : public Napi::ObjectWrap<RtnetlinkWatch>
{
      public:
	static Napi::Function Define(Napi::Env env);
	explicit RtnetlinkWatch(const Napi::CallbackInfo &info);

      private:
	Napi::Value Dump(const Napi::CallbackInfo &info);
	Napi::Value Read(const Napi::CallbackInfo &info);
	Napi::Value OnReadable(const Napi::CallbackInfo &info);
	Napi::Value Close(const Napi::CallbackInfo &info);
	Fault Open(uint32_t groups);
	Fault ReadAll(Bytes into, size_t &filled);
	Fault Receive(Bytes into, size_t &size);

	Fd socket_;
	Readable readable_; /* after the socket, so that it is destroyed first */
	uint32_t sequence_ = 0;
	bool lost_ = false; /* reported once the messages received before are delivered */
};

/*
 * links.h - rtnetlink, subscribed to link changes, as one JS object.
 *
 * In:    the network namespace that the thread is in when it is made.
 * Out:   raw messages of the kernel's (nothing another process sent), whole datagrams, back to back
 * on multiples of 4. Fail:  ENOBUFS when the kernel had to drop notices: only a new dump tells the
 * truth then. Never: looks inside a message.
 */
#pragma once

#include "errors.h"
#include "owned.h"
#include "readable.h"
#include "tables.h"

class LinkWatch : public Napi::ObjectWrap<LinkWatch>
{
      public:
	static Napi::Function Define(Napi::Env env);
	explicit LinkWatch(const Napi::CallbackInfo &info);

      private:
	Napi::Value Dump(const Napi::CallbackInfo &info);
	Napi::Value Read(const Napi::CallbackInfo &info);
	Napi::Value OnReadable(const Napi::CallbackInfo &info);
	Napi::Value Close(const Napi::CallbackInfo &info);
	Fault Open();
	Fault ReadAll(Bytes into, size_t &filled);
	Fault Receive(Bytes into, size_t &size);

	Fd socket_;
	Readable readable_; /* after the socket, so that it lets go first */
	uint32_t sequence_ = 0;
	bool lost_ = false; /* the kernel says so once, perhaps while we hold whole messages */
};

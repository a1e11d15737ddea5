/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netns.h - moves this thread to another network namespace for the length of a scope.
 *
 * Never: leaves the thread there. If it cannot return, the process aborts: every socket opened from
 *        then on would be in the wrong network.
 */
#pragma once

#include "errors.h"
#include "owned.h"

class NetnsScope
{
      public:
	NetnsScope() = default;
	~NetnsScope();
	NetnsScope(const NetnsScope &) = delete;
	NetnsScope &operator=(const NetnsScope &) = delete;

	Fault Enter(int netns);
	Fault Enter(const std::string &path);

      private:
	Fd home_;
};

/* inNamespace(path, body): returns or throws what body does. */
Napi::Value InNamespace(const Napi::CallbackInfo &info);

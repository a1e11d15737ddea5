/*
 * netns.h - this thread in another network namespace, for as long as a scope lasts.
 *
 * Never: leaves the thread there; when the way back fails the process aborts, since every socket
 *        opened from then on would be in the wrong network.
 */
#pragma once

#include "errors.h"
#include "owned.h"

#include <sys/types.h>

class Visit
{
      public:
	Visit() = default;
	~Visit();
	Visit(const Visit &) = delete;
	Visit &operator=(const Visit &) = delete;

	Fault Enter(int netns);
	Fault Enter(const std::string &path);

      private:
	Fd home_;
};

/* The namespace that this thread is in, and the number that tells it from others. */
Fault CurrentNetns(Fd &netns, ino_t &number);

/* inNamespace(path, body): what body returns or throws. */
Napi::Value InNamespace(const Napi::CallbackInfo &info);

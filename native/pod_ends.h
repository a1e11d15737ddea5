/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_ends.h - TCX links in the network namespaces of pods.
 *
 * In:    calls from any thread. A link has a number that the caller chooses.
 * Out:   a program at the head of an interface's ingress hook.
 * Fail:  EEXIST for a number in use, ECANCELED after Close().
 * Never: attaches clsact filters: in another's namespace these would outlive the process.
 */
#pragma once

#include "errors.h"
#include "owned.h"

#include <map>
#include <mutex>
#include <string>

class PodEnds
{
      public:
	/* Blocks for tens of milliseconds. */
	Fault Attach(int number, const std::string &netns, int ifindex, const Fd &program);
	void Detach(int number);
	/* Closes all links, in the background where the kernel can. */
	void Close();

      private:
	std::mutex mutex_;
	bool closed_ = false;
	std::map<int, Fd> links_;
};

/* netnsIds([path, ...]): the ids by which the caller's network namespace knows others; -1: by none. */
Napi::Value NetnsIds(const Napi::CallbackInfo &info);

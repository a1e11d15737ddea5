/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_ends.h - TCX links in the network namespaces of pods.
 *
 * In:    calls from any thread. An interface has a number that the caller chooses.
 * Out:   programs at the head of its ingress hook, and of its egress hook.
 * Fail:  an interface has all of its programs or none. EEXIST for a number in use, ECANCELED after
 *        Close().
 * Never: attaches clsact filters: in another's namespace these would outlive the process. Holds a
 *        namespace open.
 */
#pragma once

#include "errors.h"
#include "owned.h"

#include <map>
#include <mutex>
#include <string>
#include <vector>

class PodEnds
{
      public:
	/* Programs for ingress, then egress. Blocks for tens of milliseconds. */
	Fault Attach(uint32_t number, const std::string &netns, int ifindex,
		     const std::vector<Fd> &programs);
	void Detach(uint32_t number);
	/* Whether all programs are attached: not after the interface was deleted. */
	bool IsAttached(uint32_t number);
	/* Closes all links, in the background where the kernel can. */
	void Close();

      private:
	std::mutex mutex_;
	bool closed_ = false;
	std::map<uint32_t, std::vector<Fd>> links_;
};

/* netnsIds([path, ...]): the ids by which the caller's network namespace knows others; -1: by none. */
Napi::Value NetnsIds(const Napi::CallbackInfo &info);

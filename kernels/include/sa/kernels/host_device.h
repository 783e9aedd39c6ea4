// SPDX-License-Identifier: GPL-3.0-or-later
// Marks the few functions that CUDA kernels share with the CPU, so that both round alike.
#pragma once

#ifdef __CUDACC__
#define SA_HOST_DEVICE __host__ __device__
#else
#define SA_HOST_DEVICE
#endif

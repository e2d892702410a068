// Marks functions that kernels call as well as the host.
#pragma once

#if defined(__CUDACC__)
#define TINCT_HOST_DEVICE __host__ __device__
#else
#define TINCT_HOST_DEVICE
#endif

# SPDX-License-Identifier: GPL-3.0-or-later
# The libraries that several parts share. What only one part needs is found in that part's CMakeLists.txt.
find_package(nlohmann_json 3.11 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(Torch 1.13 REQUIRED) # Debian's CPU build; a CUDA build is found through CMAKE_PREFIX_PATH

# CUDA's compiler is worth having only where libtorch can use the device too.
include(CheckLanguage)
check_language(CUDA)
if(CMAKE_CUDA_COMPILER AND TARGET torch_cuda)
    set(SA_CUDA_FOUND ON)
else()
    set(SA_CUDA_FOUND OFF)
endif()
option(SA_CUDA "Quantize and run on CUDA devices with kernels of our own (needs nvcc and a libtorch with CUDA)" ${SA_CUDA_FOUND})
if(SA_CUDA)
    enable_language(CUDA)
    find_package(CUDAToolkit REQUIRED)
    if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION) # CMake before 3.26 does not know that nvcc 12 does
        set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
    endif()
endif()

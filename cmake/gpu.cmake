# The GPU backend: .cu files built by nvcc, or as C++ against the SIMT simulator, or not at all.
set(gpu_default sim)
if(TINCT_SANITIZE MATCHES thread)
  set(gpu_default none)  # ThreadSanitizer cannot follow the simulator's stacks
endif()
set(TINCT_GPU ${gpu_default} CACHE STRING "cuda (nvcc), sim (the SIMT simulator) or none")
set_property(CACHE TINCT_GPU PROPERTY STRINGS cuda sim none)
set(TINCT_CUDA_ARCHITECTURES "80-real;86-real;89-real;90" CACHE STRING
  "Cards that TINCT_GPU=cuda compiles for; the last without -real adds PTX for newer ones")

file(GLOB gpu_sources CONFIGURE_DEPENDS kernels/*.cu kernels/conv/*.cu)
file(GLOB gpu_core_sources CONFIGURE_DEPENDS core/*.cu)
if(NOT TINCT_GPU STREQUAL none)
  target_compile_definitions(tinct_core PUBLIC TINCT_WITH_GPU)
endif()

# Each kernel with load and store hooks, as functions of tinct::gpu_checked, so that both builds fit
# into one program. Needs g++, whose loads and stores are those of the source.
option(TINCT_GPU_CHECKED "Also build the kernels checked: for their tests and for tinct kernels run" ON)
if(NOT TINCT_GPU STREQUAL sim OR TINCT_SANITIZE OR NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  set(TINCT_GPU_CHECKED OFF)
endif()
set(gpu_checked_options -O1 -g1 -ffp-contract=off -fsanitize=thread -fsanitize-coverage=trace-pc
  --param=tsan-instrument-func-entry-exit=0 -fno-tree-sra -fno-ipa-sra)
set(gpu_checked_definitions gpu=gpu_checked TINCT_SIMT_CHECKED)

if(TINCT_GPU STREQUAL cuda)
  set(CMAKE_CUDA_ARCHITECTURES ${TINCT_CUDA_ARCHITECTURES})
  enable_language(CUDA)
  # CMake 3.25 knows no C++20 for nvcc 13.
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
  # The libraries are older than the language, and would have no architectures.
  set_target_properties(tinct_core tinct_kernels PROPERTIES
    CUDA_ARCHITECTURES "${TINCT_CUDA_ARCHITECTURES}")
  # A spill is an error, whatever the architecture.
  set(gpu_cuda_options -Werror=all-warnings -Xptxas=--warn-on-spills,--warning-as-error)
  find_package(CUDAToolkit REQUIRED)
elseif(TINCT_GPU STREQUAL sim)
  file(GLOB simt_sources CONFIGURE_DEPENDS core/simt/*.cpp)
  list(FILTER simt_sources EXCLUDE REGEX "device_none")
  add_library(tinct_simt STATIC ${simt_sources})
  target_compile_definitions(tinct_simt PRIVATE TINCT_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_link_libraries(tinct_simt PUBLIC tinct_core)
elseif(NOT TINCT_GPU STREQUAL none)
  message(FATAL_ERROR "TINCT_GPU is cuda, sim or none, not ${TINCT_GPU}")
endif()

# Adds .cu files to a target for the backend.
function(tinct_gpu_sources target)
  if(TINCT_GPU STREQUAL cuda)
    target_sources(${target} PRIVATE ${ARGN})
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "${gpu_cuda_options}")
  else()
    target_sources(${target} PRIVATE ${ARGN})
    set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-ffp-contract=off;-Wno-unknown-pragmas")
  endif()
endfunction()

# What compiles and links against the checked kernels.
function(tinct_gpu_checked target)
  target_compile_definitions(${target} PRIVATE ${gpu_checked_definitions})
endfunction()

# Tensors live in device memory and kernels launch on it, so core and its backend need each other.
if(TINCT_GPU STREQUAL none)
  target_sources(tinct_core PRIVATE core/simt/device_none.cpp)
elseif(TINCT_GPU STREQUAL sim)
  tinct_gpu_sources(tinct_simt ${gpu_core_sources})
  target_link_libraries(tinct_core PUBLIC tinct_simt)
  tinct_gpu_sources(tinct_kernels ${gpu_sources})
else()
  tinct_gpu_sources(tinct_core core/simt/device_cuda.cu ${gpu_core_sources})
  list(JOIN TINCT_CUDA_ARCHITECTURES "," architectures)
  target_compile_definitions(tinct_core PRIVATE TINCT_CUDA_ARCHITECTURES="${architectures}")
  target_link_libraries(tinct_core PUBLIC CUDA::cudart_static)
  tinct_gpu_sources(tinct_kernels ${gpu_sources})
  # cuBLAS and cuDNN are opened at run time (kernels/vendor/library.h): only their headers are needed.
  target_sources(tinct_kernels PRIVATE kernels/vendor/library.cpp)
  target_include_directories(tinct_kernels SYSTEM PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
  target_link_libraries(tinct_kernels PUBLIC ${CMAKE_DL_LIBS})
  find_file(TINCT_CUBLAS_HEADER cublas_v2.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  find_file(TINCT_CUDNN_HEADER cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  if(TINCT_CUBLAS_HEADER)
    target_sources(tinct_kernels PRIVATE kernels/vendor/cublas.cpp)
    target_compile_definitions(tinct_kernels PUBLIC TINCT_WITH_CUBLAS)
  endif()
  if(TINCT_CUDNN_HEADER)
    target_sources(tinct_kernels PRIVATE kernels/vendor/cudnn.cpp kernels/vendor/cudnn_plan.cpp)
    target_compile_definitions(tinct_kernels PUBLIC TINCT_WITH_CUDNN)
  endif()
endif()

if(TINCT_GPU_CHECKED)
  add_library(tinct_kernels_checked STATIC ${gpu_sources} ${gpu_core_sources})
  target_compile_options(tinct_kernels_checked PRIVATE ${gpu_checked_options})
  tinct_gpu_checked(tinct_kernels_checked)
  target_link_libraries(tinct_kernels_checked PUBLIC tinct_kernels)
endif()

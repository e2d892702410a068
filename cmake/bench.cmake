# Benchmarks: one program for all of bench/, with oneDNN as its other column where that is installed.
option(TINCT_BENCH "Build the benchmarks" ON)
if(NOT TINCT_BENCH)
  return()
endif()
file(GLOB bench_sources CONFIGURE_DEPENDS bench/*.cpp)
add_executable(tinct_bench ${bench_sources})
target_link_libraries(tinct_bench PRIVATE tinct_train PkgConfig::HWY nlohmann_json::nlohmann_json)
target_compile_definitions(tinct_bench PRIVATE "HWY_DISABLED_TARGETS=(HWY_SSSE3|HWY_AVX3_DL)")
find_package(OpenMP QUIET COMPONENTS CXX)  # oneDNN's threads
if(NOT TINCT_PORTABLE AND TARGET DNNL::dnnl AND OpenMP_CXX_FOUND)
  target_sources(tinct_bench PRIVATE kernels/vendor/onednn.cpp)
  target_link_libraries(tinct_bench PRIVATE DNNL::dnnl OpenMP::OpenMP_CXX)
  target_compile_definitions(tinct_bench PRIVATE TINCT_ONEDNN)
endif()

if(TINCT_GPU STREQUAL cuda)
  add_executable(tinct_hopper_probe bench/hopper/main.cpp)
  tinct_gpu_sources(tinct_hopper_probe bench/hopper/halo.cu bench/hopper/rates.cu)
  target_link_libraries(tinct_hopper_probe PRIVATE tinct_core nlohmann_json::nlohmann_json)
  # wgmma is in Hopper's own code, which no other card runs: PTX without it stands in there.
  string(REGEX REPLACE "(^|;)90(-real)?(;|$)" "\\190a-real;90-virtual\\3" architectures "${TINCT_CUDA_ARCHITECTURES}")
  set_target_properties(tinct_hopper_probe PROPERTIES CUDA_ARCHITECTURES "${architectures}")
endif()

# Driven by bench/peers/train_step.py, which needs PyTorch and is run by hand.
add_executable(tinct_train_step bench/peers/train_step.cpp)
target_link_libraries(tinct_train_step PRIVATE tinct_train)

# Driven by bench/acceptance/*.sh.
add_executable(tinct_acceptance bench/acceptance/measure.cpp)
target_link_libraries(tinct_acceptance PRIVATE tinct_train)

# The GPU kernels rung by rung; on the simulator for the sake of its --smoke.
if(NOT TINCT_GPU STREQUAL none)
  file(GLOB gpu_bench_sources CONFIGURE_DEPENDS bench/gpu/*.cpp)
  file(GLOB gpu_bench_kernels CONFIGURE_DEPENDS bench/gpu/*.cu)
  add_executable(tinct_gpu_bench ${gpu_bench_sources} bench/harness.cpp bench/probe.cpp)
  tinct_gpu_sources(tinct_gpu_bench ${gpu_bench_kernels})
  target_link_libraries(tinct_gpu_bench PRIVATE
    tinct_kernels PkgConfig::HWY nlohmann_json::nlohmann_json)
  target_compile_definitions(tinct_gpu_bench PRIVATE "HWY_DISABLED_TARGETS=(HWY_SSSE3|HWY_AVX3_DL)")
  if(TINCT_TESTS AND TINCT_GPU STREQUAL sim)
    add_test(NAME gpu_bench COMMAND tinct_gpu_bench --smoke)
  endif()

  # Driven by bench/peers/gpu_train_step.py.
  add_executable(tinct_gpu_train_step bench/peers/gpu_train_step.cpp)
  target_link_libraries(tinct_gpu_train_step PRIVATE tinct_train)
endif()

# Programs that run on a machine without our packages, as tools/gpu-check.sh --pack carries them.
option(TINCT_PORTABLE "Link what programs need into them, and let them look for their files where they run" OFF)

# Where programs look for the repository's configurations, weights and golden files.
set(TINCT_RUN_SOURCE_DIR ${CMAKE_SOURCE_DIR})
set(TINCT_RUN_BINARY_DIR ${CMAKE_BINARY_DIR})
if(TINCT_PORTABLE)
  set(TINCT_RUN_SOURCE_DIR .)
  set(TINCT_RUN_BINARY_DIR build)
  # What Debian has as a static library is linked so; the others travel in lib/ beside the programs.
  # The C++ library stays the system's: CUDA's libraries, opened at run time, share it.
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a .so)
  set(CMAKE_BUILD_RPATH "$ORIGIN/lib")
  set(CMAKE_SKIP_RPATH OFF)
endif()

# One test program a folder of tests/, so that a change links only what it touches.
option(TINCT_TESTS "Build the tests" ON)
if(NOT TINCT_TESTS)
  return()
endif()
find_package(Catch2 2 REQUIRED)
enable_testing()

add_library(tinct_test_main STATIC tests/main.cpp tests/check.cpp)
target_link_libraries(tinct_test_main PUBLIC Catch2::Catch2 tinct_core)

foreach(folder core kernels layers models train tools)
  file(GLOB sources CONFIGURE_DEPENDS tests/${folder}/*.cpp)
  if(sources)
    add_executable(test_${folder} ${sources})
    set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS "-O1")
    target_compile_definitions(test_${folder} PRIVATE
      TINCT_SOURCE_DIR="${CMAKE_SOURCE_DIR}" TINCT_BINARY_DIR="${CMAKE_BINARY_DIR}")
    if(TARGET tinct_${folder})
      target_link_libraries(test_${folder} PRIVATE tinct_${folder})
    else()
      target_link_libraries(test_${folder} PRIVATE tinct_train)
    endif()
    target_link_libraries(test_${folder} PRIVATE tinct_test_main
      JPEG::JPEG PNG::PNG nlohmann_json::nlohmann_json)
    add_test(NAME ${folder} COMMAND test_${folder})
  endif()
endforeach()

# Scripts that hold the program itself to its promises: each gets its path in TINCT.
file(GLOB scripts CONFIGURE_DEPENDS tests/*/*_test.sh)
foreach(script ${scripts})
  get_filename_component(name ${script} NAME_WE)
  add_test(NAME ${name} COMMAND ${script})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "TINCT=$<TARGET_FILE:tinct>")
endforeach()

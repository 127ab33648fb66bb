# Kernels are built once per instruction set and chosen at run time (cpp/src/core/isa.h).
#
# A family of kernels registers its sources from its own folder: tundish_add_kernels(casting march_kernels.cpp)
# builds them for every instruction set, with TUNDISH_KERNELS naming the one function that each source's table
# is handed out by. What a library must contain collects in the global property TUNDISH_KERNEL_OBJECTS.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$" AND NOT TUNDISH_SINGLE_BUILD)
  set(TUNDISH_INSTRUCTION_SETS x86-64-v2 x86-64-v3 x86-64-v4)
else()
  set(TUNDISH_INSTRUCTION_SETS scalar)
endif()

function(tundish_add_kernels family)
  foreach(isa IN LISTS TUNDISH_INSTRUCTION_SETS)
    string(REPLACE "-" "_" build "${isa}")
    set(target kernels_${family}_${build})
    add_library(${target} OBJECT ${ARGN})
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/cpp/include ${PROJECT_SOURCE_DIR}/cpp/src)
    target_link_libraries(${target} PRIVATE tundish_flags)
    target_compile_definitions(${target} PRIVATE TUNDISH_KERNELS=${build}_kernels)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU") # its own intrinsics begin from undefined registers, and are warned of
      target_compile_options(${target} PRIVATE -Wno-uninitialized -Wno-maybe-uninitialized)
    endif()
    if(NOT isa STREQUAL "scalar")
      target_compile_options(${target} PRIVATE -march=${isa})
    endif()
    if(isa STREQUAL "x86-64-v4" AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
      target_compile_options(${target} PRIVATE -mprefer-vector-width=512)
    endif()
    set_property(GLOBAL APPEND PROPERTY TUNDISH_KERNEL_OBJECTS $<TARGET_OBJECTS:${target}>)
  endforeach()
endfunction()

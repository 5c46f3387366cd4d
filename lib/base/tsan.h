/*
 * What ThreadSanitizer cannot see: that a library it did not instrument hands a pointer from one
 * thread to another, in order. Nothing in other builds.
 */
#pragma once

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
/* This thread is done with what `pointer` leads to, and gives it away. */
#define INK_HAND_OVER(pointer) __tsan_release(pointer)
/* This thread got `pointer` and sees what was written before it was given away. */
#define INK_TAKE_OVER(pointer) __tsan_acquire(pointer)
#else
#define INK_HAND_OVER(pointer) ((void)(pointer))
#define INK_TAKE_OVER(pointer) ((void)(pointer))
#endif

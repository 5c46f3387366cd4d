/*
 * A program may be started with its standard descriptors closed. Their numbers would go to the next
 * things that are opened, and log lines, written to 1, into a socket or a wake-up of gRPC. Linked
 * into every program; runs before the constructors of shared libraries, some of which open things.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void fill_standard_descriptors(void)
{
    long fd;
    do
        fd = syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        (void)syscall(SYS_close, fd);
}

__attribute__((section(".preinit_array"),
               used)) static void (*const fill)(void) = fill_standard_descriptors;

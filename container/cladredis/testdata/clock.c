/* The clock of a server, which a test sets by writing seconds into a file: preloaded. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
	static int file = -1;
	char text[32] = {0};
	int result = (int)syscall(SYS_gettimeofday, now, zone);
	if (file < 0) file = open(getenv("TEST_CLOCK"), O_RDONLY | O_CLOEXEC);
	if (file >= 0 && pread(file, text, sizeof text - 1, 0) > 0) now->tv_sec += atoll(text);
	return result;
}

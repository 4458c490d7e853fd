/* Runs a command again and again and says what each run cost.
 *
 *   measure RUNS INPUT COMMAND...      one line a run: wall us, CPU us, peak memory KiB, exit status
 *
 * It is small on purpose: Linux lets a child begin with its parent's peak memory, so a large parent would hide what the
 * command needs itself. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long us(struct timeval t) { return t.tv_sec * 1000000L + t.tv_usec; }

static void become(const char *input, char **command)
{
    int in = open(input, O_RDONLY), out = open("/dev/null", O_WRONLY);
    if (in < 0 || out < 0) _exit(126);
    dup2(in, 0);
    dup2(out, 1);
    execvp(command[0], command);
    _exit(127);
}

int main(int argc, char **argv)
{
    if (argc < 4) return 2;
    for (long run = atol(argv[1]); run > 0; run--) {
        struct timespec began, ended;
        struct rusage used;
        int status;
        clock_gettime(CLOCK_MONOTONIC, &began);
        pid_t child = fork();
        if (child == 0) become(argv[2], argv + 3);
        if (child < 0 || wait4(child, &status, 0, &used) < 0) return 1;
        clock_gettime(CLOCK_MONOTONIC, &ended);
        long wall = (ended.tv_sec - began.tv_sec) * 1000000L + (ended.tv_nsec - began.tv_nsec) / 1000;
        long cpu = us(used.ru_utime) + us(used.ru_stime);
        printf("%ld %ld %ld %d\n", wall, cpu, used.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : 128);
        fflush(stdout);
    }
    return 0;
}

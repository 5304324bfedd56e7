/* Beneath a process: chosen calls of the C library fail, take long, or tell another time.

   Loaded by LD_PRELOAD. FAULTS_RULES holds one rule a line, `call|path prefix|errno|skip|most|microseconds`: calls of
   that kind on such paths are counted; when the rule is armed, the first `skip` of them are let through, and then at
   most `most` of them (0: all) first take so long, and then fail with that errno (0: they succeed). FAULTS_BOARD is a
   file that all processes and the test share: whether a rule is armed, how many calls it has seen since, how many it
   has really made fail or wait, and how far the clock is off. The test may write to it at any time.

   A rule whose errno is -1 changes nothing: it counts the calls that fail by themselves, with the errno that stands in
   place of `skip`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MOST_RULES 8

struct line {
    int64_t armed, seen, struck;
};

struct board {
    int64_t clock_ns;
    int64_t clock_read;
    struct line lines[MOST_RULES];
};

struct rule {
    char call[16];
    char prefix[1024];
    int error;
    long skip, most, wait_us;
};

static struct rule rules[MOST_RULES];
static int rule_count;
static struct board *board;

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("FAULTS_RULES"), *path = getenv("FAULTS_BOARD");
    if (path == NULL)
        return;
    int (*open_file)(const char *, int, ...) = real("open");
    int file = open_file(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return;
    void *mapped = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped == MAP_FAILED)
        return;
    board = mapped;
    while (text != NULL && *text != '\0' && rule_count < MOST_RULES) {
        struct rule *rule = &rules[rule_count];
        if (sscanf(text, "%15[^|]|%1023[^|]|%d|%ld|%ld|%ld", rule->call, rule->prefix, &rule->error, &rule->skip,
                   &rule->most, &rule->wait_us) == 6)
            rule_count++;
        text = strchr(text, '\n');
        if (text != NULL)
            text++;
    }
}

/* Count a call that has failed without our doing, and hand its answer on. */
static int64_t noted(const char *call, const char *path, int64_t answer) {
    int error = errno;
    for (int number = 0; answer == -1 && number < rule_count; number++) {
        struct rule *rule = &rules[number];
        struct line *line = &board->lines[number];
        if (rule->error == -1 && strcmp(rule->call, call) == 0 && rule->skip == error &&
            __atomic_load_n(&line->armed, __ATOMIC_SEQ_CST) && strncmp(path, rule->prefix, strlen(rule->prefix)) == 0)
            __atomic_fetch_add(&line->struck, 1, __ATOMIC_SEQ_CST);
    }
    errno = error;
    return answer;
}

/* Whether the call on that path is to fail; errno says with what. */
static int struck(const char *call, const char *path) {
    int before = errno;
    for (int number = 0; number < rule_count; number++) {
        struct rule *rule = &rules[number];
        struct line *line = &board->lines[number];
        if (rule->error == -1 || strcmp(rule->call, call) != 0 || !__atomic_load_n(&line->armed, __ATOMIC_SEQ_CST))
            continue;
        if (strncmp(path, rule->prefix, strlen(rule->prefix)) != 0)
            continue;
        int64_t place = __atomic_fetch_add(&line->seen, 1, __ATOMIC_SEQ_CST) - rule->skip;
        if (place < 0 || (rule->most && place >= rule->most))
            continue;
        if (rule->wait_us)
            usleep(rule->wait_us);
        __atomic_fetch_add(&line->struck, 1, __ATOMIC_SEQ_CST);
        if (rule->error) {
            errno = rule->error;
            return 1;
        }
    }
    errno = before;
    return 0;
}

static int wanted(const char *call) {
    for (int number = 0; number < rule_count; number++)
        if (strcmp(rules[number].call, call) == 0 && __atomic_load_n(&board->lines[number].armed, __ATOMIC_SEQ_CST))
            return 1;
    return 0;
}

#define LONGEST 4096

/* The path of an open file; nothing when it cannot be told. */
static void path_of(int file, char *path) {
    char link[64];
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, LONGEST / 2);
    path[length > 0 ? length : 0] = '\0';
    errno = before;
}

/* The whole path of what may be relative to the folder that `folder` holds open. */
static void path_at(int folder, const char *path, char *whole) {
    int before = errno;
    whole[0] = '\0';
    if (path[0] != '/') {
        if (folder != AT_FDCWD)
            path_of(folder, whole);
        else if (getcwd(whole, LONGEST / 2) == NULL)
            whole[0] = '\0';
        strcat(whole, "/");
    }
    strncat(whole, path, LONGEST / 2 - 2);
    errno = before;
}

static int struck_file(const char *call, int file) {
    char path[LONGEST];
    if (!wanted(call))
        return 0;
    path_of(file, path);
    return struck(call, path);
}

static int64_t noted_file(const char *call, int file, int64_t answer) {
    char path[LONGEST];
    if (answer != -1 || !wanted(call))
        return answer;
    path_of(file, path);
    return noted(call, path, answer);
}

static int struck_at(const char *call, int folder, const char *path) {
    char whole[LONGEST];
    if (path == NULL || !wanted(call))
        return 0;
    path_at(folder, path, whole);
    return struck(call, whole);
}

static int64_t noted_at(const char *call, int folder, const char *path, int64_t answer) {
    char whole[LONGEST];
    if (answer != -1 || path == NULL || !wanted(call))
        return answer;
    path_at(folder, path, whole);
    return noted(call, whole, answer);
}

#define ON_FILE(answer, name, call, parameters, arguments)                                                            \
    answer name parameters {                                                                                           \
        static answer(*next) parameters;                                                                               \
        if (next == NULL)                                                                                              \
            next = real(#name);                                                                                        \
        return struck_file(call, file) ? -1 : noted_file(call, file, next arguments);                                  \
    }

ON_FILE(ssize_t, read, "read", (int file, void *data, size_t count), (file, data, count))
ON_FILE(ssize_t, pread, "read", (int file, void *data, size_t count, off_t at), (file, data, count, at))
ON_FILE(ssize_t, pread64, "read", (int file, void *data, size_t count, off64_t at), (file, data, count, at))
ON_FILE(ssize_t, readv, "read", (int file, const struct iovec *parts, int count), (file, parts, count))
ON_FILE(ssize_t, write, "write", (int file, const void *data, size_t count), (file, data, count))
ON_FILE(ssize_t, pwrite, "write", (int file, const void *data, size_t count, off_t at), (file, data, count, at))
ON_FILE(ssize_t, pwrite64, "write", (int file, const void *data, size_t count, off64_t at), (file, data, count, at))
ON_FILE(ssize_t, writev, "write", (int file, const struct iovec *parts, int count), (file, parts, count))
ON_FILE(int, fsync, "fsync", (int file), (file))
ON_FILE(int, fdatasync, "fsync", (int file), (file))
ON_FILE(int, syncfs, "fsync", (int file), (file))
ON_FILE(int, ftruncate, "truncate", (int file, off_t length), (file, length))
ON_FILE(int, ftruncate64, "truncate", (int file, off64_t length), (file, length))

ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *there, size_t count, unsigned flags) {
    static ssize_t (*next)(int, off64_t *, int, off64_t *, size_t, unsigned);
    if (next == NULL)
        next = real("copy_file_range");
    if (struck_file("read", from) || struck_file("write", to))
        return -1;
    return noted_file("write", to, next(from, at, to, there, count, flags));
}

#define OPENING(name, parameters, folder, path, arguments, ...)                                                        \
    int name parameters {                                                                                              \
        static int(*next) parameters;                                                                                  \
        mode_t mode = 0;                                                                                               \
        if (next == NULL)                                                                                              \
            next = real(#name);                                                                                        \
        if (flags & (O_CREAT | O_TMPFILE)) {                                                                           \
            va_list rest;                                                                                              \
            va_start(rest, flags);                                                                                     \
            mode = va_arg(rest, mode_t);                                                                               \
            va_end(rest);                                                                                              \
        }                                                                                                              \
        if (struck_at("open", folder, path) || ((flags & O_CREAT) && struck_at("create", folder, path)))               \
            return -1;                                                                                                 \
        return noted_at(flags & O_CREAT ? "create" : "open", folder, path, next arguments);                            \
    }

OPENING(open, (const char *path, int flags, ...), AT_FDCWD, path, (path, flags, mode))
OPENING(open64, (const char *path, int flags, ...), AT_FDCWD, path, (path, flags, mode))
OPENING(openat, (int folder, const char *path, int flags, ...), folder, path, (folder, path, flags, mode))
OPENING(openat64, (int folder, const char *path, int flags, ...), folder, path, (folder, path, flags, mode))

int rename(const char *old, const char *new) {
    static int (*next)(const char *, const char *);
    if (next == NULL)
        next = real("rename");
    return struck_at("rename", AT_FDCWD, old) ? -1 : noted_at("rename", AT_FDCWD, old, next(old, new));
}

int renameat(int from, const char *old, int to, const char *new) {
    static int (*next)(int, const char *, int, const char *);
    if (next == NULL)
        next = real("renameat");
    return struck_at("rename", from, old) ? -1 : noted_at("rename", from, old, next(from, old, to, new));
}

int renameat2(int from, const char *old, int to, const char *new, unsigned flags) {
    static int (*next)(int, const char *, int, const char *, unsigned);
    if (next == NULL)
        next = real("renameat2");
    return struck_at("rename", from, old) ? -1 : noted_at("rename", from, old, next(from, old, to, new, flags));
}

int linkat(int from, const char *old, int to, const char *new, int flags) {
    static int (*next)(int, const char *, int, const char *, int);
    if (next == NULL)
        next = real("linkat");
    return struck_at("link", to, new) ? -1 : next(from, old, to, new, flags);
}

int link(const char *old, const char *new) {
    static int (*next)(const char *, const char *);
    if (next == NULL)
        next = real("link");
    return struck_at("link", AT_FDCWD, new) ? -1 : next(old, new);
}

/* Only looked at: whether they fail for want of rights. */
#define LOOKING(name, kind)                                                                                            \
    int name(const char *restrict path, struct kind *restrict facts) {                                                 \
        static int (*next)(const char *restrict, struct kind *restrict);                                               \
        if (next == NULL)                                                                                              \
            next = real(#name);                                                                                        \
        return noted_at("stat", AT_FDCWD, path, next(path, facts));                                                    \
    }

LOOKING(stat, stat)
LOOKING(lstat, stat)
LOOKING(stat64, stat64)
LOOKING(lstat64, stat64)

#define LOOKING_AT(name, kind)                                                                                         \
    int name(int folder, const char *restrict path, struct kind *restrict facts, int flags) {                          \
        static int (*next)(int, const char *restrict, struct kind *restrict, int);                                     \
        if (next == NULL)                                                                                              \
            next = real(#name);                                                                                        \
        return noted_at("stat", folder, path, next(folder, path, facts, flags));                                       \
    }

LOOKING_AT(fstatat, stat)
LOOKING_AT(fstatat64, stat64)

/* What needs descriptors and has no path, and locks, which fail where another process has them. */
int pipe2(int files[2], int flags) {
    static int (*next)(int[2], int);
    if (next == NULL)
        next = real("pipe2");
    return noted("pipe", "/", next(files, flags));
}

int socketpair(int domain, int type, int protocol, int files[2]) {
    static int (*next)(int, int, int, int[2]);
    if (next == NULL)
        next = real("socketpair");
    return noted("pipe", "/", next(domain, type, protocol, files));
}

int accept4(int socket, struct sockaddr *restrict from, socklen_t *restrict length, int flags) {
    static int (*next)(int, struct sockaddr *, socklen_t *, int);
    if (next == NULL)
        next = real("accept4");
    return noted("pipe", "/", next(socket, from, length, flags));
}

#define LOCKING(name)                                                                                                  \
    int name(int file, int command, ...) {                                                                             \
        static int (*next)(int, int, ...);                                                                             \
        va_list rest;                                                                                                  \
        va_start(rest, command);                                                                                       \
        void *what = va_arg(rest, void *);                                                                             \
        va_end(rest);                                                                                                  \
        if (next == NULL)                                                                                              \
            next = real(#name);                                                                                        \
        int answer = next(file, command, what);                                                                        \
        return command == F_SETLK ? noted_file("lock", file, answer) : answer;                                         \
    }

LOCKING(fcntl)
LOCKING(fcntl64)

/* The clock on the wall is off; those that only ever go forward are left alone. */
static int64_t off_by(void) {
    if (board == NULL)
        return 0;
    int64_t off = __atomic_load_n(&board->clock_ns, __ATOMIC_SEQ_CST);
    if (off)
        __atomic_fetch_add(&board->clock_read, 1, __ATOMIC_SEQ_CST);
    return off;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*next)(clockid_t, struct timespec *);
    if (next == NULL)
        next = real("clock_gettime");
    int answer = next(clock, now);
    if (answer == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t at = (int64_t)now->tv_sec * 1000000000 + now->tv_nsec + off_by();
        now->tv_sec = at / 1000000000;
        now->tv_nsec = at % 1000000000;
    }
    return answer;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *kept) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (kept != NULL)
        *kept = now.tv_sec;
    return now.tv_sec;
}

/*
 * Stands between a process and its disk (LD_PRELOAD), for files whose name contains ".sqlite" and does not end in "-shm":
 *
 *   SYNC_COUNTER_REPORT=FILE  each successful fsync or fdatasync appends a line with the name of the synced file
 *   SYNC_COUNTER_CUT=FILE     when this file appears, the power goes: every write since the last sync of its file is undone,
 *                             the newest first, and the process is killed
 *   SYNC_COUNTER_LIES=1       a disk that lies: syncs succeed and do nothing
 *
 * One lock is held over each write and its note, over each sync, and over the cut, so that no write is half undone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

struct undo {
    struct undo *older;
    dev_t device;
    ino_t inode;
    char *path;
    off_t size;   /* of the file, before */
    off_t offset; /* where it was written */
    size_t length;
    char *bytes;  /* what was there */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct undo *newest;
static const char *report, *cut;
static int lies;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

static void resolve(void) {
    if (real_fdatasync) return;
    real_write = (ssize_t (*)(int, const void *, size_t))real("write");
    real_pwrite = (ssize_t (*)(int, const void *, size_t, off_t))real("pwrite");
    real_ftruncate = (int (*)(int, off_t))real("ftruncate");
    real_fsync = (int (*)(int))real("fsync");
    real_fdatasync = (int (*)(int))real("fdatasync");
}

/* Whether this is a file of a database; its name and state if so. */
static int watched(int fd, char path[PATH_MAX], struct stat *state) {
    char link[64];
    ssize_t length;
    if (fstat(fd, state) || !S_ISREG(state->st_mode)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, PATH_MAX - 1);
    if (length < 4) return 0;
    path[length] = 0;
    return strstr(path, ".sqlite") && strcmp(path + length - 4, "-shm");
}

/* Notes what is about to be overwritten. */
static void note(const char *path, int fd, const struct stat *state, off_t offset, size_t length) {
    struct undo *u = calloc(1, sizeof *u);
    ssize_t had;
    if (!u || !(u->path = strdup(path)) || !(u->bytes = malloc(length ? length : 1))) abort();
    had = pread(fd, u->bytes, length, offset);
    u->length = had > 0 ? (size_t)had : 0;
    if (had < 0) {
        /* Opened for writing only: read it by its name. */
        int again = open(path, O_RDONLY);
        if (again < 0 || (had = pread(again, u->bytes, length, offset)) < 0) abort();
        close(again);
        u->length = (size_t)had;
    }
    u->device = state->st_dev;
    u->inode = state->st_ino;
    u->size = state->st_size;
    u->offset = offset;
    u->older = newest;
    newest = u;
}

/* The file is on the disk now: nothing of it can be lost any more. */
static void forget(const struct stat *state) {
    struct undo **at = &newest;
    while (*at) {
        struct undo *u = *at;
        if (u->device == state->st_dev && u->inode == state->st_ino) {
            *at = u->older;
            free(u->path);
            free(u->bytes);
            free(u);
        } else {
            at = &u->older;
        }
    }
}

static void *watch_power(void *nothing) {
    (void)nothing;
    while (access(cut, F_OK)) usleep(1000);
    pthread_mutex_lock(&lock);
    for (struct undo *u = newest; u; u = u->older) {
        int fd = open(u->path, O_RDWR);
        struct stat state;
        if (fd < 0) continue;
        if (!fstat(fd, &state) && state.st_dev == u->device && state.st_ino == u->inode) {
            if (u->length && real_pwrite(fd, u->bytes, u->length, u->offset) != (ssize_t)u->length) abort();
            if (real_ftruncate(fd, u->size)) abort();
        }
        close(fd);
    }
    kill(getpid(), SIGKILL);
    return NULL;
}

__attribute__((constructor)) static void begin(void) {
    pthread_t thread;
    resolve();
    report = getenv("SYNC_COUNTER_REPORT");
    cut = getenv("SYNC_COUNTER_CUT");
    lies = getenv("SYNC_COUNTER_LIES") != NULL;
    if (cut && pthread_create(&thread, NULL, watch_power, NULL)) abort();
}

ssize_t write(int fd, const void *bytes, size_t length) {
    char path[PATH_MAX];
    struct stat state;
    ssize_t done;
    resolve();
    if (!cut || !watched(fd, path, &state)) return real_write(fd, bytes, length);
    pthread_mutex_lock(&lock);
    if (!fstat(fd, &state)) note(path, fd, &state, lseek(fd, 0, SEEK_CUR), length);
    done = real_write(fd, bytes, length);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    char path[PATH_MAX];
    struct stat state;
    ssize_t done;
    resolve();
    if (!cut || !watched(fd, path, &state)) return real_pwrite(fd, bytes, length, offset);
    pthread_mutex_lock(&lock);
    if (!fstat(fd, &state)) note(path, fd, &state, offset, length);
    done = real_pwrite(fd, bytes, length, offset);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) { return pwrite(fd, bytes, length, offset); }

int ftruncate(int fd, off_t size) {
    char path[PATH_MAX];
    struct stat state;
    int done;
    resolve();
    if (!cut || !watched(fd, path, &state)) return real_ftruncate(fd, size);
    pthread_mutex_lock(&lock);
    if (!fstat(fd, &state)) note(path, fd, &state, size, state.st_size > size ? (size_t)(state.st_size - size) : 0);
    done = real_ftruncate(fd, size);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

static int sync_by(int (*how)(int), int fd) {
    char path[PATH_MAX];
    struct stat state;
    int done;
    if (!watched(fd, path, &state)) return how(fd);
    if (lies) return 0;
    pthread_mutex_lock(&lock);
    done = how(fd);
    if (!done) {
        forget(&state);
        if (report) {
            int to = open(report, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
            strcat(path, "\n");
            if (to < 0 || real_write(to, path, strlen(path)) < 0) abort();
            close(to);
        }
    }
    pthread_mutex_unlock(&lock);
    return done;
}

int fsync(int fd) {
    resolve();
    return sync_by(real_fsync, fd);
}

int fdatasync(int fd) {
    resolve();
    return sync_by(real_fdatasync, fd);
}

/*
 * step: lets a process run into a function, then go on instruction by
 * instruction, and kills it after the n-th.
 *
 *     step PID FROM TO N UNTIL MARK OFFSET
 *     step probe
 *
 * FROM and TO are functions of the module that the process has mapped, local
 * ones too.  The path that is counted begins at FROM's first instruction and
 * ends when TO, called within it or FROM itself, has returned.  All that runs
 * in between counts, the C library's instructions too: a lock is taken and
 * given back in there.
 *
 * N = 0 kills nobody: the path is counted, and marks are printed, places that
 * it comes to for the first time.  Given back as MARK and OFFSET, the last one
 * before N saves the stepping up to there (0 0: none), which in a virtual
 * machine costs 20 us an instruction.  With UNTIL (Unix time in seconds, or 0)
 * the process stands still until then, as on a machine that stalls.
 *
 * Says "ready" when FROM may be called, and what it came to:
 *
 *     mark COUNT OFFSET    after COUNT instructions it is at OFFSET
 *     killed COUNT PLACE   SIGKILL came after COUNT instructions, at PLACE
 *     passed COUNT         the path has ended before; the process goes on
 *     missed COUNT         it came neither to TO nor to the mark; goes on
 *
 * Exit code 0; 77 when the kernel lets nobody trace a process such as nginx's
 * worker ("probe" asks for nothing else); 1 for everything else.  Whatever
 * ends the tracer ends the process: none goes on with a breakpoint in its
 * code.  x86-64 only.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>


#define STEP_MODULE      "ngx_http_faka_module.so"
#define STEP_TIME_MAX_S  30
#define STEP_COUNT_MAX   1000000
#define STEP_MARK_EVERY  32            /* instructions, at least */
#define STEP_PATH_SIZE   4096
#define STEP_SEEN_SIZE   (8 << 20)     /* beyond it there are no marks */

#define STEP_BREAKPOINT  0xcc

#define STEP_EXIT_REFUSED  77
#define STEP_NOBODY        65534


typedef struct {
    pid_t             pid;
    uint64_t          base;            /* where the module is mapped */
    const uint8_t    *elf;             /* the module's file */
    const char       *names;
    const Elf64_Sym  *symbols;
    size_t            symbols_count;
    size_t            code_size;       /* from base to the code's end */
    uint64_t          from;
    uint64_t          to;
    uint64_t          n;
    uint64_t          count;
    uint64_t          marked;          /* count of the last mark */
} step_t;

/* A function that was entered: it has returned when both are seen. */
typedef struct {
    uint64_t          return_to;
    uint64_t          return_sp;
    int               entered;
} step_frame_t;


/* By offset in the module: the path has been there. */
static uint8_t  step_seen[STEP_SEEN_SIZE];


static void step_attach(step_t *s);
static void step_map(step_t *s);
static void step_symbols(step_t *s, const char *path);
static uint64_t step_address(const step_t *s, const char *name);
static void step_hold(time_t until);
static struct user_regs_struct step_run_to(const step_t *s, uint64_t address,
    uint64_t instead);
static void step_path(step_t *s, uint64_t mark, uint64_t offset);
static void step_one(step_t *s);
static void step_mark(step_t *s, uint64_t pc);
static void step_let_go(const step_t *s, const char *end);
static void step_enter(const step_t *s, const struct user_regs_struct *regs,
    step_frame_t *frame);
static int step_returned(const struct user_regs_struct *regs,
    const step_frame_t *frame);
static void step_kill(const step_t *s, uint64_t pc);
static int step_wait(const step_t *s);
static struct user_regs_struct step_regs(const step_t *s);
static void step_poke(const step_t *s, uint64_t address, long word);
static long step_break(const step_t *s, uint64_t address);
static long step_peek(const step_t *s, uint64_t address);
static uint64_t step_number(const char *text);
static int step_probe(void);
static pid_t step_orphan(void);
static void step_die(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));


int
main(int argc, char **argv)
{
    step_t  s;

    (void) setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    (void) alarm(STEP_TIME_MAX_S);

    if (argc == 2 && strcmp(argv[1], "probe") == 0) {
        return step_probe();
    }

    if (argc != 8) {
        step_die("usage: step PID FROM TO N UNTIL MARK OFFSET | step probe");
    }

    memset(&s, 0, sizeof(s));
    s.pid = (pid_t) step_number(argv[1]);
    s.n = step_number(argv[4]);

    step_attach(&s);
    step_map(&s);
    s.from = step_address(&s, argv[2]);
    s.to = step_address(&s, argv[3]);

    step_hold((time_t) step_number(argv[5]));
    step_path(&s, step_number(argv[6]), step_number(argv[7]));

    return 0;
}


static void
step_attach(step_t *s)
{
    if (ptrace(PTRACE_SEIZE, s->pid, NULL, PTRACE_O_EXITKILL) == -1) {
        step_die("process %d cannot be traced: %s", (int) s->pid,
                 strerror(errno));
    }

    if (ptrace(PTRACE_INTERRUPT, s->pid, NULL, NULL) == -1) {
        step_die("process %d cannot be stopped", (int) s->pid);
    }

    (void) step_wait(s);
}


/*
 * The first mapping of the module's file is its base.  A file that was
 * replaced since then reads "(deleted)" here, and its symbols would be lies.
 */
static void
step_map(step_t *s)
{
    char  line[STEP_PATH_SIZE], *path;
    FILE  *maps;

    (void) snprintf(line, sizeof(line), "/proc/%d/maps", (int) s->pid);
    maps = fopen(line, "r");
    if (maps == NULL) {
        step_die("%s: %s", line, strerror(errno));
    }

    while (fgets(line, sizeof(line), maps) != NULL) {
        path = strchr(line, '/');

        if (path != NULL && strstr(path, "/" STEP_MODULE) != NULL) {
            line[strcspn(line, "\n")] = '\0';
            s->base = strtoull(line, NULL, 16);
            step_symbols(s, path);
            (void) fclose(maps);
            return;
        }
    }

    step_die("process %d has no " STEP_MODULE, (int) s->pid);
}


static void
step_symbols(step_t *s, const char *path)
{
    int                fd;
    size_t             i;
    struct stat        st;
    const Elf64_Phdr  *parts;
    const Elf64_Ehdr  *head;
    const Elf64_Shdr  *sections, *symtab;

    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1 || fstat(fd, &st) == -1) {
        step_die("%s: %s", path, strerror(errno));
    }

    s->elf = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    (void) close(fd);
    if (s->elf == MAP_FAILED) {
        step_die("%s: %s", path, strerror(errno));
    }

    head = (const Elf64_Ehdr *) s->elf;
    if (memcmp(head->e_ident, ELFMAG, SELFMAG) != 0
        || head->e_ident[EI_CLASS] != ELFCLASS64)
    {
        step_die("%s is no 64-bit ELF file", path);
    }

    parts = (const Elf64_Phdr *) (s->elf + head->e_phoff);

    for (i = 0; i < head->e_phnum; i++) {
        if (parts[i].p_type == PT_LOAD && (parts[i].p_flags & PF_X)) {
            s->code_size = parts[i].p_vaddr + parts[i].p_memsz;
        }
    }

    sections = (const Elf64_Shdr *) (s->elf + head->e_shoff);

    for (i = 0; i < head->e_shnum; i++) {
        symtab = &sections[i];

        if (symtab->sh_type == SHT_SYMTAB) {
            s->symbols = (const Elf64_Sym *) (s->elf + symtab->sh_offset);
            s->symbols_count = symtab->sh_size / sizeof(Elf64_Sym);
            s->names = (const char *) s->elf
                       + sections[symtab->sh_link].sh_offset;
            return;
        }
    }

    step_die("%s is stripped: its functions have no names", path);
}


static uint64_t
step_address(const step_t *s, const char *name)
{
    size_t            i;
    const Elf64_Sym  *symbol;

    for (i = 0; i < s->symbols_count; i++) {
        symbol = &s->symbols[i];

        if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC
            && strcmp(s->names + symbol->st_name, name) == 0)
        {
            return s->base + symbol->st_value;
        }
    }

    step_die("the module has no function %s", name);
}


static void
step_hold(time_t until)
{
    struct timespec  at;

    at.tv_sec = until;
    at.tv_nsec = 0;

    while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL) == EINTR)
    {
        /* void */
    }
}


/*
 * Runs to an address by a breakpoint there, or to the other one, if not 0,
 * and takes the breakpoints away again.
 */
static struct user_regs_struct
step_run_to(const step_t *s, uint64_t address, uint64_t instead)
{
    int                      signo;
    long                     word, other;
    struct user_regs_struct  regs;

    word = step_break(s, address);
    other = instead != 0 ? step_break(s, instead) : 0;
    signo = 0;

    if (instead == 0) {
        printf("ready\n");
    }

    do {
        if (ptrace(PTRACE_CONT, s->pid, NULL, (void *) (intptr_t) signo)
            == -1)
        {
            step_die("the process does not go on: %s", strerror(errno));
        }

        signo = step_wait(s);
        regs = step_regs(s);

    } while (signo != SIGTRAP
             || (regs.rip - 1 != address && regs.rip - 1 != instead));

    if (instead != 0) {
        step_poke(s, instead, other);
    }

    step_poke(s, address, word);
    regs.rip--;

    if (ptrace(PTRACE_SETREGS, s->pid, NULL, &regs) == -1) {
        step_die("the registers cannot be set: %s", strerror(errno));
    }

    return regs;
}


static void
step_path(step_t *s, uint64_t mark, uint64_t offset)
{
    step_frame_t             outer, inner;
    struct user_regs_struct  regs;

    memset(&outer, 0, sizeof(outer));
    memset(&inner, 0, sizeof(inner));

    regs = step_run_to(s, s->from, 0);
    step_enter(s, &regs, &outer);

    if (mark != 0) {
        regs = step_run_to(s, s->base + offset, outer.return_to);
        if (regs.rip != s->base + offset) {
            step_let_go(s, "missed");
            return;
        }

        s->count = mark;
        inner = s->from == s->to ? outer : inner;
    }

    for ( ;; ) {
        if (regs.rip == s->to) {
            step_enter(s, &regs, &inner);
        }

        if (s->n != 0 && s->count == s->n) {
            step_kill(s, regs.rip);
            return;
        }

        if (step_returned(&regs, &inner)) {
            step_let_go(s, "passed");
            return;
        }

        if (step_returned(&regs, &outer)) {
            step_let_go(s, "missed");
            return;
        }

        /* A mark inside TO would hide that it was entered. */
        if (s->n == 0 && (!inner.entered || s->from == s->to)) {
            step_mark(s, regs.rip);
        }

        step_one(s);
        regs = step_regs(s);
    }
}


static void
step_one(step_t *s)
{
    int  signo;

    if (s->count == STEP_COUNT_MAX) {
        step_die("the path has no end");
    }

    signo = 0;

    /* A signal of its own comes before the instruction: again. */
    do {
        if (ptrace(PTRACE_SINGLESTEP, s->pid, NULL,
                   (void *) (intptr_t) signo) == -1)
        {
            step_die("the process does not step: %s", strerror(errno));
        }

        signo = step_wait(s);
    } while (signo != SIGTRAP);

    s->count++;
}


/* Few enough of them that the pipe holds all, read or not. */
static void
step_mark(step_t *s, uint64_t pc)
{
    uint64_t  offset;

    offset = pc - s->base;

    if (offset >= s->code_size || offset >= sizeof(step_seen)
        || step_seen[offset])
    {
        return;
    }

    step_seen[offset] = 1;

    if (s->count - s->marked >= STEP_MARK_EVERY) {
        s->marked = s->count;
        printf("mark %" PRIu64 " %" PRIu64 "\n", s->count, offset);
    }
}


static void
step_let_go(const step_t *s, const char *end)
{
    if (ptrace(PTRACE_DETACH, s->pid, NULL, NULL) == -1) {
        step_die("the process cannot be let go: %s", strerror(errno));
    }

    printf("%s %" PRIu64 "\n", end, s->count);
}


/* Only the first call counts: what it calls may call the same again. */
static void
step_enter(const step_t *s, const struct user_regs_struct *regs,
    step_frame_t *frame)
{
    if (frame->entered) {
        return;
    }

    frame->return_to = (uint64_t) step_peek(s, regs->rsp);
    frame->return_sp = regs->rsp + sizeof(uint64_t);
    frame->entered = 1;
}


static int
step_returned(const struct user_regs_struct *regs, const step_frame_t *frame)
{
    return frame->entered && regs->rip == frame->return_to
           && regs->rsp == frame->return_sp;
}


static void
step_kill(const step_t *s, uint64_t pc)
{
    int               status;
    size_t            i;
    const char       *name;
    const Elf64_Sym  *symbol;

    if (kill(s->pid, SIGKILL) == -1) {
        step_die("the process cannot be killed: %s", strerror(errno));
    }

    /* The master hears of it only after this. */
    do {
        if (waitpid(s->pid, &status, __WALL) != s->pid) {
            step_die("the process is not ours: %s", strerror(errno));
        }
    } while (!WIFSIGNALED(status));

    for (i = 0; i < s->symbols_count; i++) {
        symbol = &s->symbols[i];

        if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC
            && pc - s->base - symbol->st_value < symbol->st_size)
        {
            name = s->names + symbol->st_name;
            printf("killed %" PRIu64 " %s+0x%" PRIx64 "\n", s->count,
                   name, pc - s->base - symbol->st_value);
            return;
        }
    }

    printf("killed %" PRIu64 " library\n", s->count);
}


/* Waits for the next stop: the signal to hand on, or SIGTRAP, or 0. */
static int
step_wait(const step_t *s)
{
    int  status;

    if (waitpid(s->pid, &status, __WALL) != s->pid) {
        step_die("process %d is not ours: %s", (int) s->pid, strerror(errno));
    }

    if (!WIFSTOPPED(status)) {
        step_die("process %d ended by itself", (int) s->pid);
    }

    return status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
}


static struct user_regs_struct
step_regs(const step_t *s)
{
    struct user_regs_struct  regs;

    if (ptrace(PTRACE_GETREGS, s->pid, NULL, &regs) == -1) {
        step_die("the registers cannot be read: %s", strerror(errno));
    }

    return regs;
}


static void
step_poke(const step_t *s, uint64_t address, long word)
{
    if (ptrace(PTRACE_POKETEXT, s->pid, (void *) address, (void *) word)
        == -1)
    {
        step_die("the code cannot be written: %s", strerror(errno));
    }
}


/* Returns what was there. */
static long
step_break(const step_t *s, uint64_t address)
{
    long  word;

    word = step_peek(s, address);
    step_poke(s, address, (word & ~0xffL) | STEP_BREAKPOINT);
    return word;
}


static long
step_peek(const step_t *s, uint64_t address)
{
    long  word;

    errno = 0;
    word = ptrace(PTRACE_PEEKDATA, s->pid, (void *) address, NULL);
    if (errno != 0) {
        step_die("the process cannot be read: %s", strerror(errno));
    }

    return word;
}


static uint64_t
step_number(const char *text)
{
    char      *end;
    uint64_t   n;

    errno = 0;
    n = strtoull(text, &end, 10);

    if (errno != 0 || end == text || *end != '\0') {
        step_die("\"%s\" is no number", text);
    }

    return n;
}


/* Whether a process such as nginx's worker may be traced at all. */
static int
step_probe(void)
{
    int    error;
    pid_t  pid;

    pid = step_orphan();
    error = ptrace(PTRACE_SEIZE, pid, NULL, NULL) == -1 ? errno : 0;
    (void) kill(pid, SIGKILL);

    if (error != 0) {
        fprintf(stderr, "step: the kernel refuses ptrace: %s\n",
                strerror(error));
        return STEP_EXIT_REFUSED;
    }

    (void) waitpid(pid, NULL, __WALL);
    return 0;
}


/*
 * A process as a worker is one: no child of ours any more, and, when we are
 * root, of another user.
 */
static pid_t
step_orphan(void)
{
    int    fds[2];
    pid_t  pid, between;

    if (pipe(fds) == -1) {
        step_die("pipe: %s", strerror(errno));
    }

    between = fork();

    if (between == 0) {
        if (fork() != 0) {
            _exit(0);
        }

        pid = getpid();

        if ((geteuid() == 0 && setuid(STEP_NOBODY) == -1)
            || write(fds[1], &pid, sizeof(pid)) != (ssize_t) sizeof(pid))
        {
            _exit(1);
        }

        (void) alarm(STEP_TIME_MAX_S);
        (void) pause();
        _exit(0);
    }

    (void) close(fds[1]);

    if (between == -1 || waitpid(between, NULL, 0) != between
        || read(fds[0], &pid, sizeof(pid)) != (ssize_t) sizeof(pid))
    {
        step_die("no process to try it with");
    }

    return pid;
}


static void
step_die(const char *fmt, ...)
{
    va_list  args;

    fprintf(stderr, "step: ");
    va_start(args, fmt);
    (void) vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\n");
    exit(1);
}

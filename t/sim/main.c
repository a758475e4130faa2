/*
 * The simulator's command line.
 *
 *     sim --seeds N [--from S] [--seconds T] [--jobs J]      a campaign
 *     sim --seed S [--without FAULT] [--nodes N] ...         one seed
 *     sim --trace S, --shrink S                              look at it
 *     sim --exhaustive [POINTS]                              every store
 *     sim --self-test                                        of itself
 *
 * Exit status 0: every promise was kept in every run, and a campaign of
 * enough seeds has reached every rare branch.
 */

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"


#define JOBS_MAX         64
#define MARKS_SEEDS_MIN  500           /* below, a mark may be missed */


typedef struct {
    uint64_t    seeds;
    uint64_t    from;
    uint64_t    seconds;
    uint64_t    jobs;
    uint64_t    points;
    uint64_t    seed;
    int         has_seed;
    int         is_traced;
    int         is_shrunk;
    int         is_exhaustive;
    int         is_tested;
    int         needs_marks;
    uint64_t    without;               /* bits, by fault */
    uint64_t    nodes;                 /* these: 0 as drawn */
    uint64_t    workers;
    uint64_t    clients;
    uint64_t    phases;
    uint64_t    ms;
} options_t;


/* What a job of a campaign hands back; in memory that all of them share. */
typedef struct {
    sim_counts_t  counts;
    uint64_t      seed;                /* being run, or the one that failed */
    uint64_t      failed;
    char          wrong[512];
} job_t;


static int options_read(options_t *o, int argc, char **argv);
static int options_word(options_t *o, const char *word, const char *value);
static sim_t *world_new(void);
static void plan_of(const options_t *o, uint64_t seed, sim_plan_t *plan);
static int self_test(void);
static int run_one(const options_t *o);
static int run_campaign(const options_t *o);
static void run_job(const options_t *o, job_t *job, uint64_t n);
static int report(const options_t *o, const job_t *job, double seconds);
static void report_counts(const sim_counts_t *c, double seconds);
static double now_s(void);
static void on_abort(int signo);


static job_t  *running;

/* What is rarer than most: from how many seeds on it must have been there. */
static const uint64_t  marks_seeds[SIM_MARK_COUNT] = {
    [SIM_MARK_STOLEN] = 50000,
    [SIM_MARK_MISSING] = 5000,
    [SIM_MARK_NO_STREAM] = 5000,
    [SIM_MARK_RING_FULL] = 5000,
    [SIM_MARK_ARCHIVE_REFUSED] = 5000,
    [SIM_MARK_UNCOUNTED] = 20000,
};


int
main(int argc, char **argv)
{
    uint64_t   points;
    options_t  o;

    setvbuf(stdout, NULL, _IOLBF, 0);

    if (!options_read(&o, argc, argv)) {
        fprintf(stderr, "usage: sim [--seeds N] [--from S] [--seconds T] "
                        "[--jobs J] | [--trace|--shrink|--seed] S "
                        "[--without FAULT] [--nodes|--workers|--clients|"
                        "--phases|--ms N] | --exhaustive [POINTS] | "
                        "--self-test\n");
        return 2;
    }

    if (o.is_tested) {
        return self_test();
    }

    if (o.is_exhaustive) {
        return exhaust_run(o.points, &points) ? EXIT_SUCCESS : EXIT_FAILURE;
    }

    return o.has_seed ? run_one(&o) : run_campaign(&o);
}


static int
options_read(options_t *o, int argc, char **argv)
{
    int          i;
    const char  *value;

    memset(o, 0, sizeof(options_t));
    o->seeds = 100;
    o->from = 1;
    o->jobs = 1;

    for (i = 1; i < argc; i++) {
        value = i + 1 < argc && argv[i + 1][0] != '-' ? argv[i + 1] : NULL;

        if (strcmp(argv[i], "--exhaustive") == 0) {
            o->is_exhaustive = 1;
            o->points = value != NULL ? strtoull(value, NULL, 10) : 0;

        } else if (strcmp(argv[i], "--marks") == 0) {
            o->needs_marks = 1;
            continue;

        } else if (strcmp(argv[i], "--self-test") == 0) {
            o->is_tested = 1;
            continue;

        } else if (value == NULL || !options_word(o, argv[i], value)) {
            return 0;
        }

        i += value != NULL;
    }

    return o->jobs >= 1 && o->jobs <= JOBS_MAX;
}


static int
options_word(options_t *o, const char *word, const char *value)
{
    size_t  i;

    const struct {
        const char  *word;
        uint64_t    *number;
    } numbers[] = {
        { "--seeds", &o->seeds }, { "--from", &o->from },
        { "--seconds", &o->seconds }, { "--jobs", &o->jobs },
        { "--seed", &o->seed }, { "--trace", &o->seed },
        { "--shrink", &o->seed }, { "--nodes", &o->nodes },
        { "--workers", &o->workers }, { "--clients", &o->clients },
        { "--phases", &o->phases }, { "--ms", &o->ms },
    };

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strcmp(word, numbers[i].word) == 0) {
            *numbers[i].number = strtoull(value, NULL, 10);
            o->has_seed |= numbers[i].number == &o->seed;
            o->is_traced |= strcmp(word, "--trace") == 0;
            o->is_shrunk |= strcmp(word, "--shrink") == 0;
            return 1;
        }
    }

    for (i = 0; i < SIM_FAULT_COUNT; i++) {
        if (strcmp(word, "--without") == 0
            && strcmp(value, sim_fault_word[i]) == 0)
        {
            o->without |= UINT64_C(1) << i;
            return 1;
        }
    }

    return 0;
}


static sim_t *
world_new(void)
{
    sim_t    *s;
    size_t    rooms, agings;
    uint8_t  *mem;

    s = calloc(1, sizeof(sim_t));
    rooms = SIM_NODES_MAX * SIM_WORKERS_MAX * FJ_KEEPER_ROOM;
    agings = SIM_NODES_MAX * SIM_WORKERS_MAX * FJ_KEEPER_AGING
             * sizeof(fj_keeper_order_t);
    mem = mmap(NULL, 3 * SIM_REGION_SIZE + SIM_ARENA_MAX + rooms + agings,
               PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (s == NULL || mem == MAP_FAILED) {
        fprintf(stderr, "sim: no memory\n");
        exit(2);
    }

    s->node[0].region = mem;
    s->node[1].region = mem + SIM_REGION_SIZE;
    s->scratch = mem + 2 * SIM_REGION_SIZE;
    s->arena = mem + 3 * SIM_REGION_SIZE;
    s->agings = (fj_keeper_order_t *) (void *) (s->arena + SIM_ARENA_MAX);
    s->rooms = s->arena + SIM_ARENA_MAX + agings;

    return s;
}


static void
plan_of(const options_t *o, uint64_t seed, sim_plan_t *plan)
{
    unsigned  i;

    swarm_plan(seed, plan);

    for (i = 0; i < SIM_FAULT_COUNT; i++) {
        if (o->without >> i & 1) {
            plan->weight[i] = 0;
        }
    }

    plan->nodes = o->nodes != 0 ? (uint32_t) o->nodes : plan->nodes;
    plan->workers = o->workers != 0 ? (uint32_t) o->workers : plan->workers;
    plan->clients = o->clients != 0 ? (uint32_t) o->clients : plan->clients;
    plan->phases = o->phases != 0 ? (uint32_t) o->phases : plan->phases;
    plan->phase_us = o->ms != 0 ? (int64_t) o->ms * SIM_MS : plan->phase_us;

    assert(plan->nodes <= SIM_NODES_MAX && plan->workers <= SIM_WORKERS_MAX
           && plan->clients <= SIM_CLIENTS_MAX);
}


/* --- of the simulator itself ------------------------------------------- */

/* The same seed twice is the same run; and it dies as a process dies. */

static int
self_test(void)
{
    fk_t         fk;
    sim_t       *s;
    uint64_t     seed, hash;
    sim_plan_t   plan;
    const char  *wrong;

    s = world_new();

    for (seed = 1; seed <= 20; seed++) {
        swarm_plan(seed, &plan);
        (void) sim_seed(s, seed, &plan);
        hash = s->hash;
        (void) sim_seed(s, seed + 1, &plan);
        (void) sim_seed(s, seed, &plan);

        if (s->hash != hash) {
            printf("FAILED: seed %" PRIu64 " is not the same twice\n", seed);
            return EXIT_FAILURE;
        }
    }

    node_format(&plan, s->scratch, &fk);
    wrong = crash_self_test(&fk);

    if (wrong != NULL) {
        printf("FAILED: %s\n", wrong);
        return EXIT_FAILURE;
    }

    printf("good: 20 seeds are the same twice; a simulated death leaves the "
           "lock as a real one\n");
    return EXIT_SUCCESS;
}


/* --- one seed ---------------------------------------------------------- */

static int
run_one(const options_t *o)
{
    int         good;
    job_t       job;
    sim_t      *s;
    uint32_t    tries;
    sim_plan_t  plan;

    memset(&job, 0, sizeof(job));
    job.seed = o->seed;
    running = &job;
    (void) signal(SIGABRT, on_abort);

    s = world_new();
    plan_of(o, o->seed, &plan);
    s->is_traced = o->is_traced;
    good = sim_seed(s, o->seed, &plan);
    s->is_traced = 0;

    printf("seed %" PRIu64 ": %s%s, %" PRIu64 " events, trace %016" PRIx64
           "\n", o->seed, good ? "good" : "FAILED ", s->wrong,
           s->counts.events, s->hash);

    if (!good && o->is_shrunk) {
        tries = swarm_shrink(s, o->seed, &plan);
        (void) sim_seed(s, o->seed, &plan);
        printf("after %u tries: %s\nagain: ", tries, s->wrong);
        swarm_print(stdout, o->seed, &plan);
    }

    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}


/* An assertion of the engine: which seed it was is all that is missing. */

static void
on_abort(int signo)
{
    char  line[128];
    int   size;

    size = snprintf(line, sizeof(line), "sim: an assertion failed; again: "
                    "build/sim/sim --seed %" PRIu64 "\n", running->seed);
    (void) !write(STDERR_FILENO, line, (size_t) size);
}


/* --- a campaign -------------------------------------------------------- */

static int
run_campaign(const options_t *o)
{
    int       good, status;
    job_t    *jobs;
    pid_t     pid[JOBS_MAX];
    double    begun_s;
    uint64_t  n;

    begun_s = now_s();
    jobs = mmap(NULL, JOBS_MAX * sizeof(job_t), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (jobs == MAP_FAILED) {
        return EXIT_FAILURE;
    }

    for (n = 0; n < o->jobs; n++) {
        pid[n] = o->jobs > 1 ? fork() : 0;

        if (pid[n] == 0) {
            run_job(o, &jobs[n], n);

            if (o->jobs > 1) {
                _exit(jobs[n].failed ? EXIT_FAILURE : EXIT_SUCCESS);
            }
        }
    }

    for (n = 0; o->jobs > 1 && n < o->jobs; n++) {
        if (pid[n] < 0 || waitpid(pid[n], &status, 0) != pid[n]
            || status != 0)
        {
            jobs[n].failed = 1;
        }
    }

    good = report(o, jobs, now_s() - begun_s);
    (void) munmap(jobs, JOBS_MAX * sizeof(job_t));

    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}


/* Every jobs-th seed, until one fails or the time is over. */

static void
run_job(const options_t *o, job_t *job, uint64_t n)
{
    sim_t      *s;
    double      end_s;
    uint64_t    i;
    sim_plan_t  plan;

    running = job;
    (void) signal(SIGABRT, on_abort);

    s = world_new();
    end_s = now_s() + (double) o->seconds;

    for (i = n; i < o->seeds; i += o->jobs) {
        if (o->seconds != 0 && now_s() >= end_s) {
            break;
        }

        job->seed = o->from + i;
        plan_of(o, job->seed, &plan);

        if (!sim_seed(s, job->seed, &plan)) {
            job->failed = 1;
            memcpy(job->wrong, s->wrong, sizeof(job->wrong));
            break;
        }

        s->counts.seeds++;
    }

    job->counts = s->counts;
}


static int
report(const options_t *o, const job_t *jobs, double seconds)
{
    int           good;
    uint64_t      n, enough, *sum;
    unsigned      i;
    sim_counts_t  c;

    memset(&c, 0, sizeof(c));
    sum = (uint64_t *) (void *) &c;
    good = 1;

    for (n = 0; n < o->jobs; n++) {
        const uint64_t  *more = (const uint64_t *) (const void *)
                                &jobs[n].counts;

        for (i = 0; i < sizeof(c) / sizeof(uint64_t); i++) {
            sum[i] += more[i];
        }

        if (jobs[n].failed) {
            good = 0;
            printf("FAILED: seed %" PRIu64 ": %s\nagain: build/sim/sim "
                   "--seed %" PRIu64 "     smaller: build/sim/sim --shrink %"
                   PRIu64 "\n", jobs[n].seed, jobs[n].wrong, jobs[n].seed,
                   jobs[n].seed);
        }
    }

    report_counts(&c, seconds);

    for (i = 0; i < SIM_MARK_COUNT; i++) {
        printf("mark %-14s %10" PRIu64 "  %s\n", sim_mark_name[i], c.marks[i],
               sim_mark_text[i]);

        enough = marks_seeds[i] != 0 ? marks_seeds[i] : MARKS_SEEDS_MIN;

        if (c.marks[i] == 0 && (o->needs_marks || c.seeds >= enough)) {
            good = 0;
            printf("FAILED: this was never reached\n");
        }
    }

    return good;
}


static void
report_counts(const sim_counts_t *c, double seconds)
{
    size_t  i;

    const struct {
        const char  *name;
        uint64_t     count;
    } lines[] = {
        { "seeds", c->seeds }, { "events", c->events },
        { "stores", c->stores }, { "crash points", c->deaths },
        { "workers killed", c->kills }, { "nodes killed", c->node_deaths },
        { "rollbacks", c->rollbacks }, { "recoveries", c->recoveries },
        { "takeovers", c->takeovers }, { "fences", c->fences },
        { "probes", c->probes }, { "unknown outcomes", c->unknown },
        { "redis crashes", c->redis_crashes }, { "orders", c->orders },
        { "payments", c->payments }, { "delivered", c->delivered },
        { "snapshots", c->snapshots }, { "archived", c->archived },
        { "quiet points", c->quiet_points },
    };

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        printf("%-20s %12" PRIu64 "\n", lines[i].name, lines[i].count);
    }

    printf("%-20s %12.1f\n", "seconds", seconds);
}


static double
now_s(void)
{
    struct timespec  now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

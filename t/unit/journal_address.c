/*
 * Where the journal's link goes to: sentinels asked in turn, the master that
 * they name, nodes of a cluster that point to each other; and what it makes of
 * the answers that none of them should give.
 */

#include "machine_shop.h"


#define MASTER     "10.0.0.1:6400"


static const char  *role;              /* what a server says of itself */
static const char  *named_host;        /* what sentinels say */
static const char  *named_port;
static fj_reply_t   parts[4];


/* A text of just its bytes, so that a look behind it is found. */
static fj_reply_t
text_of(fj_reply_type_t type, const char *text, size_t size)
{
    fj_reply_t    reply;
    static char  *copy;

    free(copy);
    copy = malloc(size + (size == 0));
    shop_must(copy != NULL, "memory");
    memcpy(copy, text, size);

    memset(&reply, 0, sizeof(reply));
    node_bytes(&reply, type, copy, size);
    return reply;
}


static void
answer_error(const char *text)
{
    fj_reply_t  reply;

    reply = text_of(FJ_REPLY_ERROR, text, strlen(text));
    event_reply(&reply);
}


static fj_reply_t
array_of(size_t count)
{
    fj_reply_t  reply;

    memset(&reply, 0, sizeof(reply));
    reply.type = FJ_REPLY_ARRAY;
    reply.item = count != 0 ? parts : NULL;
    reply.count = count;
    return reply;
}


/* As step(), in a world of sentinels and of servers with roles. */
static void
act(void)
{
    fj_reply_t  reply;

    memset(parts, 0, sizeof(parts));

    if (w.argc != 0 && strcmp(w.argv[0], "SENTINEL") == 0) {
        node_text(&parts[0], FJ_REPLY_STRING, named_host);
        node_text(&parts[1], FJ_REPLY_STRING, named_port);
        reply = array_of(2);
        event_reply(&reply);

    } else if (w.argc != 0 && strcmp(w.argv[0], "ROLE") == 0) {
        node_text(&parts[0], FJ_REPLY_STRING, role);
        reply = array_of(3);
        event_reply(&reply);

    } else if (w.argc != 0 && strcmp(w.argv[0], "EXISTS") == 0) {
        memset(&reply, 0, sizeof(reply));
        node_number(&reply, 1);
        event_reply(&reply);

    } else {
        step();
    }
}


/* Until this command is on its way. */
static void
act_to(fj_command_t command)
{
    int  steps;

    for (steps = 0; machine.link.command != (uint32_t) command; steps++) {
        shop_must(steps < STEPS_MAX, fj_commands[command].name);
        act();
    }
}


/* Until it sells and everything is durable. */
static void
act_calm(void)
{
    int  steps;

    for (steps = 0; steps < STEPS_MAX; steps++) {
        if (fj_ready(&machine) && w.argc == 0 && w.due_ms[FJ_TIMER_FLUSH] < 0
            && fk_durable_seq(&shop) == fk_last_seq(&shop))
        {
            return;
        }

        act();
    }

    shop_must(0, "sells");
}


/* The next connect, which is not the first; returns what delayed it. */
static int64_t
act_reconnect(void)
{
    int      steps, connects;
    int64_t  since_ms;

    connects = w.connects;
    since_ms = w.now_ms;

    for (steps = 0; steps < STEPS_MAX && w.connects == connects; steps++) {
        act();
    }

    shop_must(w.connects > connects, "a connect");
    return w.now_ms - since_ms;
}


static void
world_of(fj_mode_t mode, uint32_t count)
{
    uint32_t  i;

    static const fj_address_t  addresses[] = {
        { "one:1", NULL, "10.1.0.1", 1 }, { "two:2", NULL, "10.1.0.2", 2 },
        { "three:3", NULL, "::3", 3 }
    };

    redis_lose_all();
    memset(&conf, 0, sizeof(conf));
    conf.mode = mode;
    conf.master = "shop";
    conf.address_count = count;

    for (i = 0; i < count; i++) {
        conf.address[i] = addresses[i];
    }

    role = "master";
    named_host = "10.0.0.1";
    named_port = "6400";
    world_start();
}


/* --- sentinels -------------------------------------------------------- */

static void
test_sentinel(void)
{
    world_of(FJ_MODE_SENTINEL, 3);
    EQ_STR(w.address, "one:1", "the first sentinel");
    event_connected();
    EQ_INT(w.argc, 3, "it is asked");
    EQ_STR(w.argv[0], "SENTINEL", "as sentinels are");
    EQ_STR(w.argv[1], "GET-MASTER-ADDR-BY-NAME", "for the master");
    EQ_STR(w.argv[2], "shop", "of this name");
    EQ_INT(w.delay_ms[FJ_TIMER_WATCH], 1500, "for so long");
    act();
    EQ_INT(w.closes, 1, "answered, it is left");
    EQ_INT(w.delay_ms[FJ_TIMER_RETRY], 0, "without a backoff");
    OK(strstr(w.log, "redis \"" MASTER "\" is the master, says sentinel "
              "\"one:1\"") != NULL, "said so");
    act();
    EQ_STR(w.address, MASTER, "to the master");
    EQ_INT(w.delay_ms[FJ_TIMER_WATCH], 1000, "that connect is bounded");
    event_connected();
    EQ_STR(w.argv[0], "ROLE", "which says whether it is one");
    act();
    EQ_STR(w.argv[0], "CONFIG", "the rest of the handshake");
    act_calm();
    EQ_INT(w.connects, 2, "two connects in all");
    EQ_INT(fk_stat_get(&shop, FJ_STAT_RECONNECTS), 1, "one of them counts");
}


static void
test_sentinel_passwords(void)
{
    world_of(FJ_MODE_SENTINEL, 1);
    conf.sentinel_user = str("watcher");
    conf.sentinel_password = str("of-sentinels");
    conf.password = str("of-redis");
    conf.db = 3;
    event_connected();
    EQ_STR(fj_doing(&machine.link), "AUTH", "a sentinel hears a password");
    EQ_STR(w.argv[1], "watcher", "with its user");
    EQ_STR(w.argv[2], "of-sentinels", "which is its own");
    act();
    EQ_STR(w.argv[0], "SENTINEL", "and is asked: it has no databases");
    act();
    act();
    event_connected();
    EQ_INT(w.argc, 2, "the server's: no user");
    EQ_STR(w.argv[1], "of-redis", "another password");
    act();
    EQ_STR(w.argv[0], "SELECT", "the database");
    EQ_STR(w.argv[1], "3", "that one");
    act();
    EQ_STR(w.argv[0], "ROLE", "then its role");
}


static void
test_sentinel_turns(void)
{
    int  i;

    static const char *const  turns[] = { "two:2", "three:3", "one:1" };

    world_of(FJ_MODE_SENTINEL, 3);

    for (i = 0; i < 3; i++) {
        event_closed();
        OK(w.delay_ms[FJ_TIMER_RETRY] > 0, "no connect: the backoff");
        (void) act_reconnect();
        EQ_STR(w.address, turns[i], "and the next in turn");
    }

    event_connected();
    event_timer(FJ_TIMER_WATCH);
    (void) act_reconnect();
    EQ_STR(w.address, "two:2", "silent: the next");

    w.connect_fails = 1;
    event_closed();
    (void) act_reconnect();
    w.connect_fails = 0;
    EQ_STR(w.address, "three:3", "not even a connect");
    (void) act_reconnect();
    EQ_STR(w.address, "one:1", "the next all the same");

    act_calm();
    EQ_STR(w.address, MASTER, "one answers");
    w.connects = 0;
    event_closed();
    EQ_INT(machine.phase, FJ_PHASE_DOWN, "the master is lost");
    named_host = "10.0.0.2";
    act_calm();
    EQ_INT(w.connects, 2, "a sentinel is asked again");
    EQ_STR(w.address, "10.0.0.2:6400", "it names another one");

    w.logs[FJ_LOG_NOTICE] = 0;
    event_closed();
    act_calm();
    EQ_INT(w.logs[FJ_LOG_NOTICE], 0, "the same again is not news");
}


static void
test_sentinel_garbage(void)
{
    size_t      i;
    fj_reply_t  reply;

    static const struct {
        size_t           count;
        fj_reply_type_t  type;
        const char      *host, *port;
        const char      *says;
    } answers[] = {
        { 0, FJ_REPLY_STRING, "10.0.0.1", "6400", "unexpected reply" },
        { 1, FJ_REPLY_STRING, "10.0.0.1", "6400", "unexpected reply" },
        { 3, FJ_REPLY_STRING, "10.0.0.1", "6400", "unexpected reply" },
        { 2, FJ_REPLY_INTEGER, "10.0.0.1", "6400", "unexpected reply" },
        { 2, FJ_REPLY_ARRAY, "10.0.0.1", "6400", "unexpected reply" },
        { 2, FJ_REPLY_STRING, "", "6400", "no numeric address" },
        { 2, FJ_REPLY_STRING, "redis.example", "6400",
          "points to \"redis.example\", which is no numeric address; set "
          "\"resolve-hostnames no\"" },
        { 2, FJ_REPLY_STRING, "localhost", "6400", "resolve-hostnames no" },
        { 2, FJ_REPLY_STRING, "10.0.0.1 ", "6400", "no numeric address" },
        { 2, FJ_REPLY_STRING, "10.0.0", "6400", "no numeric address" },
        { 2, FJ_REPLY_STRING, "10.0.0.256", "6400", "no numeric address" },
        { 2, FJ_REPLY_STRING, "[::1]", "6400", "no numeric address" },
        { 2, FJ_REPLY_STRING, "fe80::1%eth0", "6400", "no numeric address" },
        { 2, FJ_REPLY_STRING, "0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0",
          "6400", "no numeric address" },
        { 2, FJ_REPLY_STRING, "10.0.0.1", "", "no numeric address" },
        { 2, FJ_REPLY_STRING, "10.0.0.1", "0", "no numeric address" },
        { 2, FJ_REPLY_STRING, "10.0.0.1", "65536", "no numeric address" },
        { 2, FJ_REPLY_STRING, "10.0.0.1", "-1", "no numeric address" },
        { 2, FJ_REPLY_STRING, "10.0.0.1", "64 0", "no numeric address" },
        { 2, FJ_REPLY_STRING, "10.0.0.1", "4294973696", "no numeric" }
    };

    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        world_of(FJ_MODE_SENTINEL, 3);
        act_to(FJ_COMMAND_SENTINEL);
        memset(parts, 0, sizeof(parts));
        parts[0] = text_of(answers[i].type, answers[i].host,
                           strlen(answers[i].host));
        node_text(&parts[1], FJ_REPLY_STRING, answers[i].port);
        reply = array_of(answers[i].count);

        if (answers[i].type == FJ_REPLY_ARRAY) {
            parts[0].item = parts;
            parts[0].count = 0;
        }

        event_reply(&reply);
        OK(strstr(w.log, answers[i].says) != NULL, "answer %zu: %s", i,
           w.log);
        OK(act_reconnect() > 0, "answer %zu: the backoff", i);
        EQ_STR(w.address, "two:2", "answer %zu: the next sentinel", i);
    }
}


static void
test_sentinel_refuses(void)
{
    fj_reply_t   reply;
    const char  *error;

    world_of(FJ_MODE_SENTINEL, 2);
    act_to(FJ_COMMAND_SENTINEL);
    parts[0] = text_of(FJ_REPLY_STRING, "10.0.0.1\0evil", 13);
    node_text(&parts[1], FJ_REPLY_STRING, "6400");
    reply = array_of(2);
    event_reply(&reply);
    OK(strstr(w.log, "10.0.0.1") != NULL, "a NUL in a host");
    (void) act_reconnect();
    EQ_STR(w.address, "two:2", "is no host");

    act_to(FJ_COMMAND_SENTINEL);
    memset(&reply, 0, sizeof(reply));
    event_reply(&reply);
    OK(strstr(w.log, "sentinel \"two:2\" knows no master \"shop\"") != NULL,
       "a name that it does not know");
    (void) act_reconnect();
    EQ_STR(w.address, "one:1", "another one might");

    /* Words that mean something of a server mean nothing here. */
    error = "MOVED 1 10.0.0.9:1";
    act_to(FJ_COMMAND_SENTINEL);
    answer_error(error);
    OK(strstr(w.log, error) != NULL, "an error is in the log");
    OK(act_reconnect() > 0, "and no more than an error");
    EQ_STR(w.address, "two:2", "the next one");
}


static void
test_numeric(void)
{
    size_t  i;

    static const char *const  hosts[][2] = {
        { "127.0.0.1", "127.0.0.1:6400" },
        { "::1", "[::1]:6400" },
        { "2001:db8:1111:2222:3333:4444:5555:6666",
          "[2001:db8:1111:2222:3333:4444:5555:6666]:6400" },
        { "0000:0000:0000:0000:0000:ffff:192.168.100.200",
          "[0000:0000:0000:0000:0000:ffff:192.168.100.200]:6400" }
    };

    for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        world_of(FJ_MODE_SENTINEL, 1);
        named_host = hosts[i][0];
        act_calm();
        EQ_STR(w.address, hosts[i][1], "host %zu", i);
        EQ_STR(machine.link.address.host, hosts[i][0], "as it was told");
        EQ_INT(machine.link.address.port, 6400, "and its port");
    }
}


static void
test_role(void)
{
    fj_reply_t  reply;

    world_of(FJ_MODE_SENTINEL, 2);
    role = "slave";
    act_to(FJ_COMMAND_ROLE);
    act();
    OK(strstr(w.log, "\"" MASTER "\" is no master now") != NULL,
       "a sentinel that is behind");
    OK(act_reconnect() > 0, "the backoff");
    EQ_STR(w.address, "two:2", "another sentinel is asked");
    EQ_INT(fk_last_seq(&shop), 0, "nothing was read there");

    act_to(FJ_COMMAND_ROLE);
    reply = array_of(0);
    event_reply(&reply);
    (void) act_reconnect();
    EQ_STR(w.address, "one:1", "an empty role");

    act_to(FJ_COMMAND_ROLE);
    answer_error("NOPERM this user has no permissions to run 'role'");
    OK(strstr(w.log, "refuses ROLE: NOPERM") != NULL, "not allowed: said");
    (void) act_reconnect();
    EQ_STR(w.address, "two:2", "and not used");

    act_to(FJ_COMMAND_ROLE);
    memset(parts, 0, sizeof(parts));
    parts[0].type = FJ_REPLY_INTEGER;
    reply = array_of(1);
    event_reply(&reply);
    OK(strstr(w.log, "is no master now") != NULL, "a role that is a number");

    role = "master";
    act_calm();
    EQ_STR(w.address, MASTER, "it is promoted");
}


/* --- a server that may not be written to any more ---------------------- */

/* A batch refused for its place was not carried out: it goes elsewhere. */
static void
test_demoted(void)
{
    size_t    i, mode, entries;
    uint64_t  unknown;

    static const char *const  errors[] = {
        "READONLY You can't write against a read only replica.",
        "NOREPLICAS Not enough good replicas to write.",
        "MASTERDOWN Link with MASTER is down",
        "LOADING Redis is loading the dataset in memory"
    };

    for (mode = 0; mode < FJ_MODE_COUNT; mode++) {
        for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
            world_of((fj_mode_t) mode, mode == FJ_MODE_SERVER ? 1 : 2);
            act_calm();
            write_record();
            act_to(FJ_COMMAND_BATCH);
            entries = journal->count;
            unknown = fk_stat_get(&shop, FJ_STAT_UNKNOWN);
            answer_error(errors[i]);

            EQ_INT(fk_stat_get(&shop, FJ_STAT_UNKNOWN), unknown + 1,
                   "mode %zu, %.8s: lost", mode, errors[i]);
            EQ_INT(fk_flush_owner(&shop), 0, "its lease is given back");
            EQ_INT(machine.phase, FJ_PHASE_DOWN, "so is the connection");
            EQ_INT(w.logs[FJ_LOG_ERR], 1, "it is in the log");
            OK(act_reconnect() > 0, "the backoff");
            EQ_STR(w.address, mode == FJ_MODE_SERVER ? "one:1" : "two:2",
                   "where it is looked for");
            act_calm();
            EQ_INT(journal->count, entries + 1, "the batch is there, once");
        }
    }
}


/* --- a cluster -------------------------------------------------------- */

static void
test_cluster(void)
{
    world_of(FJ_MODE_CLUSTER, 3);
    EQ_STR(w.address, "one:1", "the first node");
    event_connected();
    EQ_STR(w.argv[0], "EXISTS", "is it the one?");
    EQ_STR(w.argv[1], "faka:{main}:journal", "by a key of the slot");
    answer_error("MOVED 12501 10.0.0.7:7001");
    EQ_INT(w.delay_ms[FJ_TIMER_RETRY], 0, "it points to another: at once");
    OK(strstr(w.log, "redis \"10.0.0.7:7001\" has the shop's slot, says "
              "\"one:1\"") != NULL, "said so");
    act_calm();
    EQ_STR(w.address, "10.0.0.7:7001", "to that one");
    EQ_INT(w.connects, 2, "in two connects");

    event_closed();
    OK(act_reconnect() > 0, "lost: the backoff");
    EQ_STR(w.address, "10.0.0.7:7001", "and the same again");
    event_closed();
    (void) act_reconnect();
    EQ_STR(w.address, "two:2", "a connect that fails: the seeds");
    event_closed();
    (void) act_reconnect();
    EQ_STR(w.address, "three:3", "in turn");
    act_calm();
    event_closed();
    (void) act_reconnect();
    EQ_STR(w.address, "three:3", "a seed that serves is kept as well");

    act_to(FJ_COMMAND_SLOT);
    answer_error("MOVED 12501 :7005");
    act_calm();
    EQ_STR(w.address, "[::3]:7005", "no host: that of who says so");
    act_to(FJ_COMMAND_PROBE);
    answer_error("MOVED 12501 :7006");
    act_calm();
    EQ_STR(w.address, "[::3]:7006", "also when it was told itself");
    act_to(FJ_COMMAND_PROBE);
    answer_error("MOVED 12501 2001:db8::7:7007");
    act_calm();
    EQ_STR(w.address, "[2001:db8::7]:7007", "IPv6 without brackets");
    EQ_STR(machine.link.address.host, "2001:db8::7", "its host");
    EQ_INT(machine.link.address.port, 7007, "its port");
}


/* Each command can meet a slot that has just moved. */
static void
test_cluster_moves(void)
{
    size_t  i;

    static const fj_command_t  commands[] = {
        FJ_COMMAND_SLOT, FJ_COMMAND_CONFIG, FJ_COMMAND_PAGE,
        FJ_COMMAND_OWNER_ASK, FJ_COMMAND_TOP, FJ_COMMAND_TAKE,
        FJ_COMMAND_SAY_TAKEN, FJ_COMMAND_TAKE_INDEX, FJ_COMMAND_PROBE,
        FJ_COMMAND_OWNER_FIRST, FJ_COMMAND_BATCH
    };

    for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        world_of(FJ_MODE_CLUSTER, 2);
        conf.inherits = commands[i] == FJ_COMMAND_OWNER_FIRST;

        if (commands[i] == FJ_COMMAND_BATCH) {
            act_calm();
            write_record();
        }

        act_to(commands[i]);
        answer_error("MOVED 12501 10.0.0.8:7001");
        EQ_INT(w.delay_ms[FJ_TIMER_RETRY], 0, "%s: at once",
               fj_commands[commands[i]].name);
        EQ_INT(fk_flush_owner(&shop), 0, "%s: no lease is kept",
               fj_commands[commands[i]].name);
        act_calm();
        EQ_STR(w.address, "10.0.0.8:7001", "%s: there",
               fj_commands[commands[i]].name);
        OK(shop_sound(), "%s: a sound shop", fj_commands[commands[i]].name);
    }

    EQ_INT(fk_durable_seq(&shop), 1, "the record has arrived");
}


static void
test_cluster_circle(void)
{
    int   i;
    char  text[64];

    world_of(FJ_MODE_CLUSTER, 2);

    for (i = 1; i <= 5; i++) {
        act_to(FJ_COMMAND_SLOT);
        (void) snprintf(text, sizeof(text), "MOVED 12501 10.0.0.%d:7001", i);
        answer_error(text);
        EQ_INT(w.delay_ms[FJ_TIMER_RETRY], 0, "redirection %d", i);
    }

    act_to(FJ_COMMAND_SLOT);
    EQ_STR(w.address, "10.0.0.5:7001", "followed so far");
    answer_error("MOVED 12501 10.0.0.6:7001");
    OK(strstr(w.log, "refuses EXISTS: MOVED") != NULL, "no further");
    OK(act_reconnect() > 0, "the backoff");
    EQ_STR(w.address, "two:2", "and the next seed");
    act_to(FJ_COMMAND_SLOT);
    answer_error("MOVED 12501 10.0.0.6:7001");
    EQ_INT(w.delay_ms[FJ_TIMER_RETRY], 0, "from there at once again");
}


static void
test_cluster_errors(void)
{
    size_t  i;

    static const struct {
        const char  *error;
        const char  *next;
    } errors[] = {
        { "CLUSTERDOWN The cluster is down", "two:2" },
        { "ASK 12501 10.0.0.9:7001", MASTER },
        { "TRYAGAIN Multiple keys request during rehashing of slot", MASTER },
        { "MOVED", MASTER },           /* no word of a cluster */
        { "MOVED ", "two:2" },
        { "MOVED 12501", "two:2" },
        { "MOVED 12501 ", "two:2" },
        { "MOVED 12501 :", "two:2" },
        { "MOVED 12501 10.0.0.9", "two:2" },
        { "MOVED 12501 7001", "two:2" },
        { "MOVED 12501 10.0.0.9:", "two:2" },
        { "MOVED 12501 10.0.0.9:0", "two:2" },
        { "MOVED 12501 10.0.0.9:70000", "two:2" },
        { "MOVED 12501 10.0.0.9:7001 ", "two:2" },
        { "MOVED 12501 ?:7001", "two:2" },
        { "MOVED 12501 node.example:7001", "two:2" },
        { "MOVED :::::::::::::::::::::::1", "two:2" }
    };

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        world_of(FJ_MODE_CLUSTER, 2);
        act_to(FJ_COMMAND_SLOT);
        answer_error("MOVED 12501 " MASTER);
        act_calm();
        act_to(FJ_COMMAND_PROBE);
        answer_error(errors[i].error);
        EQ_INT(machine.link.state, FJ_LINK_DOWN, "%s: given up",
               errors[i].error);
        OK(act_reconnect() > 0, "%s: the backoff", errors[i].error);
        EQ_STR(w.address, errors[i].next, "%s", errors[i].error);
        act_calm();
    }

    world_of(FJ_MODE_CLUSTER, 2);
    act_to(FJ_COMMAND_SLOT);
    answer_error("ASK 12501 10.0.0.9:7001");
    EQ_INT(machine.link.state, FJ_LINK_DOWN, "a slot on its way: not yet");
    act_to(FJ_COMMAND_SLOT);
    answer_error("CLUSTERDOWN The cluster is down");
    act_calm();
    EQ_STR(w.address, "one:1", "once around");
    event_closed();
    (void) act_reconnect();
    EQ_STR(w.address, "one:1", "what was left is kept when it serves again");

    world_of(FJ_MODE_CLUSTER, 1);
    act_to(FJ_COMMAND_SLOT);
    answer_error("MOVED 12501 node.example:7001");
    OK(strstr(w.log, "\"one:1\" points to \"node.example:7001\", which is no "
              "numeric address; set \"cluster-preferred-endpoint-type ip\"")
       != NULL, "a name is refused, and what to set");
    (void) act_reconnect();
    act_to(FJ_COMMAND_SLOT);
    answer_error("NOPERM this user has no permissions to run 'exists'");
    act_calm();
    EQ_STR(w.address, "one:1", "who may not ask goes on");
}


/* The one server that is named stays the one, whatever it says. */
static void
test_server(void)
{
    size_t  i;

    static const char *const  errors[] = {
        "MOVED 12501 10.0.0.9:7001", "ASK 12501 10.0.0.9:7001",
        "CLUSTERDOWN The cluster is down", "TRYAGAIN later"
    };

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        world_of(FJ_MODE_SERVER, 1);
        act_calm();
        act_to(FJ_COMMAND_PROBE);
        answer_error(errors[i]);
        EQ_INT(w.logs[FJ_LOG_ERR], 1, "%s: in the log",
               errors[i]);
        OK(act_reconnect() > 0, "%s: the backoff", errors[i]);
        EQ_STR(w.address, "one:1", "%s: there again", errors[i]);
        act_calm();
    }
}


int
main(void)
{
    test_sentinel();
    test_sentinel_passwords();
    test_sentinel_turns();
    test_sentinel_garbage();
    test_sentinel_refuses();
    test_numeric();
    test_role();
    test_demoted();
    test_cluster();
    test_cluster_moves();
    test_cluster_circle();
    test_cluster_errors();
    test_server();

    return tap_done();
}

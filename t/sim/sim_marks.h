/*
 * The rare branches that a campaign has to reach, and what each one means.
 */

#ifndef SIM_MARKS_H_INCLUDED_
#define SIM_MARKS_H_INCLUDED_


#define SIM_MARKS(X)                                                         \
    X(DIED_IN_STORE,      "a worker died in a transaction")                  \
    X(DIED_IN_FLUSH,      "a worker died while it moved the flush")          \
    X(DIED_IN_RECOVERY,   "a worker died while it recovered the shop")       \
    X(DIED_IN_ROLLBACK,   "a worker died while it rolled a death back")      \
    X(ROLLED_BACK,        "a death was rolled back")                         \
    X(PROBED,             "the journal's end was asked for")                 \
    X(UNKNOWN,            "the outcome of a batch was unknown")              \
    X(LANDED_UNHEARD,     "a batch landed and its reply was lost")           \
    X(REFUSED_ID,         "Redis refused an id that does not grow")          \
    X(NO_STREAM,          "a batch met a stream that was gone")              \
    X(TWO_PARTS,          "a batch wrapped around the ring's end")           \
    X(SENT_AGAIN,         "records that Redis had lost were sent again")     \
    X(FENCED,             "an owner that was replaced stopped selling")      \
    X(TOOK_OVER,          "a server took over from another one")             \
    X(STALE_ANSWER,       "an answer came to a connection that was closed")  \
    X(LATE_COMMAND,       "a command landed after its sender gave up")       \
    X(RING_FULL,          "the ring refused a transaction")                  \
    X(TABLE_FULL,         "a table refused a transaction")                   \
    X(SOLD_OUT,           "a product was sold out")                          \
    X(FOUND_AGAIN,        "a retry found its order")                         \
    X(PAID_LATE,          "a payment came after its hold ran out")           \
    X(WAITED,             "a paid order waited for stock")                   \
    X(SERVED,             "a waiting order got its stock")                   \
    X(EXTRA,              "a second payment was kept for refund")            \
    X(REVIEWED,           "a person decided about money")                    \
    X(REAPED,             "an import that was given up was taken apart")     \
    X(EXPIRED,            "a hold ran out")                                  \
    X(PARKED_LOST,        "a worker died with parked requests")              \
    X(REDIS_LOST_TAIL,    "Redis came back without its tail")                \
    X(HEALED,             "a shop wrote what its journal had lost")          \
    X(SNAPSHOT,           "a snapshot came to count")                        \
    X(SNAPSHOT_READ,      "a recovery began with a snapshot")                \
    X(SNAPSHOT_BROKEN,    "a worker died while it wrote a snapshot")         \
    X(TRIMMED,            "the journal was cut behind a snapshot")           \
    X(ARCHIVED,           "a finished order left the region")                \
    X(UNARCHIVED,         "a payment brought an archived order back")        \
    X(STANDBY,            "a server waited while another one sold")          \
    X(REPLACED,           "a server left its sockets to the next one")       \
    X(FENCED_RECOVERED,   "a fenced server became an owner again")           \
    X(LOST_BESIDE,        "Redis lost something beside a waiting server")    \
    X(STOLEN,             "a snapshot had a card with two orders")           \
    X(MISSING,            "a snapshot named what was not there yet")         \
    X(STRAY,              "a card came back whose batch was gone")           \
    X(PAUSED,             "nothing was freed while a snapshot ran")          \
    X(SETTLED,            "extra money of a delivered order was given back") \
    X(KEY_AGAIN,          "a restored order was found by its key")           \
    X(SLEPT,              "a server slept longer than orders are kept")      \
    X(ARCHIVE_REFUSED,    "a late write to the archive was refused")         \
    X(BURIED,             "the import of a dead worker was ended")           \
    X(UPLOADED_AGAIN,     "a file came again, and its cards were known")     \
    X(REVOKED,            "what was delivered was taken back")              \
    X(REFUNDED_AGAIN,     "a refund was said twice, and known")              \
    X(LIMITED,            "a buyer had all units that he may")               \
    X(LEVELED,            "a buyer paid less by his level")                  \
    X(DISCOUNTED,         "an order was made with a coupon")                 \
    X(USED_UP,            "a coupon could not be used any more")             \
    X(ABOVE_LIMIT,        "late money took a buyer above his limit")         \
    X(FORGOTTEN,          "a tally went with its last order")                \
    X(DISPLACED,          "a buyer was forgotten for another one")           \
    X(UNCOUNTED,          "an order came back without its limit")            \
    X(COMMISSION,         "commission became available")                     \
    X(PAID_OUT,           "a withdrawal was paid")                           \
    X(DEBT,               "an account had less than nothing")                \
    X(REST,               "a merchant got what others left of a payment")    \
    X(PART_AGAIN,         "a part was given back twice, and known")          \
    X(ALL_RETURNED,       "all of an order was given back in parts")        \
    X(NOT_SPLIT,          "a payment was booked without its split")         \
    X(SPLIT_LATE,         "a split was booked afterwards")


#endif /* SIM_MARKS_H_INCLUDED_ */

/* Records: the one layout of every event, across the ABI, in the journal and on the binary wire.
 *
 * Little-endian, in lines of 64 bytes. A record is 1 to 255 lines, starts on a line, and begins with the head below.
 * Prices and sizes are doubles; "not given" is the quiet NaN, infinities are refused, -0 becomes 0.
 * Times are nanoseconds since the Unix epoch, UTC. Text is UTF-8, not NUL-terminated, its length stands before it.
 */
#ifndef HUB_RECORD_H
#define HUB_RECORD_H

#include <stdint.h>

#ifdef __cplusplus
#define HUB_STATIC_ASSERT static_assert
extern "C" {
#else
#define HUB_STATIC_ASSERT _Static_assert
#endif

#define HUB_LINE 64u          /* bytes in a line */
#define HUB_MAX_LINES 255u    /* lines in a record */

/* ---- head ------------------------------------------------------------------------------------------------------ */

typedef struct hub_record {
    uint8_t lines;    /* size in lines, 1..255 */
    uint8_t kind;     /* HUB_TRADE ...; 1..127 data, 128..191 control and define, 192..255 of the plugin */
    uint16_t flags;   /* bits 0..7 set by the plugin, 8..15 by the host */
    uint32_t stream;  /* in a plugin: its handle; in the journal: dense stream id, 0 = the hub itself */
    int64_t ts_event; /* 0 = the source gave none */
    int64_t ts_recv;  /* a plugin writes 0; the host stamps when the bytes arrived */
    uint64_t seq;     /* a plugin writes 0; the sequencer stores it last: the commit word */
} hub_record;
HUB_STATIC_ASSERT(sizeof(hub_record) == 32, "a head is half a line");

enum {
    HUB_TRADE = 1, HUB_QUOTE = 2, HUB_TICK = 3, HUB_BOOK = 4, HUB_BAR = 5, HUB_VALUE = 6, HUB_GREEKS = 7,
    HUB_SIGNAL = 8, HUB_STATUS = 9, HUB_GAP = 10, HUB_CONTROL = 128, HUB_DEFINE = 129
};

/* Set by the plugin. */
enum {
    HUB_FLAG_LAST_OF_MESSAGE = 1 << 0, /* last record of one vendor message */
    HUB_FLAG_SNAPSHOT = 1 << 1,        /* the vendor's first state after connecting */
    HUB_FLAG_SUSPECT = 1 << 2,         /* may also be set by the host */
    HUB_FLAG_CORRECTION = 1 << 3,      /* replaces the earlier trade of the same source and id */
    HUB_FLAG_BACKFILLED = 1 << 4,
    HUB_FLAG_RECORDED = 1 << 5,        /* from a file or a capture */
    HUB_FLAGS_OF_PLUGIN = 0x00ff
};

/* Set by the host. */
enum {
    HUB_FLAG_SIMULATED = 1 << 8,
    HUB_FLAG_LATE = 1 << 9,
    HUB_FLAG_DERIVED = 1 << 10, /* made by the hub from other records */
    HUB_FLAG_UNTIMED = 1 << 11, /* the source gave no ts_event; it equals ts_recv */
    HUB_FLAG_FETCHED = 1 << 12  /* backfill that came beside its source's stream: an import, or history asked for */
};

/* ---- data ------------------------------------------------------------------------------------------------------ */

enum { HUB_SIDE_NONE = 0, HUB_SIDE_BUY = 1, HUB_SIDE_SELL = 2 };

/* Trade conditions, one bit each. */
enum {
    HUB_CONDITION_ODD_LOT = 1 << 0,
    HUB_CONDITION_EXTENDED_HOURS = 1 << 1,
    HUB_CONDITION_AUCTION_OPEN = 1 << 2,
    HUB_CONDITION_AUCTION_CLOSE = 1 << 3,
    HUB_CONDITION_AVERAGE_PRICE = 1 << 4,
    HUB_CONDITION_OUT_OF_SEQUENCE = 1 << 5,
    HUB_CONDITION_SWEEP = 1 << 6,
    HUB_CONDITION_CROSS = 1 << 7,
    HUB_CONDITION_CONTINGENT = 1 << 8,
    HUB_CONDITION_NOT_LAST = 1 << 9,
    HUB_CONDITION_NOT_HIGH_LOW = 1 << 10,
    HUB_CONDITION_NOT_VOLUME = 1 << 11,
    HUB_CONDITION_OTHER = 1 << 12 /* one the hub has no word for */
};

/* Mandatory: price (finite), size (finite, not negative). */
typedef struct hub_trade {
    hub_record head;
    double price;
    double size;
    uint64_t trade_id; /* 0 = none */
    uint32_t conditions;
    uint8_t side;
    uint8_t reserved[3];
} hub_trade;
HUB_STATIC_ASSERT(sizeof(hub_trade) == 64, "one line");

/* Always both sides as in force; a NaN price = nobody on that side. */
typedef struct hub_quote {
    hub_record head;
    double bid;
    double bid_size;
    double ask;
    double ask_size;
} hub_quote;
HUB_STATIC_ASSERT(sizeof(hub_quote) == 64, "one line");

/* A vendor's snapshot, already conflated by the vendor. Mandatory: last. Complete each time; NaN = unknown. */
typedef struct hub_tick {
    hub_record head;
    double last;
    double last_size;
    double average;
    double volume; /* cumulative for the day */
    double open_interest;
    double open;
    double high;
    double low;
    double previous_close;
    double total_buy;
    double total_sell;
    int64_t last_trade_time; /* 0 = not given */
} hub_tick;
HUB_STATIC_ASSERT(sizeof(hub_tick) == 128, "two lines");

typedef struct hub_level {
    double price;
    double size;
    uint32_t orders; /* 0 = not known */
    uint32_t reserved;
} hub_level;
HUB_STATIC_ASSERT(sizeof(hub_level) == 24, "levels are packed");

/* Followed by `bids` levels best first, then `asks` levels best first. */
typedef struct hub_book {
    hub_record head;
    uint16_t bids;
    uint16_t asks;
    uint32_t reserved;
} hub_book;
HUB_STATIC_ASSERT(sizeof(hub_book) == 40, "levels begin at byte 40");
#define HUB_BOOK_MAX_LEVELS 678u /* both sides together: what 255 lines hold */

/* Intervals are their length in seconds; a month is nominal. */
enum { HUB_INTERVAL_DAY = 86400, HUB_INTERVAL_WEEK = 604800, HUB_INTERVAL_MONTH = 2592000 };

enum { HUB_BAR_CLOSED = 1, HUB_BAR_REVISED = 2, HUB_BAR_FORMING = 3 /* views only, never journaled */ };
enum {
    HUB_BUILT_FROM_TRADE = 1, HUB_BUILT_FROM_TICK = 2, HUB_BUILT_FROM_QUOTE = 3, HUB_BUILT_FROM_BAR = 4,
    HUB_BUILT_FROM_PROVIDER = 5
};

/* ts_event is the open. Mandatory: interval, open, high, low, close; volume 0 where there are no sizes. */
typedef struct hub_bar {
    hub_record head;
    uint32_t interval;
    uint8_t state;
    uint8_t built_from;
    uint16_t revision;
    double open;
    double high;
    double low;
    double close;
    double volume;
    double notional; /* sum of price x size; NaN = not known */
    uint64_t count;
    uint64_t first_seq; /* 0 = built from a provider's bar */
    uint64_t last_seq;
    double open_interest; /* NaN = none */
    uint64_t reserved;
} hub_bar;
HUB_STATIC_ASSERT(sizeof(hub_bar) == 128, "two lines");

enum { HUB_VALUE_READY = 1 << 0, HUB_VALUE_STABLE = 1 << 1 };

/* All outputs of one indicator for one bar. In a plugin: `stream` is the series, `definition` the index from
 * `hub_indicator_1.definition`. */
typedef struct hub_value {
    hub_record head;
    uint32_t definition;
    uint16_t revision; /* of the bar; above 0 the value is `revised` */
    uint8_t outputs;   /* 1..28 */
    uint8_t bits;
    int64_t bar_time;
    uint64_t cause; /* seq of the bar */
    double values[1];
} hub_value;
HUB_STATIC_ASSERT(sizeof(hub_value) == 64, "one output is one line");

/* NaN = not given. theta per day, vega and rho per 1 %, implied_volatility 1 = 100 % a year. */
typedef struct hub_greeks {
    hub_record head;
    double delta;
    double gamma;
    double theta;
    double vega;
    double rho;
    double implied_volatility;
    uint64_t reserved[6];
} hub_greeks;
HUB_STATIC_ASSERT(sizeof(hub_greeks) == 128, "two lines");

/* ---- text in records ------------------------------------------------------------------------------------------- */

/* Records with text have a fixed part, then `u16 length, bytes` for each text in the order named, without padding. */

enum { HUB_SIGNAL_PATTERN = 1, HUB_SIGNAL_ALERT = 2, HUB_SIGNAL_MODEL = 3 };
enum { HUB_DIRECTION_NONE = 0, HUB_BULLISH = 1, HUB_BEARISH = 2, HUB_NEUTRAL = 3 };

/* Texts: name, text. */
typedef struct hub_signal {
    hub_record head;
    uint8_t signal; /* HUB_SIGNAL_* */
    uint8_t direction;
    uint16_t reserved;
    uint32_t interval; /* 0 = none */
    double strength;   /* 0..1, NaN = none */
} hub_signal;
HUB_STATIC_ASSERT(sizeof(hub_signal) == 48, "texts begin at byte 48");

enum {
    HUB_PHASE_NONE = 0, HUB_PHASE_CLOSED = 1, HUB_PHASE_PRE = 2, HUB_PHASE_PRE_OPEN = 3, HUB_PHASE_OPEN = 4,
    HUB_PHASE_BREAK = 5, HUB_PHASE_CLOSING = 6, HUB_PHASE_POST = 7
};

/* Trading state of an instrument (its stream) or of a venue (stream 0). Texts: venue, reason. */
typedef struct hub_trading_status {
    hub_record head;
    uint8_t phase;
    uint8_t next_phase; /* HUB_PHASE_NONE = not known */
    uint8_t halted;     /* 0 no, 1 yes, 255 not given */
    uint8_t reserved[5];
    int64_t next_time;
    double lower_limit;
    double upper_limit;
} hub_trading_status;
HUB_STATIC_ASSERT(sizeof(hub_trading_status) == 64, "texts begin at byte 64");

enum { HUB_GAP_OPEN = 1, HUB_GAP_CLOSED = 2 };
enum {
    HUB_GAP_SOURCE_DOWN = 1, HUB_GAP_SOURCE_STALE = 2, HUB_GAP_SOURCE_RESET = 3, HUB_GAP_PROVIDER_LIMIT = 4,
    HUB_GAP_OVERLOAD = 5, HUB_GAP_DISK_FULL = 6, HUB_GAP_HUB_DOWN = 7
};
enum { HUB_REPAIR_PENDING = 1, HUB_REPAIR_DONE = 2, HUB_REPAIR_PARTIAL = 3, HUB_REPAIR_IMPOSSIBLE = 4 };

/* A source lost data. `stream` names the source (its stream without an instrument). Texts: symbols, separated by
 * newlines (globs); types are bits 1 << kind. */
typedef struct hub_gap {
    hub_record head;
    uint8_t state;
    uint8_t reason;
    uint8_t repair;
    uint8_t reserved;
    uint32_t types;
    uint64_t opened_by; /* seq of the record that opened it; 0 = this record */
    int64_t from;
    int64_t to; /* 0 = not over */
} hub_gap;
HUB_STATIC_ASSERT(sizeof(hub_gap) == 64, "texts begin at byte 64");

/* ---- control --------------------------------------------------------------------------------------------------- */

enum {
    HUB_CONTROL_SOURCE = 1,
    HUB_CONTROL_FAILOVER = 2,
    HUB_CONTROL_SUBSCRIPTION = 3,
    HUB_CONTROL_INSTRUMENT = 4,
    HUB_CONTROL_CONFIGURATION = 5,
    HUB_CONTROL_CLOCK = 6,
    HUB_CONTROL_POSITION = 7,
    HUB_CONTROL_END = 8 /* a recorded source has ended: its open bars close */
};

/* States of a source. */
enum {
    HUB_STATE_NONE = 0,
    HUB_STATE_STARTING = 1,
    HUB_STATE_OK = 2,
    HUB_STATE_DEGRADED = 3,
    HUB_STATE_RECONNECTING = 4,
    HUB_STATE_STALE = 5,
    HUB_STATE_AUTH_NEEDED = 6,
    HUB_STATE_CLOSED = 7,
    HUB_STATE_FAILED = 8,
    HUB_STATE_STOPPED = 9,
    /* of a subscription */
    HUB_STATE_PENDING = 10,
    HUB_STATE_ENDED = 11,
    /* of an instrument */
    HUB_STATE_ADDED = 12,
    HUB_STATE_CHANGED = 13,
    HUB_STATE_EXPIRED = 14
};

/* Texts: pipeline, from, to, reason. `skipped` of a failover: records of the new source that were accepted since its
 * last position but dropped while it stood by (a source that resumes counts them). A clock's time is ts_event. */
typedef struct hub_control {
    hub_record head;
    uint8_t what;
    uint8_t state;
    uint8_t previous;
    uint8_t reserved;
    uint32_t skipped;
    uint64_t last_seq; /* of a failover: last record taken from the old source */
} hub_control;
HUB_STATIC_ASSERT(sizeof(hub_control) == 48, "texts begin at byte 48");

/* Where a source can go on: opaque to the host, given back at the next start. */
typedef struct hub_position {
    hub_record head;
    uint8_t what; /* HUB_CONTROL_POSITION */
    uint8_t reserved[7];
    uint8_t data[24];
} hub_position;
HUB_STATIC_ASSERT(sizeof(hub_position) == 64, "one line");

/* SHA-256 of what the fold depends on. */
typedef struct hub_configuration {
    hub_record head;
    uint8_t what; /* HUB_CONTROL_CONFIGURATION */
    uint8_t reserved[7];
    uint8_t digest[32];
} hub_configuration;
HUB_STATIC_ASSERT(sizeof(hub_configuration) == 72, "two lines");

/* ---- define ---------------------------------------------------------------------------------------------------- */

enum { HUB_DEFINE_STREAM = 1, HUB_DEFINE_VALUE = 2 };

enum {
    HUB_TYPE_NONE = 0, HUB_TYPE_EQUITY = 1, HUB_TYPE_ETF = 2, HUB_TYPE_FUND = 3, HUB_TYPE_INDEX = 4,
    HUB_TYPE_FUTURE = 5, HUB_TYPE_OPTION = 6, HUB_TYPE_BOND = 7, HUB_TYPE_FX = 8, HUB_TYPE_CRYPTO = 9,
    HUB_TYPE_COMMODITY = 10, HUB_TYPE_SIMULATED = 11
};

/* A stream: (instrument, source, market centre). head.stream is the id it defines. Texts: symbol (empty: the source
 * itself), source, market centre (empty: the symbol's own venue), currency, calendar. */
typedef struct hub_define_stream {
    hub_record head;
    uint8_t what; /* HUB_DEFINE_STREAM */
    uint8_t instrument_type;
    uint8_t simulated;
    uint8_t reserved[5];
    double tick_size; /* NaN = not known */
    double lot_size;
} hub_define_stream;
HUB_STATIC_ASSERT(sizeof(hub_define_stream) == 56, "texts begin at byte 56");

/* A value definition. Texts: name (`macd(12,26,9)`), then `outputs` names. */
typedef struct hub_define_value {
    hub_record head;
    uint8_t what; /* HUB_DEFINE_VALUE */
    uint8_t outputs;
    uint16_t reserved;
    uint32_t definition;
    uint32_t interval;
    uint32_t reserved2;
} hub_define_value;
HUB_STATIC_ASSERT(sizeof(hub_define_value) == 48, "texts begin at byte 48");

#ifdef __cplusplus
}
#endif
#endif

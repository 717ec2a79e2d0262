package console

import "time"

// The events of GET api/events. On connecting come state, history and log, with what
// there is; then tick, log and state as things happen.
const (
	EventState   = "state"   // a State: services or operations came or went
	EventHistory = "history" // a History
	EventTick    = "tick"    // a Tick
	EventLog     = "log"     // a []Entry, oldest first
)

// Tick is what has changed since the last one.
type Tick struct {
	At    time.Time `json:"at"`
	Ready bool      `json:"ready"`
	// Sequence numbers the step that is over with this tick; 0 if it is only that
	// something changed.
	Sequence uint64 `json:"sequence,omitempty"`
	// Points are what happened in that step, by operation.
	Points map[string]Point `json:"points,omitempty"`
	// Services are the states of those that have changed theirs, by name, and
	// Partitions the partitions likewise.
	Services   map[string]string     `json:"services,omitempty"`
	Partitions map[string]Partitions `json:"partitions,omitempty"`
	// Operations are those of which something happened of late.
	Operations      []Operation      `json:"operations,omitempty"`
	CircuitBreakers []CircuitBreaker `json:"circuit_breakers,omitempty"`
	RateLimiters    []RateLimiter    `json:"rate_limiters,omitempty"`
	Bulkheads       []Bulkhead       `json:"bulkheads,omitempty"`
	Totals          Totals           `json:"totals"`
	Reloads         Reloads          `json:"reloads"`
	Profile         ProfileStatus    `json:"profile"`
	DryRun          *DryRun          `json:"dry_run,omitempty"`
}

// Point is one step of a [Series].
type Point struct {
	Calls    uint32  `json:"calls,omitempty"`
	Failed   uint32  `json:"failed,omitempty"`
	Retries  uint32  `json:"retries,omitempty"`
	Rejected uint32  `json:"rejected,omitempty"`
	Timeouts uint32  `json:"timeouts,omitempty"`
	P50      float32 `json:"p50_ms,omitempty"`
	P99      float32 `json:"p99_ms,omitempty"`
}

// Entry is a line of the event log. What happens again and again to an operation
// within a step is one entry.
type Entry struct {
	ID   uint64    `json:"id"` // counts up
	At   time.Time `json:"at"`
	Kind string    `json:"kind"` // one of the Kind constants
	// Subject is the operation, breaker or limiter that it happened to.
	Subject string `json:"subject,omitempty"`
	// By is the breaker or limiter that did it, or who used a control.
	By    string `json:"by,omitempty"`
	Times int    `json:"times,omitempty"` // how often; 0 is once
	// Text says it in a line.
	Text string `json:"text"`
	// State is the one that a breaker changed to.
	State string `json:"state,omitempty"`
}

// The kinds of entries.
const (
	KindTransition = "transition" // a breaker changed its state
	KindTripped    = "tripped"
	KindProbed     = "probed"
	KindFailed     = "attempt_failed"
	KindRetry      = "retry"
	KindRejected   = "rejected"
	KindTimeout    = "timeout"
	KindOverrun    = "overrun"
	KindWaited     = "waited"
	KindHedged     = "hedged"    // another attempt began beside one that takes long
	KindHedgeWon   = "hedge_won" // and had the answer first
	KindFellBack   = "fell_back" // the fallback was asked
	KindStale      = "stale"     // an old answer was given
	KindChaos      = "chaos"     // chaos struck
	KindShared     = "shared"    // a breaker or limiter goes on alone, or follows its fleet again
	KindReload     = "reload"
	KindControl    = "control"
)

// BreakerCommand is the body of POST api/circuit_breakers/{name}; the answer is the
// CircuitBreaker as it is then.
type BreakerCommand struct {
	// Mode is "forced_open", "disabled", "automatic" or "reset".
	Mode string `json:"mode"`
	// Reason goes into the event log; it must say something.
	Reason string `json:"reason"`
	// For is how long a forced or disabled breaker stays so: "10m", which is the
	// default, up to "24h", or "forever".
	For string `json:"for,omitempty"`
}

// LimiterCommand is the body of POST api/rate_limiters/{name}; the answer is the
// RateLimiter as it is then.
type LimiterCommand struct {
	// Mode is "overridden", or "automatic" to end that.
	Mode string `json:"mode"`
	// PerSecond is the rate from now on.
	PerSecond float64 `json:"requests_per_second,omitempty"`
	// Burst is how many may come at once; 0 is a quarter of a second's, 1 at least.
	Burst  int    `json:"burst,omitempty"`
	Reason string `json:"reason"`
	For    string `json:"for,omitempty"` // as of a BreakerCommand
}

// Failure is the body of every answer that is not 200.
type Failure struct {
	Error string `json:"error"`
}

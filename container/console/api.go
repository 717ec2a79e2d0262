package console

import "time"

// The JSON of the console, as Go. Times are RFC 3339, durations seconds, and what is
// zero is left out where zero says nothing. Fields come, and none goes or changes its
// meaning; who decodes it leaves aside what it does not know.

// State is the body of GET api/state: what there is now.
type State struct {
	At time.Time `json:"at"`
	// Since is when the console began to look: what Recent and History say of a
	// time before is nothing.
	Since time.Time `json:"since"`
	// Ready is false while a critical service is down; see container.Health.
	Ready           bool             `json:"ready"`
	Services        []Service        `json:"services"`
	CircuitBreakers []CircuitBreaker `json:"circuit_breakers"`
	RateLimiters    []RateLimiter    `json:"rate_limiters"`
	Bulkheads       []Bulkhead       `json:"bulkheads"`
	// Operations are those of no service: run by their own id, or by the name of a
	// policy.
	Operations []Operation `json:"operations"`
	// Totals are those of everything, also of what is no longer known.
	Totals  Totals        `json:"totals"`
	Profile ProfileStatus `json:"profile"`
	Reloads Reloads       `json:"reloads"`
	// DryRun is there where another profile is rehearsed; see container.Shadow.
	DryRun *DryRun `json:"dry_run,omitempty"`
	// Controls says whether who asks may use them; nil in a stream but for its
	// first state.
	Controls *Controls `json:"controls,omitempty"`
}

// Service is a tagged service.
type Service struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Constructor string `json:"constructor"`
	At          string `json:"at"` // file:line of the constructor
	Policy      string `json:"policy"`
	Critical    bool   `json:"critical,omitempty"`
	// State is the worst of its breakers': "closed", "half-open" or "open"; of the
	// nodes of a cluster and of partitions the best.
	State string `json:"state"`
	// CircuitBreakers are the names of those that its calls go through.
	CircuitBreakers []string `json:"circuit_breakers"`
	// Partitions is there where it has some; see container.Partition.
	Partitions *Partitions `json:"partitions,omitempty"`
	Methods    []Method    `json:"methods"`
}

// Partitions are those of a service.
type Partitions struct {
	// Known is how many are remembered, Max at most; Dropped is how many have made
	// room for others.
	Known   int    `json:"known"`
	Max     int    `json:"max"`
	Dropped uint64 `json:"dropped,omitempty"`
	// Open are the keys of those with an open circuit breaker.
	Open []string `json:"open,omitempty"`
}

// Method is one method of a service.
type Method struct {
	Name   string `json:"name"` // empty for a service that is a function
	Policy string `json:"policy"`
	Guard  string `json:"guard"` // a container.Guard
	Operation
}

// Operation is what happens under one operation id.
type Operation struct {
	ID string `json:"operation"`
	// Active is how many are under way.
	Active uint64 `json:"active,omitempty"`
	Totals Totals `json:"totals"`
	Recent Recent `json:"recent"`
}

// Totals are policy.Totals, since the application started.
type Totals struct {
	Operations   uint64 `json:"operations,omitempty"`
	Successful   uint64 `json:"successful,omitempty"` // answered ones included
	Answered     uint64 `json:"answered,omitempty"`
	Failed       uint64 `json:"failed,omitempty"` // cancelled ones included
	Cancelled    uint64 `json:"cancelled,omitempty"`
	Retries      uint64 `json:"retries,omitempty"`
	Trips        uint64 `json:"trips,omitempty"`
	CircuitOpen  uint64 `json:"circuit_open,omitempty"`  // rejected for that reason
	RateLimited  uint64 `json:"rate_limited,omitempty"`  // likewise
	BulkheadFull uint64 `json:"bulkhead_full,omitempty"` // likewise
	Shed         uint64 `json:"shed,omitempty"`          // those of the last two that were sheddable
	Hedges       uint64 `json:"hedges,omitempty"`
	HedgesWon    uint64 `json:"hedges_won,omitempty"`   // those of them that had the answer first
	RetryBudget  uint64 `json:"retry_budget,omitempty"` // further attempts refused
	Timeouts     uint64 `json:"timeouts,omitempty"`
	Overruns     uint64 `json:"overruns,omitempty"`
	Fallbacks    uint64 `json:"fallbacks,omitempty"` // operations that failed and whose fallback was asked
	Stale        uint64 `json:"stale,omitempty"`     // those that succeeded with an old answer
	Chaos        uint64 `json:"chaos,omitempty"`     // attempts that chaos struck
}

// Recent is what happened of late.
type Recent struct {
	// Rates are of the last ten seconds.
	PerSecond         float64 `json:"per_second,omitempty"`
	FailedPerSecond   float64 `json:"failed_per_second,omitempty"`
	RetriesPerSecond  float64 `json:"retries_per_second,omitempty"`
	RejectedPerSecond float64 `json:"rejected_per_second,omitempty"`
	// Quantiles of how long operations took, waits and retries included, in seconds:
	// of the last half minute to minute, at most an eighth too high. They are 0 where
	// there was none.
	P50 float64 `json:"p50_s,omitempty"`
	P90 float64 `json:"p90_s,omitempty"`
	P99 float64 `json:"p99_s,omitempty"`
}

// CircuitBreaker is a circuit breaker.
type CircuitBreaker struct {
	Name  string    `json:"name"`
	State string    `json:"state"` // "closed", "half-open", "open"
	Mode  string    `json:"mode"`  // a container.Mode
	Since time.Time `json:"since"` // of the state and mode
	// RetryAfter is the time to the next probe of an open one, in seconds.
	RetryAfter float64 `json:"retry_after_s"`
	// Rejected is how many calls it has refused since it opened.
	Rejected uint64 `json:"rejected,omitempty"`
	// LastTrip is the last time that it opened by itself.
	LastTrip *Trip `json:"last_trip,omitempty"`
	// Control is what somebody put in force here.
	Control *Control `json:"control,omitempty"`
	// Shared is there where it is a fleet's.
	Shared *Shared `json:"shared,omitempty"`
}

// Shared is what is known of the fleet that shares a breaker or a limiter.
type Shared struct {
	Alone     bool `json:"alone"`     // the store is away: it goes on by itself
	Instances int  `json:"instances"` // that share it, as far as is known
	// Heard is when the store last answered; not there if it never did.
	Heard time.Time `json:"heard,omitzero"`
	// Listening says that it would hear of what others find, so that a Heard of long ago
	// is no news rather than stale. Circuit breakers listen; limiters ask.
	Listening bool `json:"listening,omitempty"`
}

// Trip is why a circuit breaker opened.
type Trip struct {
	At        time.Time `json:"at"`
	Operation string    `json:"operation"`
	Error     string    `json:"error,omitempty"` // the last of the failures; none after a panic
	Slow      bool      `json:"slow,omitempty"`  // too many calls were slow
}

// RateLimiter is a rate limiter.
type RateLimiter struct {
	Name string `json:"name"`
	Mode string `json:"mode"` // "automatic" or "overridden"
	// PerSecond is the rate, or what PerPeriod requests in a Period amount to.
	PerSecond float64 `json:"requests_per_second"`
	// PerPeriod is how many requests pass in any stretch of a Period, in seconds; 0
	// where there is a rate.
	PerPeriod int     `json:"requests_per_period,omitempty"`
	Period    float64 `json:"per_s,omitempty"`
	Burst     int     `json:"burst"`
	MaxWait   float64 `json:"max_wait_s,omitempty"`
	// Tokens is how many there are now; negative while calls wait.
	Tokens float64 `json:"tokens"`
	// Rejected is how many calls it has refused since the console looks.
	Rejected uint64   `json:"rejected,omitempty"`
	Control  *Control `json:"control,omitempty"`
	Shared   *Shared  `json:"shared,omitempty"` // where it is a fleet's
}

// Bulkhead is a bulkhead.
type Bulkhead struct {
	Name string `json:"name"`
	// Limit is how many calls may be under way at once, InUse how many are, and
	// Waiting how many wait for one of them to end.
	Limit   int     `json:"max_concurrent"`
	InUse   int     `json:"in_use"`
	Waiting int     `json:"waiting"`
	MaxWait float64 `json:"max_wait_s,omitempty"`
	// Reserve is the share of Limit that is for critical calls.
	Reserve float64 `json:"reserve,omitempty"`
	// Rejected is how many calls it has refused since the console looks.
	Rejected uint64 `json:"rejected,omitempty"`
	// Adaptive is there where Limit is found by how long calls take.
	Adaptive *AdaptiveLimit `json:"adaptive_limit,omitempty"`
}

// AdaptiveLimit is what an adaptive limit goes by.
type AdaptiveLimit struct {
	// Min and Max are what it stays within.
	Min int `json:"min"`
	Max int `json:"max"`
	// Unloaded is what calls take that do not wait for each other, in seconds; 0
	// until that was measured.
	Unloaded float64 `json:"unloaded_s,omitempty"`
	// Measuring says that fewer are let in for a moment, to find that.
	Measuring bool `json:"measuring,omitempty"`
}

// Control is what somebody put in force.
type Control struct {
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	// Until is when it ends by itself; zero if it does not.
	Until time.Time `json:"until,omitzero"`
}

// Controls says what may be done.
type Controls struct {
	Allowed bool `json:"allowed"`
	// Name is who is asking, as the authoriser of [AllowControls] says.
	Name string `json:"name,omitempty"`
}

// ProfileStatus says which profile is in force.
type ProfileStatus struct {
	Name string `json:"name"` // empty where nobody said, see [WithProfile]
	// LoadedAt is when it was read.
	LoadedAt time.Time `json:"loaded_at,omitzero"`
	// Error is why the last reload failed; empty if it did not.
	Error string `json:"error,omitempty"`
}

// Profile is the body of GET api/profile: the policies in force, as settings.
type Profile struct {
	ProfileStatus
	Settings []Setting `json:"settings"`
}

// Setting is one value in force.
type Setting struct {
	// Path leads to it: "policies", "database", "retry", "max_attempts".
	Path  []string `json:"path"`
	Value string   `json:"value"`
	// Origin is where it comes from: "production.yaml:5:20", "environment variable
	// CLAD__...", "default".
	Origin string `json:"origin"`
}

// Reloads counts reloads of the profile since the console looks.
type Reloads struct {
	Succeeded uint64    `json:"succeeded"`
	Failed    uint64    `json:"failed"`
	LastAt    time.Time `json:"last_at,omitzero"`
	LastError string    `json:"last_error,omitempty"` // empty if the last one succeeded
}

// DryRun is what another profile would have done to the same calls; see
// container.Shadow.
type DryRun struct {
	Profile string    `json:"profile"`
	Since   time.Time `json:"since"`
	// Trips, Rejections, by circuit breakers and rate limits, and Retries are those
	// that there would have been, of all operations.
	Trips      uint64 `json:"trips"`
	Rejections uint64 `json:"rejections"`
	Retries    uint64 `json:"retries"`
	// Assumed are those of the Retries that nobody made, so that their outcome is
	// assumed; Unseen are operations that the policies in force refused, of which
	// nobody knows what would have become.
	Assumed uint64 `json:"assumed,omitempty"`
	Unseen  uint64 `json:"unseen,omitempty"`
	// Totals are those of all operations but the unseen, as they would be.
	Totals Totals `json:"totals"`
	// Operations are those of which there is something to say.
	Operations []DryRunOperation `json:"operations"`
	// CircuitBreakers are those that would be there, and how they would be.
	CircuitBreakers []CircuitBreaker `json:"circuit_breakers"`
}

// DryRunOperation is the part of one operation in a [DryRun].
type DryRunOperation struct {
	ID         string `json:"operation"`
	Trips      uint64 `json:"trips,omitempty"`
	Rejections uint64 `json:"rejections,omitempty"`
	Retries    uint64 `json:"retries,omitempty"`
	Totals     Totals `json:"totals"`
}

// History is the body of GET api/history: the last minutes, in steps. All series
// end with the last step that is over and begin with the oldest that is known;
// what did nothing has none.
type History struct {
	// Sequence numbers the last step.
	Sequence   uint64            `json:"sequence"`
	Step       float64           `json:"step_s"`
	Steps      int               `json:"steps"` // how many are kept
	Operations map[string]Series `json:"operations"`
	// CircuitBreakers have a digit for each step: 0 closed, 1 half-open, 2 open.
	CircuitBreakers map[string]string `json:"circuit_breakers"`
	// RateLimiters have for each step what was left of the burst, from 0 to 100.
	RateLimiters map[string][]int `json:"rate_limiters"`
}

// Series is what happened to an operation, step by step.
type Series struct {
	Calls    []uint32 `json:"calls"`
	Failed   []uint32 `json:"failed"`
	Retries  []uint32 `json:"retries"`
	Rejected []uint32 `json:"rejected"`
	Timeouts []uint32 `json:"timeouts"`
	// Quantiles of the step, in milliseconds, 0 where nothing ended.
	P50 []float32 `json:"p50_ms"`
	P99 []float32 `json:"p99_ms"`
}

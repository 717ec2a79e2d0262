package policy_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

func TestValidateAcceptsWhatCanBeHonoured(t *testing.T) {
	for _, p := range []policy.Policy{
		policy.None{},
		policy.Retry{},
		policy.Retry{MaxAttempts: 1, Backoff: policy.Fixed(0), MaxElapsed: time.Nanosecond},
		policy.Retry{Backoff: policy.Linear{}},
		policy.Retry{Backoff: policy.Exponential{Multiplier: 1}},
		policy.Retry{Backoff: ownBackoff{}}, // has no Validate
		policy.CircuitBreaker{},
		policy.CircuitBreaker{Name: "bank"},
		policy.CircuitBreaker{FailureRate: 1, Window: time.Second},
		policy.CircuitBreaker{SlowCall: time.Second, SlowRate: 1, RecoveryJitter: 1, Ramp: time.Hour},
		policy.RateLimit{RequestsPerSecond: 1e-9},
		policy.RateLimit{RequestsPerSecond: math.MaxFloat64},
		policy.RateLimit{Name: "api"},
		policy.AdaptiveLimit{},
		policy.AdaptiveLimit{Max: 3},
		policy.AdaptiveLimit{Min: 5000},
		policy.Bulkhead{MaxConcurrent: 1, Reserve: 1},
		policy.Bulkhead{Name: "h"},
		policy.RateLimit{RequestsPerPeriod: 1, Per: 1},
		policy.Timeout(1),
		policy.Stale(1),
		policy.Chaos{Rate: 1, Latency: 1},
		policy.Chaos{Rate: 1e-9, Error: errors.New("drill"), For: time.Hour},
		policy.Combine(total, retry, limit, breaker, attempt),
	} {
		if err := p.Validate(); err != nil {
			t.Errorf("%v: %v", p, err)
		}
	}
}

// Whoever mends one mistake at a time runs the program as often as there are
// mistakes: each must be named by the first error.
func TestValidateReportsEveryMistakeAtOnce(t *testing.T) {
	nan := math.NaN()
	for _, tt := range []struct {
		name string
		p    policy.Policy
		want []string // one for each mistake
	}{
		{
			"retry",
			policy.Retry{MaxAttempts: -1, MaxElapsed: -time.Second, Backoff: policy.Fixed(-1)},
			[]string{"MaxAttempts is -1", "MaxElapsed is -1s", "delay is -1ns"},
		},
		{"chaos", policy.Chaos{Rate: 1.5, For: -1}, []string{"Rate is 1.5", "set Latency or Error", "For is -1ns"}},
		{"chaos without a rate", policy.Chaos{Latency: -1}, []string{"Rate is 0", "Latency is -1ns"}},
		{"stale", policy.Stale(0), []string{"stale: 0s; it must be above 0"}},
		{
			"linear back-off",
			policy.Retry{Backoff: policy.Linear{Initial: -1, Increment: -2, Max: -3}},
			[]string{"Initial is -1ns", "Increment is -2ns", "Max is -3ns"},
		},
		{
			"exponential back-off",
			policy.Retry{Backoff: policy.Exponential{Initial: -1, Multiplier: 0.5, Max: -3}},
			[]string{"Initial is -1ns", "Multiplier is 0.5", "Max is -3ns"},
		},
		{"budget below zero", policy.Retry{Budget: -0.1}, []string{"Budget is -0.1"}},
		{"budget above the whole", policy.Retry{Budget: 1.1}, []string{"Budget is 1.1"}},
		{"budget not a number", policy.Retry{Budget: nan}, []string{"Budget is NaN"}},
		{"a key that is no header", policy.Retry{IdempotencyKey: "Idempotency Key"}, []string{`IdempotencyKey is "Idempotency Key"`}},
		{"multiplier below zero", policy.Retry{Backoff: policy.Exponential{Multiplier: -2}}, []string{"Multiplier is -2"}},
		{"multiplier not a number", policy.Retry{Backoff: policy.Exponential{Multiplier: nan}}, []string{"Multiplier is NaN"}},
		{"multiplier without end", policy.Retry{Backoff: policy.Exponential{Multiplier: math.Inf(1)}}, []string{"Multiplier is +Inf"}},
		{
			"circuit breaker",
			policy.CircuitBreaker{FailureRate: 1.5, Window: -1, RecoveryTimeout: -2, MaxRecovery: -4, ProbeTimeout: -3},
			[]string{"FailureRate is 1.5", "Window is -1ns", "RecoveryTimeout is -2ns", "MaxRecovery is -4ns", "ProbeTimeout is -3ns"},
		},
		{"rate below zero", policy.CircuitBreaker{FailureRate: -0.1, Window: 1}, []string{"FailureRate is -0.1"}},
		{"rate not a number", policy.CircuitBreaker{FailureRate: nan, Window: 1}, []string{"FailureRate is NaN"}},
		{
			"maximum below what is written", policy.CircuitBreaker{RecoveryTimeout: time.Minute, MaxRecovery: time.Second},
			[]string{"MaxRecovery is 1s, shorter than RecoveryTimeout, which is 1m0s"},
		},
		{"maximum below the default", policy.CircuitBreaker{MaxRecovery: time.Millisecond}, []string{"RecoveryTimeout, which is 500ms"}},
		{
			"slow calls", policy.CircuitBreaker{SlowCall: -1, SlowRate: 2, RecoveryJitter: -0.5, Ramp: -2},
			[]string{"SlowCall is -1ns", "SlowRate is 2", "RecoveryJitter is -0.5", "Ramp is -2ns"},
		},
		{"a slow rate of nothing", policy.CircuitBreaker{SlowRate: 0.5}, []string{"SlowRate needs a SlowCall"}},
		{"rate without a window", policy.CircuitBreaker{FailureRate: 0.5}, []string{"needs a Window"}},
		{
			"rate limit",
			policy.RateLimit{RequestsPerSecond: -1, Burst: -2, MaxWait: -3},
			[]string{"RequestsPerSecond is -1", "Burst is -2", "MaxWait is -3ns"},
		},
		{
			"period", policy.RateLimit{RequestsPerPeriod: -1, Per: -2, RequestsPerSecond: 3, Burst: 4},
			[]string{"RequestsPerPeriod is -1", "Per is -2ns", "both RequestsPerSecond and RequestsPerPeriod", "Burst belongs to RequestsPerSecond"},
		},
		{"a period of a fleet", policy.RateLimit{RequestsPerPeriod: 5, Per: time.Second, Shared: true}, []string{"Shared goes with RequestsPerSecond"}},
		{"requests without a period", policy.RateLimit{RequestsPerPeriod: 5}, []string{"Per is 0s"}},
		{"a period without requests", policy.RateLimit{Per: time.Second}, []string{"RequestsPerPeriod is 0"}},
		{"rate limit of nothing", policy.RateLimit{}, []string{"RequestsPerSecond is 0"}},
		{"named rate limit with a burst alone", policy.RateLimit{Name: "api", Burst: 3}, []string{"RequestsPerSecond is 0"}},
		{"rate limit not a number", policy.RateLimit{RequestsPerSecond: nan}, []string{"RequestsPerSecond is NaN"}},
		{"rate limit without end", policy.RateLimit{RequestsPerSecond: math.Inf(1)}, []string{"RequestsPerSecond is +Inf"}},
		{
			"bulkhead", policy.Bulkhead{MaxConcurrent: -1, MaxWait: -3, Reserve: 1.5},
			[]string{"MaxConcurrent is -1", "MaxWait is -3ns", "Reserve is 1.5"},
		},
		{"reserve of a limit", policy.RateLimit{RequestsPerSecond: 1, Reserve: -1}, []string{"Reserve is -1"}},
		{"reserve of a shared limit", policy.RateLimit{Name: "n", RequestsPerSecond: 1, Reserve: 0.5, Shared: true}, []string{"Reserve does not go with Shared"}},
		{"named bulkhead with a wait alone", policy.Bulkhead{Name: "h", MaxWait: 1}, []string{"MaxConcurrent is 0"}},
		{"reserve not a number", policy.Bulkhead{MaxConcurrent: 1, Reserve: nan}, []string{"Reserve is NaN"}},
		{
			"adaptive limit", policy.AdaptiveLimit{Initial: -1, Min: -2, Max: -3, MaxWait: -4},
			[]string{"Initial is -1", "Min is -2", "Max is -3", "MaxWait is -4ns"},
		},
		{"bounds that are none", policy.AdaptiveLimit{Min: 10, Max: 5}, []string{"Min is 10, above Max, which is 5"}},
		{"a limit above its bounds", policy.AdaptiveLimit{Initial: 50, Max: 20}, []string{"Initial is 50; it must be from Min to Max, 1 to 20"}},
		{"no timeout", policy.Timeout(0), []string{"timeout: 0s"}},
		{"negative timeout", policy.Timeout(-5), []string{"timeout: -5ns"}},
		{
			"all layers",
			policy.Combine(policy.Timeout(-1), policy.Retry{MaxAttempts: -2}, policy.RateLimit{RequestsPerSecond: -3}, policy.CircuitBreaker{FailureRate: 4, Window: 1}),
			[]string{"timeout: -1ns", "MaxAttempts is -2", "RequestsPerSecond is -3", "FailureRate is 4"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.p.Validate()
			if err == nil {
				t.Fatalf("%v is said to be valid", tt.p)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
			if got := len(strings.Split(err.Error(), "\n")); got != len(tt.want) {
				t.Errorf("%d mistakes reported, want %d:\n%v", got, len(tt.want), err)
			}
		})
	}
}

// Without the kind of layer nobody finds the place to mend.
func TestValidateNamesTheLayer(t *testing.T) {
	for prefix, p := range map[string]policy.Policy{
		"retry: ":           policy.Retry{Backoff: policy.Fixed(-1)},
		"circuit breaker: ": policy.CircuitBreaker{Window: -1},
		"rate limit: ":      policy.RateLimit{},
		"bulkhead: ":        policy.Bulkhead{},
		"timeout: ":         policy.Timeout(0),
	} {
		if err := p.Validate(); err == nil || !strings.HasPrefix(err.Error(), prefix) {
			t.Errorf("got %v, want it to begin with %q", err, prefix)
		}
	}
}

func TestRetryDefaults(t *testing.T) {
	d := policy.Retry{}.WithDefaults()
	if d.MaxAttempts != 3 || d.MaxElapsed != 0 {
		t.Errorf("got %+v", d)
	}
	want := policy.Exponential{Initial: 100 * time.Millisecond, Multiplier: 2, Max: 30 * time.Second, Jitter: true}
	if d.Backoff != policy.Backoff(want) {
		t.Errorf("the back-off is %v, want %v", d.Backoff, want)
	}
	if d.RetryIf == nil || reflect.ValueOf(d.RetryIf).Pointer() != reflect.ValueOf(policy.IsRetryable).Pointer() {
		t.Error("RetryIf is not IsRetryable")
	}
	own := policy.Retry{MaxAttempts: 9, Backoff: policy.Fixed(1), MaxElapsed: 2, RetryIf: func(error) bool { return false }}
	kept := own.WithDefaults()
	if kept.MaxAttempts != 9 || kept.Backoff != policy.Backoff(policy.Fixed(1)) || kept.MaxElapsed != 2 || kept.RetryIf(nil) != false {
		t.Errorf("what was set changed to %+v", kept)
	}
}

func TestCircuitBreakerDefaults(t *testing.T) {
	for _, tt := range []struct {
		name     string
		in, want policy.CircuitBreaker
	}{
		{
			"zero", policy.CircuitBreaker{},
			policy.CircuitBreaker{FailureThreshold: 5, MinRequests: 20, RecoveryTimeout: 500 * time.Millisecond, MaxRecovery: 30 * time.Second, SuccessThreshold: 3, ProbeTimeout: 30 * time.Second, Patience: 100 * time.Millisecond},
		},
		{
			"a recovery timeout that is written stays as it is", policy.CircuitBreaker{RecoveryTimeout: time.Minute},
			policy.CircuitBreaker{FailureThreshold: 5, MinRequests: 20, RecoveryTimeout: time.Minute, MaxRecovery: time.Minute, SuccessThreshold: 3, ProbeTimeout: 30 * time.Second, Patience: 100 * time.Millisecond},
		},
		{
			"a rate needs no count", policy.CircuitBreaker{FailureRate: 0.5, Window: time.Second},
			policy.CircuitBreaker{FailureRate: 0.5, Window: time.Second, MinRequests: 20, RecoveryTimeout: 500 * time.Millisecond, MaxRecovery: 30 * time.Second, SuccessThreshold: 3, ProbeTimeout: 30 * time.Second, Patience: 100 * time.Millisecond},
		},
	} {
		if got := tt.in.WithDefaults(); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
	slow := policy.CircuitBreaker{SlowCall: time.Second}.WithDefaults()
	if slow.SlowRate != 0.5 || slow.FailureThreshold != 5 || slow.Window != 0 {
		t.Errorf("a slow call: got %+v", slow)
	}
	own := policy.CircuitBreaker{
		Name: "n", FailureThreshold: 1, FailureRate: 0.5, MinRequests: 2, Window: 3, SlowCall: 9, SlowRate: 0.7, RecoveryTimeout: 4, MaxRecovery: 5,
		RecoveryJitter: 0.1, Ramp: 10, SuccessThreshold: 6, ProbeTimeout: 7, Patience: 8,
	}
	if got := own.WithDefaults(); got != own {
		t.Errorf("what was set changed to %+v", got)
	}
}

func TestRateLimitDefaultBurstIsAQuarterOfASecond(t *testing.T) {
	for _, tt := range []struct {
		perSecond float64
		burst     int
		want      int
	}{
		{1000, 0, 250},
		{100, 0, 25},
		{10, 0, 2},
		{4, 0, 1},
		{1, 0, 1},
		{0.001, 0, 1},
		{1000, 100, 100},
		{math.MaxFloat64, 0, math.MaxInt32},
	} {
		if got := (policy.RateLimit{RequestsPerSecond: tt.perSecond, Burst: tt.burst}).WithDefaults().Burst; got != tt.want {
			t.Errorf("%v/s with burst %d: got %d, want %d", tt.perSecond, tt.burst, got, tt.want)
		}
	}
}

// A share of few permits is one of them at least, and not all.
func TestTheReserveIsWholePermits(t *testing.T) {
	for _, tt := range []struct {
		permits int
		reserve float64
		want    int
	}{
		{10, 0, 0}, {10, 0.2, 2}, {10, 0.01, 1}, {10, 0.21, 3}, {10, 1, 9}, {1, 0.5, 0}, {2, 1, 1}, {math.MaxInt32, 1, math.MaxInt32 - 1}, {0, 1, 0},
	} {
		if got := (policy.Bulkhead{MaxConcurrent: tt.permits, Reserve: tt.reserve}).Reserved(); got != tt.want {
			t.Errorf("%v of %d: %d, want %d", tt.reserve, tt.permits, got, tt.want)
		}
		if tt.permits == 0 {
			continue
		}
		for _, l := range []policy.RateLimit{
			{RequestsPerSecond: 1, Burst: tt.permits, Reserve: tt.reserve},
			{RequestsPerPeriod: tt.permits, Per: time.Second, Reserve: tt.reserve},
		} {
			if got := l.Reserved(); got != tt.want {
				t.Errorf("%v: %d reserved, want %d", l, got, tt.want)
			}
		}
	}
}

func TestAverageOfRateLimits(t *testing.T) {
	for want, l := range map[float64]policy.RateLimit{
		5:  {RequestsPerSecond: 5},
		10: {RequestsPerPeriod: 600, Per: time.Minute},
	} {
		if got := l.WithDefaults(); got.Average() != want || (got.Burst != 0) != (l.Per == 0) {
			t.Errorf("%v: %v a second, burst %d", l, got.Average(), got.Burst)
		}
	}
}

func TestReferenceIsANameAlone(t *testing.T) {
	for _, tt := range []struct {
		p    interface{ IsReference() bool }
		want bool
	}{
		{policy.CircuitBreaker{}, false},
		{policy.CircuitBreaker{Name: "n"}, true},
		{policy.CircuitBreaker{Name: "n", ProbeTimeout: 1}, false},
		{policy.CircuitBreaker{FailureThreshold: 1}, false},
		{policy.Bulkhead{}, false},
		{policy.Bulkhead{Name: "n"}, true},
		{policy.Bulkhead{Name: "n", Reserve: 0.1}, false},
		{policy.RateLimit{}, false},
		{policy.RateLimit{Name: "n"}, true},
		{policy.RateLimit{Name: "n", RequestsPerSecond: 1}, false},
	} {
		if got := tt.p.IsReference(); got != tt.want {
			t.Errorf("%#v: got %v", tt.p, got)
		}
	}
}

type ownBackoff struct{}

func (ownBackoff) Delay(int) time.Duration { return time.Second }

package container_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// journal writes events down, one line each.
type journal struct{ lines []string }

func (j *journal) event(_ context.Context, event container.Event) {
	if e, ok := event.(container.Transition); ok {
		e.At = time.Time{}
		event = e
	}
	j.lines = append(j.lines, fmt.Sprintf("%T%+v", event, event))
}

func (j *journal) want(t *testing.T, want ...string) {
	t.Helper()
	for i, line := range want {
		want[i] = "container." + line
	}
	if !slices.Equal(j.lines, want) {
		t.Errorf("events:\n\t%s\nwant:\n\t%s", strings.Join(j.lines, "\n\t"), strings.Join(want, "\n\t"))
	}
	j.lines = nil
}

func TestEventsTellWhatHappened(t *testing.T) {
	virtual(t, func(t *testing.T) {
		j := &journal{}
		o := newOrchestrator(t, policy.Catalog{}, container.OnEvent(j.event))
		p := pipelineFor(t, o, "charge",
			policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(time.Second)},
			policy.CircuitBreaker{FailureThreshold: 2, RecoveryTimeout: time.Minute},
			policy.Timeout(time.Second))
		_ = p.Run(t.Context(), works)
		j.want(t) // successes are silent

		s := &script{answers: []error{errDown}}
		_ = p.Run(t.Context(), s.call)
		j.want(t,
			"AttemptFailed{Operation:charge Attempt:1 Verdict:unknown Err:the dependency is down}",
			"Retrying{Operation:charge Attempt:2 Of:3 After:1s Err:the dependency is down}")

		limited := pipelineFor(t, o, "list", policy.RateLimit{Name: "api", RequestsPerSecond: 0.5, Burst: 1})
		_ = limited.Run(t.Context(), works)
		_ = limited.Run(t.Context(), works)
		j.want(t, "Rejected{Operation:list Reason:rate_limited Name:api RetryAfter:2.000000001s}")

		_ = p.Run(t.Context(), waits(time.Hour))
		j.want(t,
			"AttemptFailed{Operation:charge Attempt:1 Verdict:unknown Err:context deadline exceeded}",
			"TimedOut{Operation:charge After:1s Err:context deadline exceeded}",
			"Retrying{Operation:charge Attempt:2 Of:3 After:1s Err:charge: timed out after 1s: context deadline exceeded}",
			"AttemptFailed{Operation:charge Attempt:2 Verdict:unknown Err:context deadline exceeded}",
			"TimedOut{Operation:charge After:1s Err:context deadline exceeded}",
			"Transition{Name:charge From:closed To:open At:0001-01-01 00:00:00 +0000 UTC}",
			"Retrying{Operation:charge Attempt:3 Of:3 After:1s Err:charge: timed out after 1s: context deadline exceeded}",
			"Rejected{Operation:charge Reason:circuit_open Name:charge RetryAfter:59s}")
	})
}

func TestEventsComeWithTheCallersContext(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "request 7")
	told := 0
	o := newOrchestrator(t, policy.Catalog{}, container.OnEvent(func(ctx context.Context, event container.Event) {
		if _, ok := event.(container.AttemptFailed); ok && ctx.Value(key{}) == "request 7" {
			told++
		}
	}))
	_ = pipelineFor(t, o, "op", policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.Timeout(time.Hour)).Run(ctx, always(errDown))
	if told != 2 {
		t.Errorf("%d attempts were told with the caller's context, want 2", told)
	}
}

func TestCompletedTellsHowAnOperationEnded(t *testing.T) {
	virtual(t, func(t *testing.T) {
		var got []container.Completed
		o := newOrchestrator(t, policy.Catalog{}, container.OnCompleted(func(_ context.Context, c container.Completed) { got = append(got, c) }))
		p := pipelineFor(t, o, "op", policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(time.Second)})
		took := func(d time.Duration, errs ...error) func(context.Context) error {
			s := &script{answers: errs}
			return func(ctx context.Context) error {
				time.Sleep(d)
				return s.call(ctx)
			}
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		_ = p.Run(t.Context(), took(time.Second))
		_ = p.Run(t.Context(), took(time.Second, errDown))
		_ = p.Run(t.Context(), took(time.Minute, policy.Answer(errNo)))
		_ = p.Run(gone, works)
		_ = recovered(func() { _ = p.Run(t.Context(), func(context.Context) error { time.Sleep(time.Hour); panic("boom") }) })
		for i := range got {
			if i == 3 && !errors.Is(got[i].Err, policy.ErrCancelled) {
				t.Errorf("gone: %v", got[i].Err)
			}
			got[i].Err = nil
		}
		want := []container.Completed{
			{Operation: "op", Attempts: 1, Duration: time.Second, LastTook: time.Second},
			{Operation: "op", Attempts: 2, Duration: 3 * time.Second, LastTook: time.Second},
			{Operation: "op", Attempts: 1, Duration: time.Minute, LastTook: time.Minute, Verdict: policy.Answered},
			{Operation: "op"},
			{Operation: "op", Attempts: 1, Duration: time.Hour, LastTook: time.Hour, Panicked: true},
		}
		if !slices.Equal(got, want) {
			t.Errorf("got\n%+v\nwant\n%+v", got, want)
		}
	})
}

func TestAListenerThatPanicsDisturbsNoCall(t *testing.T) {
	boom := func() { panic("boom") }
	o := newOrchestrator(t, policy.Catalog{},
		container.OnEvent(func(context.Context, container.Event) { boom() }),
		container.OnCompleted(func(context.Context, container.Completed) { boom() }))
	p := pipelineFor(t, o, "op", policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.CircuitBreaker{FailureThreshold: 1})
	wantIs(t, p.Run(t.Context(), always(errDown)), errDown)
	other := pipelineFor(t, o, "other", policy.Retry{})
	if err := other.Run(t.Context(), works); err != nil {
		t.Error(err)
	}
}

// Where nobody listens nothing is paid, and who only wants to know how long calls
// take pays for nothing but the clock.
func TestListeningAllocatesNothingOnSuccess(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	calls := 0
	for _, tt := range []struct {
		name string
		opts []container.Option
	}{
		{"nobody", nil},
		{"events", []container.Option{container.OnEvent(func(context.Context, container.Event) {})}},
		{"completions", []container.Option{container.OnCompleted(func(context.Context, container.Completed) { calls++ })}},
	} {
		o := newOrchestrator(t, policy.Catalog{}, tt.opts...)
		p := pipelineFor(t, o, "op", policy.Retry{}, policy.CircuitBreaker{})
		g := gateway(&gatewayProxy{next: instant{}, charge: p})
		ctx := context.Background()
		if got := testing.AllocsPerRun(200, func() { _, _ = g.Charge(ctx, 1) }); got != 0 {
			t.Errorf("%s: %v allocations a call", tt.name, got)
		}
	}
	if calls != 201 {
		t.Errorf("told of %d calls", calls)
	}
}

// A span begins before the operation and ends after it; what happens between finds
// it in the context.
func TestWhatBeginsWithAnOperationIsInItsContext(t *testing.T) {
	type span struct{}
	var found []string
	find := func(where string) func(context.Context) {
		return func(ctx context.Context) {
			if name, ok := ctx.Value(span{}).(string); ok {
				found = append(found, where+" of "+name)
			}
		}
	}
	o := newOrchestrator(t, policy.Catalog{},
		container.OnBegin(func(ctx context.Context, operation string) context.Context {
			return context.WithValue(ctx, span{}, operation)
		}),
		container.OnEvent(func(ctx context.Context, _ container.Event) { find("event")(ctx) }),
		container.OnCompleted(func(ctx context.Context, _ container.Completed) { find("end")(ctx) }))
	p := pipelineFor(t, o, "charge", policy.Retry{MaxAttempts: 1}, policy.Timeout(time.Minute))
	_ = p.Run(t.Context(), func(ctx context.Context) error { find("attempt")(ctx); return errDown })
	if want := []string{"attempt of charge", "event of charge", "end of charge"}; !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
}

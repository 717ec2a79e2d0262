package container_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

func TestAnAttemptThatComesBackLongAfterItsDeadlineIsAnOverrun(t *testing.T) {
	virtual(t, func(t *testing.T) {
		for _, tt := range []struct {
			timeout, takes time.Duration
			want           uint64
		}{
			{time.Second, time.Second, 0},
			{time.Second, time.Second + 99*time.Millisecond, 0},
			{time.Second, time.Second + 101*time.Millisecond, 1},
			{time.Minute, time.Minute + 5*time.Second, 0}, // a tenth of its time is 6s
			{time.Minute, time.Minute + 7*time.Second, 1},
		} {
			p, o := under(t, policy.Timeout(tt.timeout))
			wantIs(t, p.Run(t.Context(), ignores(tt.takes, errDown)), policy.ErrTimeout)
			if got := o.Metrics().Overruns; got != tt.want {
				t.Errorf("%v of %v: %d overruns, want %d", tt.takes, tt.timeout, got, tt.want)
			}
		}
	})
}

func TestOverrunsAreToldAndWarnedOfOnce(t *testing.T) {
	virtual(t, func(t *testing.T) {
		var log bytes.Buffer
		var late []time.Duration
		o := newOrchestrator(t, policy.Catalog{},
			container.WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
			container.OnEvent(func(_ context.Context, event container.Event) {
				if e, ok := event.(container.Overrun); ok {
					late = append(late, e.Late)
				}
			}))
		for _, operation := range []string{"charge", "charge", "charge", "refund"} {
			_ = pipelineFor(t, o, operation, policy.Timeout(time.Second)).Run(t.Context(), ignores(5*time.Second, errDown))
		}
		if len(late) != 4 || late[0] != 4*time.Second {
			t.Errorf("told of %v", late)
		}
		for operation, want := range map[string]int{"operation=charge": 1, "operation=refund": 1, "late=4s": 2, "mend=": 2} {
			if got := strings.Count(log.String(), operation); got != want {
				t.Errorf("%s: %d times, want %d:\n%s", operation, got, want, &log)
			}
		}
	})
}

// A success pays nothing, so only some are looked at.
func TestSomeSuccessesThatComeBackLateAreSeen(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Timeout(time.Second))
		for range 1000 {
			time.Sleep(time.Nanosecond)
			if err := p.Run(t.Context(), ignores(5*time.Second, nil)); err != nil {
				t.Fatal(err)
			}
		}
		if got := o.Metrics().Overruns; got < 10 || got > 40 {
			t.Errorf("%d of 1000 were seen, want about one in 64", got)
		}
	})
}

// A pipeline within another saw the other's deadline, and counted the overrun a
// second time.
func TestAnOverrunIsThatOfWhoseDeadlineItWas(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		outer := pipelineFor(t, o, "outer", policy.Timeout(time.Second))
		for _, layers := range [][]policy.Policy{{policy.Retry{MaxAttempts: 1}}, {policy.Timeout(time.Hour)}} {
			inner := pipelineFor(t, o, "inner", layers...)
			_ = outer.Run(t.Context(), func(ctx context.Context) error { return inner.Run(ctx, ignores(5*time.Second, errDown)) })
		}
		m := o.Metrics()
		if m.Operations["outer"].Overruns != 2 || m.Operations["inner"].Overruns != 0 {
			t.Errorf("outer %d, inner %d overruns; want 2 and 0", m.Operations["outer"].Overruns, m.Operations["inner"].Overruns)
		}
	})
}

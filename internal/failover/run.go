package failover

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

// Policy is what clients are guarded by: all that has a default is left at it.
var Policy = policy.Combine(policy.Retry{MaxAttempts: 3}, policy.CircuitBreaker{}, policy.Timeout(time.Second))

// Bound is for how long callers may see an outage that they see for bare without clad.
func Bound(bare time.Duration) time.Duration { return bare*13/10 + 500*time.Millisecond }

// Calls are what a caller does by way of a client.
type Calls struct {
	// Read has no effect, so that it may be made again. Nil: there is no such call.
	Read func(context.Context) error
	// Write has an effect of the name id, and is not safe to repeat.
	Write func(ctx context.Context, id string) error
}

// Client is a client as it is, and under clad.
type Client struct {
	Module        string // or a package of Go's
	Way           string // by which of its packages it is used, where there are several
	Bare, Guarded Calls
	// Effects returns the ids of the effects that the server knows of in the end: of one
	// that has happened twice, twice.
	Effects func(context.Context) ([]string, error)
}

// Run is a failover, with clients that are made for it.
type Run struct {
	// Failover says what happens, Server the product and its version.
	Failover, Server string
	// Happen has it happen, and returns when clients may find a server again.
	Happen  func()
	Clients []Client
	// Forgets is where the server may lose what it has acknowledged.
	Forgets bool
}

// Survive has a failover happen, and fails the test where callers see it for longer
// than Bound, or where clad has an effect happen twice or lose one. A busy machine may
// disturb a measurement: it is made three times at most, on new clients.
func Survive(t *testing.T, prepare func() Run) {
	t.Helper()
	for try := 1; ; try++ {
		run := prepare()
		seen := run.watch(t, try)
		var missed []string
		if !slices.ContainsFunc(seen, func(p pair) bool { return p.bare.failed > 0 }) {
			missed = append(missed, run.Failover+": no caller has noticed")
		}
		for i, c := range run.Clients {
			bare, guarded := seen[i].bare, seen[i].guarded
			t.Logf("%s, %v: bare %v, clad %v", run.Failover, c, bare, guarded)
			if guarded.doubled > 0 {
				t.Errorf("%s, %v: of %d effects, %d happened twice", run.Failover, c, guarded.effects, guarded.doubled)
			}
			if guarded.lost > 0 && !run.Forgets {
				t.Errorf("%s, %v: %d effects that were told to have happened had not", run.Failover, c, guarded.lost)
			}
			if guarded.outage > Bound(bare.outage) {
				missed = append(missed, fmt.Sprintf("%s, %v: seen for %v, and without clad for %v", run.Failover, c, guarded.outage, bare.outage))
			}
		}
		if len(missed) > 0 && try < 3 && !t.Failed() {
			t.Log(strings.Join(missed, "\n"), ": once more")
			continue
		}
		if len(missed) > 0 {
			t.Error(strings.Join(missed, "\n"))
		}
		for i, c := range run.Clients {
			record(t, run, c, seen[i].bare, seen[i].guarded)
		}
		return
	}
}

type pair struct{ bare, guarded result }

// watch has callers use all the clients from before the failover until it is over for
// all of them.
func (r Run) watch(t *testing.T, try int) []pair {
	t.Helper()
	var loads []*load
	for i, c := range r.Clients {
		loads = append(loads, start(t.Context(), fmt.Sprintf("%d-%d-bare-", try, i), c.Bare),
			start(t.Context(), fmt.Sprintf("%d-%d-clad-", try, i), c.Guarded))
	}
	end := func() {
		for _, l := range loads {
			l.end()
		}
	}
	defer end()
	time.Sleep(100 * time.Millisecond) // all is well at first
	r.Happen()
	back := time.Now()
	for slices.ContainsFunc(loads, func(l *load) bool { return !l.over(back) }) {
		if time.Since(back) > time.Minute {
			t.Fatalf("%s: it never ends", r.Failover)
		}
		time.Sleep(10 * time.Millisecond)
	}
	end()
	pairs := make([]pair, len(r.Clients))
	for i, c := range r.Clients {
		effects, err := c.Effects(t.Context())
		if err != nil {
			t.Errorf("%s, %v: %v", r.Failover, c, err)
		}
		pairs[i] = pair{loads[2*i].result(effects), loads[2*i+1].result(effects)}
	}
	return pairs
}

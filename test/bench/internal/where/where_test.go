package where_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/test/bench/internal/measure"
	"github.com/cladgo/clad/test/bench/internal/where"
	"github.com/google/pprof/profile"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stack makes a sample out of function names, the innermost first. Those joined by
// a semicolon were inlined into one place.
func stack(nanos int64, functions ...string) *profile.Sample {
	s := &profile.Sample{Value: []int64{1, nanos}}
	for _, inlined := range functions {
		l := &profile.Location{}
		for name := range strings.SplitSeq(inlined, ";") {
			l.Line = append(l.Line, profile.Line{Function: &profile.Function{Name: name}})
		}
		s.Location = append(s.Location, l)
	}
	return s
}

func TestTimeGoesToTheInnermostThatIsKnown(t *testing.T) {
	const (
		next   = "github.com/cladgo/clad/container.(*Call).next"
		charge = "github.com/cladgo/clad/test/bench.(*gatewayProxy).Charge"
	)
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples"}, {Type: "cpu"}}, Sample: []*profile.Sample{
		stack(30, "runtime.nanotime1", "time.Since;github.com/cladgo/clad/container.(*Call).clock", next, charge),
		stack(20, "runtime.mallocgc", "runtime.newobject", "github.com/cladgo/clad/internal/deadline.New;github.com/cladgo/clad/container.(*Call).enterTimeout", next),
		stack(10, "sync/atomic.(*Uint64).Add;github.com/cladgo/clad/container.(*counters).count", next, charge),
		stack(15, next, charge),
		stack(5, charge),
		stack(20, "runtime.gcDrain", "runtime.gcBgMarkWorker"),
	}}
	want := []where.Part{
		{"reading the clock", 0.3},
		{"allocating", 0.2},
		{where.Rest, 0.2},
		{"walking the policy's layers", 0.15},
		{"counting the outcome", 0.1},
		{"the proxy", 0.05},
	}
	got := where.Parts(p)
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i := range want {
		if got[i].What != want[i].What || math.Abs(got[i].Share-want[i].Share) > 1e-9 {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
}

type failing struct{ measure.Clock }

func (failing) Run(int) error { return errors.New("broken") }

func TestProfileRunsItsSubject(t *testing.T) {
	parts, calls, err := where.Profile(t.Context(), measure.Clock{}, 1000, 200*time.Millisecond)
	if err != nil || calls < 1000 || calls%1000 != 0 || len(parts) == 0 || parts[0].What != "reading the clock" || parts[0].Share < 0.5 {
		t.Errorf("%+v over %d calls, %v", parts, calls, err)
	}
	if _, _, err := where.Profile(t.Context(), failing{}, 1, time.Second); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("ended with %v", err)
	}
}

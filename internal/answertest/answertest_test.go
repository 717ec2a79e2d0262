package answertest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/internal/answertest"
	"github.com/cladgo/clad/policy"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The check finds no fault with a dependency that is judged as it should be, and one
// with each that is not.
func TestCheckFindsWhatItLooksFor(t *testing.T) {
	no, broken := errors.New("none"), errors.New("broken")
	for breaker, p := range answertest.Breakers {
		for name, c := range map[string]struct {
			no    error
			stops bool
			sound bool
		}{
			"answers":               {policy.Answer(no), true, true},
			"answers count nothing": {policy.Permanent(no), true, false},
			"answers are failures":  {no, true, false},
			"answers are successes": {nil, true, false},
			"it never fails":        {policy.Answer(no), false, false},
		} {
			synctest.Test(t, func(t *testing.T) {
				o, err := container.NewOrchestrator(policy.Catalog{})
				if err != nil {
					t.Fatal(err)
				}
				r, err := o.For("dependency", p)
				if err != nil {
					t.Fatal(err)
				}
				down := false
				err = answertest.Dependency{
					Ask: func(fails bool) error {
						return r.Run(t.Context(), func(context.Context) error {
							if fails || down {
								return broken
							}
							return c.no
						})
					},
					Stop:   func() { down = c.stops },
					Totals: func() policy.Totals { return o.Metrics().Totals },
				}.Check()
				if (err == nil) != c.sound {
					t.Errorf("%s, %s: %v", breaker, name, err)
				}
			})
		}
	}
}

package cladredis_test

import (
	"testing"

	"github.com/cladgo/clad/internal/answertest"
	"github.com/cladgo/clad/policy"
)

// A cache in which nearly nothing is was taken for one that is down.
func TestAServerOfAnswersIsWell(t *testing.T) {
	for name, breaker := range answertest.Breakers {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c, o := guarded(t, under(breaker), s.bare)
			plain := s.bare()
			replicas := func(n string) {
				if err := plain.ConfigSet(background, "min-replicas-to-write", n).Err(); err != nil {
					t.Fatal(err)
				}
			}
			err := answertest.Dependency{
				Ask: func(fails bool) error {
					if !fails {
						return c.Get(background, "nothing").Err()
					}
					replicas("1") // which are not there: it takes no writes
					defer replicas("0")
					return c.Set(background, "key", "value", 0).Err()
				},
				Stop:   s.kill,
				Totals: func() policy.Totals { return o.Metrics().Totals },
			}.Check()
			if err != nil {
				t.Error(err)
			}
		})
	}
}

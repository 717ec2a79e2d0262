package cladpgx_test

import (
	"testing"

	"github.com/cladgo/clad/internal/answertest"
	"github.com/cladgo/clad/policy"
)

// A database in which nearly no row is that is looked for was taken for one that is
// down.
func TestADatabaseOfAnswersIsWell(t *testing.T) {
	for name, breaker := range answertest.Breakers {
		t.Run(name, func(t *testing.T) {
			need(t)
			p := newProxy(t)
			db, o := guarded(t, p.listener.Addr().String(), breaker)
			err := answertest.Dependency{
				Ask: func(fails bool) error {
					if fails {
						_, err := db.Exec(t.Context(), "DO $$ BEGIN RAISE 'the disk is broken' USING ERRCODE = 'io_error'; END $$")
						return err
					}
					var n int
					return db.QueryRow(t.Context(), "SELECT 1 WHERE false").Scan(&n)
				},
				Stop:   func() { _ = p.listener.Close(); p.cut() },
				Totals: func() policy.Totals { return o.Metrics().Totals },
			}.Check()
			if err != nil {
				t.Error(err)
			}
		})
	}
}

package sqltest_test

import (
	"testing"
	"time"

	"github.com/cladgo/clad/internal/answertest"
)

// A database that says of nearly every row that it is there already was taken for one
// that is down.
func TestADatabaseOfAnswersIsWell(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		if d.kill == "" {
			t.Skip("it is no server that could be down")
		}
		broken := "DO $$ BEGIN RAISE 'the disk is broken' USING ERRCODE = 'io_error'; END $$"
		if d.driver == "mysql" {
			broken = "SIGNAL SQLSTATE '58030' SET MYSQL_ERRNO = 1030, MESSAGE_TEXT = 'the disk is broken'"
		}
		day := time.Date(2020, 2, 29, 0, 0, 0, 0, time.UTC)
		if _, err := d.plain.ExecContext(t.Context(), d.insert(), 1, "one", "1.00", day); err != nil {
			t.Fatal(err)
		}
		for name, breaker := range answertest.Breakers {
			x := d.proxied(t)
			d.renew(t)
			db := d.guarded(t, breaker)
			err := answertest.Dependency{
				Ask: func(fails bool) (err error) {
					if fails {
						_, err = db.ExecContext(t.Context(), broken)
					} else {
						_, err = db.ExecContext(t.Context(), d.insert(), 1, "one", "1.00", day)
					}
					return err
				},
				Stop:   x.down,
				Totals: d.metrics,
			}.Check()
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

package cladsql_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container/cladsql"
	"github.com/cladgo/clad/policy"
)

// A server with no place for one more connection serves those that it has.
func TestCrowdedServerIsNoFailureWhileConnectionsAreOpen(t *testing.T) {
	f := &fake{}
	db := openUnder(t, f, runner(t, policy.CircuitBreaker{FailureThreshold: 1}))
	db.SetMaxOpenConns(2)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.fail = failing(100, "connect", stateError("53300"))
	if err := db.PingContext(t.Context()); !errors.Is(err, stateError("53300")) {
		t.Errorf("got %v", err)
	}
	if _, err := conn.ExecContext(t.Context(), aWrite); err != nil {
		t.Errorf("got %v", err)
	}
	_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // gives it up
	_ = conn.Close()
	for _, want := range []error{stateError("53300"), policy.ErrCircuitOpen} {
		if err := db.PingContext(t.Context()); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

// A certificate that cannot be verified is verified by no other attempt; but the
// database cannot be had.
func TestUnverifiedServerIsAFailureAndNotTriedAgain(t *testing.T) {
	for _, want := range []error{x509.UnknownAuthorityError{}, &tls.CertificateVerificationError{Err: errLost}} {
		f := &fake{fail: failing(100, "connect", want)}
		db := open(t, f, policy.CircuitBreaker{FailureThreshold: 1}, atOnce(3))
		if err := db.PingContext(t.Context()); !errors.Is(err, want) || f.count("connect") != 1 {
			t.Errorf("%v after %d attempts", err, f.count("connect"))
		}
		if err := db.PingContext(t.Context()); !errors.Is(err, policy.ErrCircuitOpen) {
			t.Errorf("got %v", err)
		}
	}
}

// oldDriver hears of no context.
type oldDriver struct{ open func() (driver.Conn, error) }

func (d *oldDriver) Open(string) (driver.Conn, error) { return d.open() }

// A driver that hears of no context hung for as long as its server did.
func TestConnectingIsGivenUpWhenItsTimeIsOver(t *testing.T) {
	d := &oldDriver{}
	name := rand.Text() // registered for good
	sql.Register(name, d)
	c, err := cladsql.NewConnector(name, "")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		d.open = func() (driver.Conn, error) { time.Sleep(time.Minute); return &fakeConn{f}, nil }
		guarded := cladsql.Wrap(c, runner(t, policy.Timeout(time.Second)))
		if _, err := guarded.Connect(t.Context()); !errors.Is(err, policy.ErrTimeout) {
			t.Errorf("got %v", err)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if f.count("close") != 1 {
			t.Error("the connection that came too late was left open")
		}
		d.open = func() (driver.Conn, error) { panic("no database") }
		defer func() {
			if got := recover(); got != "no database" {
				t.Errorf("the panic became %v", got)
			}
		}()
		_, _ = guarded.Connect(t.Context())
	})
}

// Where clad stopped nothing, what the driver said comes out as it is, to those who
// compare and to those who assert: it was hidden in what clad thought of it.
func TestErrorsComeOutAsTheyAre(t *testing.T) {
	retry := atOnce(3)
	for name, r := range map[string]policy.Runner{
		"pipeline": runner(t, policy.CircuitBreaker{}, retry),
		"other": anyRunner(func(ctx context.Context, fn func(context.Context) error) error {
			return runner(t, policy.CircuitBreaker{}, retry).Run(ctx, fn)
		}),
	} {
		for _, want := range []error{errLost, stateError("23505"), sql.ErrNoRows} {
			f := &fake{}
			db := openUnder(t, f, r)
			f.fail = failing(100, "exec-context", want)
			_, err := db.ExecContext(t.Context(), aWrite)
			if err != want || f.count("exec-context") != 1 { //nolint:errorlint // that is the point
				t.Errorf("%s: %v came out as a %T after %d attempts", name, want, err, f.count("exec-context"))
			}
		}
	}
	for _, query := range []string{aRead, aWrite} {
		ctx, cancel := context.WithCancel(t.Context())
		f := &fake{fail: func(what string) error {
			if what != "query-context" {
				return nil
			}
			cancel()
			return ctx.Err()
		}}
		err := drain(open(t, f, policy.CircuitBreaker{}, retry).QueryContext(ctx, query))
		if err != context.Canceled { //nolint:errorlint // that is the point
			t.Errorf("%s: %v", query, err)
		}
	}
}

// breakingRows end with an error.
type breakingRows struct {
	*fakeRows
	err error
}

func (r breakingRows) Next(dest []driver.Value) error {
	if r.left == 1 {
		return r.err
	}
	return r.fakeRows.Next(dest)
}

// Rows that broke off after the first were a success, which ended the row of
// failures.
func TestRowsThatBreakOffAreAFailure(t *testing.T) {
	box := newOrchestrator(t)
	r, err := box.For("db", policy.Combine(atOnce(3), policy.CircuitBreaker{FailureThreshold: 2}))
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{rows: func(r *fakeRows) driver.Rows { return breakingRows{r, errLost} }}
	db := openUnder(t, f, r)
	for range 2 {
		if err := query(t, db, aRead); err != errLost { //nolint:errorlint // as the driver said it
			t.Errorf("got %v", err)
		}
	}
	if err := query(t, db, aRead); !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("got %v", err)
	}
	if f.count("query-context") != 2 {
		t.Error("rows of which some have been read were read again")
	}
	if m := box.Metrics(); m.FailedOperations != 3 || m.SuccessfulOperations != 1 {
		t.Errorf("counted %+v", m.Totals)
	}
}

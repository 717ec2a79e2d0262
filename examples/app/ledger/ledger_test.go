package ledger_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cladgo/clad/examples/app/internal/pgtest"
	"github.com/cladgo/clad/examples/app/ledger"
	"github.com/cladgo/clad/examples/app/payments"
	"github.com/cladgo/clad/policy"
)

func open(t *testing.T, url string) *ledger.DB {
	t.Helper()
	l, err := ledger.New(url)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// Every kind of database keeps the same contract.
func TestLedger(t *testing.T) {
	t.Run("SQLite, temporary", func(t *testing.T) { testLedger(t, open(t, "")) })
	t.Run("SQLite, a file", func(t *testing.T) {
		testLedger(t, open(t, "file:"+filepath.Join(t.TempDir(), "ledger.db")))
	})
	t.Run("PostgreSQL", func(t *testing.T) { testLedger(t, open(t, pgtest.URL(t))) })
}

// What was accepted without the bank is found until it is captured.
func testDue(t *testing.T, l *ledger.DB) {
	t.Helper()
	ctx := t.Context()
	accepted := payments.Payment{ID: "due-1", Amount: 1000, Currency: "EUR", Method: payments.Wallet, Status: payments.Accepted}
	second := accepted
	second.ID = "due-2"
	for _, p := range []payments.Payment{accepted, second} {
		if _, err := l.Open(ctx, p); err != nil {
			t.Fatal(err)
		}
	}
	for limit, want := range map[int]int{1: 1, 2: 2, 100: 2} {
		if due, err := l.Due(ctx, limit); err != nil || len(due) != want {
			t.Errorf("up to %d due: %+v, %v", limit, due, err)
		}
	}
	captured := accepted
	captured.Status, captured.Receipt = payments.Captured, "ch_due"
	if err := l.Move(ctx, captured, payments.Accepted); err != nil {
		t.Fatal(err)
	}
	if due, err := l.Due(ctx, 100); err != nil || len(due) != 1 || due[0] != second {
		t.Errorf("due: %+v, %v", due, err)
	}
}

func testLedger(t *testing.T, l *ledger.DB) {
	t.Helper()
	ctx := t.Context()
	p := payments.Payment{ID: "1", Amount: 12050, Currency: "EUR", Method: payments.CreditCard, Status: payments.Pending}
	other := p
	other.Amount = 1

	for _, asked := range []payments.Payment{p, p, other} { // the first one stays
		if booked, err := l.Open(ctx, asked); err != nil || booked != p {
			t.Fatalf("Open: %+v, %v", booked, err)
		}
	}
	if _, err := l.Find(ctx, "2"); !errors.Is(err, payments.ErrNotFound) {
		t.Errorf("Find of nothing: %v", err)
	}

	captured := p
	captured.Status, captured.Receipt = payments.Captured, "ch_1"
	for range 2 { // it is safe to repeat
		if err := l.Move(ctx, captured, payments.Pending); err != nil {
			t.Fatalf("Move: %v", err)
		}
	}
	if found, err := l.Find(ctx, "1"); err != nil || found != captured {
		t.Errorf("Find: %+v, %v", found, err)
	}
	captured.Receipt = "ch_2"
	if err := l.Move(ctx, captured, payments.Pending); !errors.Is(err, payments.ErrConflict) || !policy.IsAnswer(err) {
		t.Errorf("Move of what is elsewhere: %v", err)
	}
	if err := l.Move(ctx, payments.Payment{ID: "2"}, payments.Pending); !errors.Is(err, payments.ErrConflict) {
		t.Errorf("Move of nothing: %v", err)
	}

	testDue(t, l)
	testClaims(t, l)
	testContext(t, l)
}

// Of many who claim a payment at once, one gets it.
func testClaims(t *testing.T, l *ledger.DB) {
	t.Helper()
	p := payments.Payment{ID: "claimed", Status: payments.Captured}
	if _, err := l.Open(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := 0
	for i := range 20 {
		wg.Go(func() {
			claim := p
			claim.Status, claim.Refund = payments.Refunding, string(rune('a'+i))
			err := l.Move(t.Context(), claim, payments.Captured)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				got++
			} else if !errors.Is(err, payments.ErrConflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got != 1 {
		t.Errorf("%d got the payment", got)
	}
}

// The ledger obeys its context, says so, and works on.
func testContext(t *testing.T, l *ledger.DB) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := l.Find(ctx, "1")
	var infrastructure *policy.InfrastructureError
	if !errors.Is(err, context.Canceled) || !errors.As(err, &infrastructure) {
		t.Errorf("Find in a context that is over: %v", err)
	}
	if _, err := l.Find(t.Context(), "1"); err != nil {
		t.Errorf("after that: %v", err)
	}
}

func TestTemporaryLedgerLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	l, err := ledger.New("")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(os.TempDir()); err != nil || len(entries) != 1 {
		t.Fatalf("while it is open: %v, %v", entries, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(os.TempDir()); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestURLs(t *testing.T) {
	for url, want := range map[string]string{
		"":                                  "SQLite (a temporary file)",
		"file:x.db":                         "SQLite (file:x.db)",
		"postgres://me:secret@host/db":      "PostgreSQL (host:5432/db)",
		"postgresql://me:secret@host:99/db": "PostgreSQL (host:99/db)",
	} {
		if l, err := ledger.New(url); err != nil || l.String() != want {
			t.Errorf("%q is %v, %v; want %s", url, l, err, want)
		}
	}
	for _, url := range []string{"mysql://host/db", "ledger.db", "postgres://me:secret@host:port/db"} {
		_, err := ledger.New(url)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestStartFailsWhereThereIsNoDatabase(t *testing.T) {
	l, err := ledger.New("file:" + filepath.Join(t.TempDir(), "no", "such", "directory.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Start(t.Context()); err == nil {
		t.Error("want an error")
	}
}

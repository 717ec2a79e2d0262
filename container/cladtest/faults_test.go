package cladtest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladtest"
	"github.com/cladgo/clad/policy"
)

const bank = `
	policies:
	  bank:
	    timeout: 1m
	    retry: {max_attempts: 3, backoff: {type: fixed, delay: 10s}}
	    circuit_breaker: {failure_threshold: 5, recovery_timeout: 1m}
	    attempt_timeout: 2s
	  plain: none
`

var errBusy = errors.New("busy")

type charge func(ctx context.Context, cents int) (string, error)

// shop is an application with one dependency that is made by a tagged constructor.
func shop(t *testing.T, calls *int, opts ...container.Option) (charge, *container.Orchestrator) {
	t.Helper()
	c := cladtest.Container(t, bank, opts...)
	newCharge := func() charge {
		return func(context.Context, int) (string, error) { *calls++; return "receipt", nil }
	}
	if err := c.Provide(container.Tag(newCharge, "bank")); err != nil {
		t.Fatal(err)
	}
	var pay charge
	if err := c.Invoke(func(p charge) { pay = p }); err != nil {
		t.Fatal(err)
	}
	return pay, c.Orchestrator()
}

func TestFaultsTakeTheDependencysPlace(t *testing.T) {
	const operation = "cladtest_test.charge"
	tests := []struct {
		name     string
		program  func(cladtest.Attempts)
		want     error // of the first call; nil for a receipt
		attempts int
		calls    int
		took     time.Duration
	}{
		{"the first two fail", func(a cladtest.Attempts) { a.First(2).Fail(errBusy) }, nil, 3, 1, 20 * time.Second},
		{"the second fails", func(a cladtest.Attempts) { a.Nth(2).Fail(errBusy); a.Nth(1).Fail(errBusy) }, nil, 3, 1, 20 * time.Second},
		{"all fail", func(a cladtest.Attempts) { a.Fail(errBusy) }, errBusy, 3, 0, 20 * time.Second},
		{"an answer is no failure", func(a cladtest.Attempts) { a.Fail(policy.Answer(errBusy)) }, errBusy, 1, 0, 0},
		{"slow", func(a cladtest.Attempts) { a.Delay(time.Second) }, nil, 1, 1, time.Second},
		{"too slow once", func(a cladtest.Attempts) { a.First(1).Delay(time.Hour) }, nil, 2, 1, 12 * time.Second},
		{"hangs once", func(a cladtest.Attempts) { a.Nth(1).Hang() }, nil, 2, 1, 12 * time.Second},
		{"hangs for good", func(a cladtest.Attempts) { a.Hang() }, policy.ErrTimeout, 3, 0, 26 * time.Second},
		{"slow, then fails", func(a cladtest.Attempts) { a.First(1).Delay(time.Second); a.First(1).Fail(errBusy) }, nil, 2, 1, 11 * time.Second},
		{"deaf to its context", func(a cladtest.Attempts) {
			a.First(1).Do(func(context.Context) error { time.Sleep(5 * time.Second); return errBusy })
		}, nil, 2, 1, 15 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				faults, record, calls := cladtest.NewFaults(t), cladtest.NewRecord(t), 0
				pay, _ := shop(t, &calls, faults, record)
				test.program(faults.On(operation))
				start := time.Now()
				receipt, err := pay(t.Context(), 1999)
				if took := time.Since(start); took != test.took {
					t.Errorf("it took %v, want %v", took, test.took)
				}
				if test.want == nil && (err != nil || receipt != "receipt") || !errors.Is(err, test.want) {
					t.Errorf("%q, %v; want %v", receipt, err, test.want)
				}
				record.AssertAttempts(operation, test.attempts)
				if calls != test.calls {
					t.Errorf("the dependency was called %d times, want %d", calls, test.calls)
				}
			})
		})
	}
}

func TestAPanicOfAFaultIsTheDependencys(t *testing.T) {
	faults, record, calls := cladtest.NewFaults(t), cladtest.NewRecord(t), 0
	pay, o := shop(t, &calls, faults, record)
	faults.On("*").Nth(1).Panic("out of paper")
	func() {
		defer func() {
			if r := recover(); r != "out of paper" {
				t.Errorf("%v came through", r)
			}
		}()
		_, _ = pay(t.Context(), 1)
	}()
	if done := record.Completed("cladtest_test.charge"); len(done) != 1 || !done[0].Panicked {
		t.Errorf("%+v", done)
	}
	cladtest.AssertTotals(t, o, "cladtest_test.charge", policy.Totals{TotalOperations: 1, FailedOperations: 1})
}

func TestFaultsOpenTheBreakerAndClearCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		faults, record, calls := cladtest.NewFaults(t), cladtest.NewRecord(t), 0
		pay, o := shop(t, &calls, faults, record)
		faults.On("cladtest_test.charge").Fail(errBusy)
		_, _ = pay(t.Context(), 1)
		cladtest.AssertCircuitBreaker(t, o, "cladtest_test.charge", policy.StateClosed)
		_, err := pay(t.Context(), 1)
		if !errors.Is(err, policy.ErrCircuitOpen) {
			t.Errorf("%v", err)
		}
		cladtest.AssertCircuitBreaker(t, o, "cladtest_test.charge", policy.StateOpen)
		faults.Clear()
		time.Sleep(time.Minute)
		for range 3 {
			if _, err := pay(t.Context(), 1); err != nil {
				t.Error(err)
			}
		}
		cladtest.AssertCircuitBreaker(t, o, "cladtest_test.charge", policy.StateClosed)
		record.AssertAttempts("cladtest_test.charge", 3, 2, 1, 1, 1)
		trips := slices.IndexFunc(record.Events(""), func(e container.Event) bool {
			change, ok := e.(container.Transition)
			return ok && change.To == policy.StateOpen
		})
		if trips < 0 {
			t.Errorf("no trip among %v", record.Events(""))
		}
	})
}

// The name of a service means all its methods, and nothing that only begins like it.
func TestFaultsOnAServiceMeanItsMethods(t *testing.T) {
	faults := cladtest.NewFaults(t)
	o := cladtest.Orchestrator(t, bank, faults)
	faults.On("shop.Bank").Fail(errBusy)
	for operation, fails := range map[string]bool{"shop.Bank.Pay": true, "shop.Bank/shop.Bank/Pay": true, "shop.Bank": true, "shop.Banker.Pay": false} {
		_, err := policy.ExecuteWith(t.Context(), o, operation, policy.Timeout(time.Hour), func(context.Context) (int, error) { return 0, nil })
		if errors.Is(err, errBusy) != fails {
			t.Errorf("%s: %v", operation, err)
		}
	}
}

// A hang without any deadline ends with the test, and no goroutine is left behind.
func TestAHangEndsWithTheTest(t *testing.T) {
	ended := make(chan error)
	said := spied(func(t testing.TB) {
		faults := cladtest.NewFaults(t)
		o := cladtest.Orchestrator(t, "policies: {}", faults)
		hangs := make(chan bool)
		faults.On("slow").Do(func(context.Context) error { close(hangs); return nil })
		faults.On("slow").Hang()
		go func() {
			_, err := policy.ExecuteWith(context.Background(), o, "slow", policy.Retry{MaxAttempts: 1}, func(context.Context) (int, error) { return 0, nil })
			ended <- err
		}()
		<-hangs
	})
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "the test ended") {
		t.Errorf("%v", err)
	}
	if said != "" {
		t.Error(said)
	}
}

func TestFaultsThatNeverHappenFailTheTest(t *testing.T) {
	run := func(t testing.TB, faults *cladtest.Faults, n int) {
		o := cladtest.Orchestrator(t, bank, faults)
		runner, err := o.Pipeline("bank")
		if err != nil {
			t.Fatalf("%v", err)
		}
		for range n {
			_ = runner.Run(context.Background(), func(context.Context) error { return nil })
		}
	}
	tests := map[string]struct {
		test func(testing.TB, *cladtest.Faults)
		want string
	}{
		"misspelt": {func(t testing.TB, f *cladtest.Faults) { f.On("bankk").Fail(errBusy); run(t, f, 1) },
			`cladtest: a fault on "bankk" has met no attempt (did you mean "bank"?); there were attempts of: bank`},
		"too few": {func(t testing.TB, f *cladtest.Faults) { f.On("bank").Nth(7).Fail(errBusy); run(t, f, 2) },
			`cladtest: a fault on "bank" has met none of its 2 attempts`},
		"nothing ran": {func(_ testing.TB, f *cladtest.Faults) { f.On("bank").Hang() },
			`cladtest: a fault on "bank" has met no attempt: there was none of any operation that has a policy; are the faults an option of the orchestrator?`},
		"met": {func(t testing.TB, f *cladtest.Faults) { f.On("bank").Fail(policy.Answer(errBusy)); run(t, f, 2) }, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			said := spied(func(t testing.TB) { test.test(t, cladtest.NewFaults(t)) })
			if said != test.want {
				t.Errorf("it said\n%s\nwant\n%s", said, test.want)
			}
		})
	}
}

func TestWrongProgramsPanic(t *testing.T) {
	for name, program := range map[string]func(*cladtest.Faults){
		"attempt 0":  func(f *cladtest.Faults) { f.On("a").Nth(0) },
		"no attempt": func(f *cladtest.Faults) { f.On("a").Nth() },
		"nil error":  func(f *cladtest.Faults) { f.On("a").Fail(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it was taken")
				}
			}()
			program(cladtest.NewFaults(t))
		})
	}
}

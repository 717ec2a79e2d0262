package cladredis_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
)

func TestCommandsGoThroughThePolicy(t *testing.T) {
	s := newServer(t)
	c, o := guarded(t, under(retries(3), policy.CircuitBreaker{}, policy.Timeout(time.Second)), s.bare)
	if err := c.Set(background, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Get(background, "k").Result(); err != nil || got != "v" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := c.Incr(background, "n").Err(); err != nil {
		t.Error(err)
	}
	m := o.Metrics()
	if read, write := m.Operations["redis.Client.Read"], m.Operations["redis.Client.Write"]; read.SuccessfulOperations != 2 || write.SuccessfulOperations != 1 {
		t.Errorf("%+v", m.Operations)
	}
}

// A cache miss was retried and opened the breaker.
func TestAMissIsAnAnswer(t *testing.T) {
	s := newServer(t)
	c, o := guarded(t, under(retries(3), policy.CircuitBreaker{FailureThreshold: 2}), s.bare)
	for range 10 {
		if err := c.Get(background, "missing").Err(); !isNil(err) {
			t.Fatal(err)
		}
	}
	if got := o.Metrics().Totals; got.Answered != 10 || got.RetryAttempts != 0 || got.CircuitBreakerTrips != 0 {
		t.Errorf("%+v", got)
	}
}

// go-redis gave up after five seconds, whatever its context said.
func TestDeadlinesAreHeard(t *testing.T) {
	s := newServer(t)
	c, o := guarded(t, under(policy.Timeout(200*time.Millisecond)), s.bare)
	if err := c.Ping(background).Err(); err != nil {
		t.Fatal(err)
	}
	s.freeze()
	defer s.thaw()
	start := time.Now()
	err := c.Get(background, "k").Err()
	if took := time.Since(start); took > time.Second || !errors.Is(err, policy.ErrTimeout) {
		t.Errorf("after %v: %v", took, err)
	}
	if got := o.Metrics().TimeoutCount; got != 1 {
		t.Errorf("%d timeouts", got)
	}
}

// go-redis sent one INCR four times to a server that did not answer, and under a
// retry each of these again.
func TestWhatMayHaveHadItsEffectIsNotDoneTwice(t *testing.T) {
	s := newServer(t)
	c, _ := guarded(t, under(retries(3), policy.Timeout(200*time.Millisecond)), s.bare)
	for range 4 { // connections that are there when they are needed
		if err := c.Ping(background).Err(); err != nil {
			t.Fatal(err)
		}
	}
	s.freeze()
	err := c.Incr(background, "n").Err()
	if !errors.Is(err, policy.ErrTimeout) || errors.Is(err, policy.ErrRetriesExhausted) {
		t.Errorf("got %v", err)
	}
	_, err = c.Pipelined(background, func(p redis.Pipeliner) error { p.Incr(background, "p"); p.Get(background, "k"); return nil })
	if !errors.Is(err, policy.ErrTimeout) || errors.Is(err, policy.ErrRetriesExhausted) {
		t.Errorf("a pipeline: %v", err)
	}
	err = c.Get(background, "k").Err()
	if !errors.Is(err, policy.ErrRetriesExhausted) {
		t.Errorf("a read: %v", err)
	}
	s.thaw()
	// real time: what is on its way arrives
	time.Sleep(100 * time.Millisecond)
	for _, key := range []string{"n", "p"} {
		if n, err := s.bare().Get(background, key).Int(); n > 1 {
			t.Errorf("%s was incremented %d times, %v", key, n, err)
		}
	}
}

// A connection that could not be had has done nothing yet.
func TestWhatCertainlyHadNoEffectIsTriedAgain(t *testing.T) {
	s := newServer(t)
	c, o := guarded(t, under(policy.Retry{MaxAttempts: 20, Backoff: policy.Fixed(50 * time.Millisecond)}), s.bare)
	s.kill()
	started := make(chan struct{})
	time.AfterFunc(200*time.Millisecond, func() { s.start(); close(started) })
	defer func() { <-started }()
	if err := c.Incr(background, "n").Err(); err != nil {
		t.Error(err)
	}
	if got := o.Metrics().RetryAttempts; got == 0 {
		t.Error("it was not tried again")
	}
}

func TestAServerThatIsDownOpensTheBreaker(t *testing.T) {
	s := newServer(t)
	c, o := guarded(t, under(policy.CircuitBreaker{FailureThreshold: 3, RecoveryTimeout: time.Minute}), s.bare)
	s.kill()
	for range 3 {
		_ = c.Get(background, "k").Err()
	}
	err := c.Get(background, "k").Err()
	if !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("got %v", err)
	}
	cmds, err := c.Pipelined(background, func(p redis.Pipeliner) error { p.Get(background, "a"); p.Set(background, "b", 1, 0); return nil })
	if !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("a pipeline: %v", err)
	}
	for _, cmd := range cmds {
		if !errors.Is(cmd.Err(), policy.ErrCircuitOpen) {
			t.Errorf("%s: %v", cmd.Name(), cmd.Err())
		}
	}
	if got := o.Metrics().Totals; got.CircuitBreakerTrips != 1 || got.CircuitBreakerRejections != 2 {
		t.Errorf("%+v", got)
	}
}

// A client that is provided as two types went through two policies.
func TestAClientThatIsProvidedTwiceIsGuardedOnce(t *testing.T) {
	s := newServer(t)
	box, err := container.New(under(retries(2)))
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Provide(container.Tag(func() (*redis.Client, redis.UniversalClient) { c := s.bare(); return c, c }, "cache")); err != nil {
		t.Fatal(err)
	}
	if err := box.Invoke(func(c *redis.Client, _ redis.UniversalClient) error { return c.Ping(background).Err() }); err != nil {
		t.Fatal(err)
	}
	if got := box.Orchestrator().Metrics().TotalOperations; got != 1 {
		t.Errorf("%d operations", got)
	}
}

// The user's own hooks see what they always saw.
func TestHooksOfTheUserStay(t *testing.T) {
	s := newServer(t)
	seen := 0
	c, _ := guarded(t, under(retries(3)), func() *redis.Client {
		c := s.bare()
		c.AddHook(countingHook{&seen})
		return c
	})
	_ = c.Ping(background)
	if seen != 1 {
		t.Errorf("seen %d commands", seen)
	}
}

type countingHook struct{ seen *int }

func (h countingHook) DialHook(next redis.DialHook) redis.DialHook { return next }
func (h countingHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "ping" { // besides those of the handshake
			*h.seen++
		}
		return next(ctx, cmd)
	}
}

func (h countingHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func TestAUniversalClientIsGuarded(t *testing.T) {
	s := newServer(t)
	c, o := guarded(t, under(retries(2)), func() redis.UniversalClient { return s.bare() })
	if err := c.Ping(background).Err(); err != nil {
		t.Fatal(err)
	}
	if got := o.Metrics().Operations["redis.UniversalClient.Read"].SuccessfulOperations; got != 1 {
		t.Errorf("%+v", o.Metrics())
	}
}

func TestAProfileChoosesForCommands(t *testing.T) {
	s := newServer(t)
	catalog := under(policy.CircuitBreaker{FailureThreshold: 1})
	catalog.Policies["again"] = retries(3)
	catalog.Services = map[string]policy.Service{"redis.Client": {Methods: map[string]string{"INCR": "again", "Read": "none"}}}
	c, o := guarded(t, catalog, s.bare)
	_ = c.Ping(background)
	s.kill()
	_ = c.Incr(background, "n").Err()
	m := o.Metrics()
	if got := m.Operations["redis.Client.INCR"]; got.RetryAttempts != 2 || m.Operations["redis.Client.Read"].TotalOperations != 0 {
		t.Errorf("%+v", m.Operations)
	}
}

func TestATransactionIsOneOperation(t *testing.T) {
	s := newServer(t)
	c, o := guarded(t, under(retries(3)), s.bare)
	var n *redis.IntCmd
	_, err := c.TxPipelined(background, func(p redis.Pipeliner) error { n = p.Incr(background, "n"); p.Get(background, "missing"); return nil })
	if !isNil(err) || n.Val() != 1 {
		t.Errorf("%v, n is %d", err, n.Val())
	}
	if got := o.Metrics().Operations["redis.Client.Transaction"]; got.TotalOperations != 1 || got.Answered != 1 {
		t.Errorf("%+v", o.Metrics().Operations)
	}
}

// A success costs no allocation beside the bare client's. With a timeout it does: the
// client waits for its context, so there is a timer.
func TestAGuardedCommandAllocatesNothing(t *testing.T) {
	s := newServer(t)
	bare := s.bare()
	c, _ := guarded(t, under(retries(3), policy.CircuitBreaker{}), s.bare)
	alone := testing.AllocsPerRun(500, func() { _ = bare.Set(background, "k", "v", 0).Err() })
	with := testing.AllocsPerRun(500, func() { _ = c.Set(background, "k", "v", 0).Err() })
	if with > alone+0.5 {
		t.Errorf("%v allocations, %v of the bare client", with, alone)
	}
}

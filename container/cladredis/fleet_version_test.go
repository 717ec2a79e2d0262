package cladredis_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladredis"
	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
)

// Instances of another version of the format, which is in the names of keys and of the
// channel, are neither heard nor misread, and each side says that the other is there.
func TestInstancesOfAnotherVersionShareNothing(t *testing.T) {
	onEngines(t, testInstancesOfAnotherVersionShareNothing)
}

func testInstancesOfAnotherVersionShareNothing(t *testing.T, engine string) {
	s := newServerOf(t, engine)
	client := s.bare()
	other := client.Subscribe(background, "clad:2:{breakers}", "clad:version")
	defer func() { _ = other.Close() }()
	for range 2 {
		if _, err := other.Receive(background); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.HSet(background, "clad:2:limit:{api}", "tokens", "none", "rate", "0").Err(); err != nil {
		t.Fatal(err)
	}
	var log logged
	all := newGuards(t, 3, func() container.Store { return cladredis.NewStore(s.bare()) }, policy.CircuitBreaker{RecoveryTimeout: time.Minute},
		container.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	awaitSharing(t, all, true)
	for range len(all) {
		if m, err := other.ReceiveMessage(background); err != nil || m.Channel != "clad:version" || m.Payload != "1" {
			t.Errorf("the other is told %v, %v, not of this version", m, err)
		}
	}
	for _, version := range []string{"2", "1", "2", "99", "1"} {
		if err := client.Publish(background, "clad:version", version).Err(); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "a warning of each", func() bool { return log.count("version") == len(all) })
	// What it says of a breaker, in words that this version would take for its own.
	open := `{"breaker":"bank","round":"1","open":true,"for":"60000000","down":2,"fleet":2}`
	if err := client.Publish(background, "clad:2:{breakers}", open).Err(); err != nil {
		t.Fatal(err)
	}
	f := newFleetOf(t, 1, 300, 75, func() redis.UniversalClient { return s.bare() })
	f.loadFor(100 * time.Millisecond)
	if f.passed == 0 || f.alone() > 0 {
		t.Errorf("%d calls passed, %d alone, where another version has its own limit", f.passed, f.alone())
	}
	for i, g := range all {
		if got := g.breaker.State(); got != policy.StateClosed {
			t.Errorf("instance %d: %v by what another version says", i, got)
		}
	}
	if n := log.count("version"); n != len(all) {
		t.Errorf("%d warnings, want one of each", n)
	}
}

// A release of this version that knows more writes fields that this one does not know.
func TestWhatIsNotKnownIsPassedOver(t *testing.T) { onEngines(t, testWhatIsNotKnownIsPassedOver) }

func testWhatIsNotKnownIsPassedOver(t *testing.T, engine string) {
	s := newServerOf(t, engine)
	client := s.bare()
	all := newGuards(t, 3, func() container.Store { return cladredis.NewStore(s.bare()) }, policy.CircuitBreaker{RecoveryTimeout: time.Minute})
	all[0].trip()
	key := "clad:1:{breakers}:bank"
	await(t, "the first trip", func() bool { return client.HLen(background, key).Val() > 0 })
	if err := client.HSet(background, key, "later", "x", "z:1", "1/2/3").Err(); err != nil {
		t.Fatal(err)
	}
	all[1].trip()
	awaitState(t, all, policy.StateOpen)
}

package cladredis_test

import (
	"strings"
	"testing"

	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/internal/answertest"
	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
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

// A script that says that something of its own is busy, or is to be tried again, has
// run. It was taken for the server's word, which had not even begun, and was run again.
func TestAScriptsOwnWordsAreAnswers(t *testing.T) {
	s := newServer(t)
	c, o := guarded(t, under(retries(3), policy.CircuitBreaker{FailureThreshold: 1}), s.bare)
	for n, says := range []string{"BUSY the lock is held", "BUSY the shop is busy", "TRYAGAIN in a minute"} {
		err := c.Eval(background, "redis.call('INCR', KEYS[1]) return redis.error_reply(ARGV[1])", []string{"n"}, says).Err()
		if err == nil || err.Error() != says {
			t.Errorf("%s: %v", says, err)
		}
		if got, err := s.bare().Get(background, "n").Int(); got != n+1 || err != nil {
			t.Errorf("%s: run %d times, %v", says, got-n, err)
		}
	}
	if got := o.Metrics().Totals; got.Answered != 3 || got.RetryAttempts != 0 {
		t.Errorf("%+v", got)
	}
}

// What the server itself says of its state, and of the commands that it has not begun.
func TestWhatAServerSaysOfItself(t *testing.T) {
	unmade := verdict.Meaning{Verdict: policy.Failed, NoEffect: true}
	s := newServer(t, "--busy-reply-threshold", "10", "--lua-time-limit", "10")
	means := func(what string, err error, want verdict.Meaning) {
		t.Helper()
		if got := verdict.Of(err); err == nil || got != want {
			t.Errorf("%s: %v means %+v", what, err, got)
		}
	}
	bare := s.bare()
	ended := make(chan error, 1)
	patient := redis.NewClient(&redis.Options{Addr: s.addr, ReadTimeout: -1})
	defer func() { _ = patient.Close() }()
	go func() { ended <- patient.Eval(background, "while true do end", nil).Err() }()
	var busy error
	await(t, "a server that is busy", func() bool { busy = bare.Get(background, "k").Err(); return busy != nil && !isNil(busy) })
	means("a script that goes on", busy, unmade)
	if err := bare.ScriptKill(background).Err(); err != nil {
		t.Fatal(err)
	}
	means("a script that was ended", <-ended, verdict.Meaning{Verdict: policy.Answered})

	go func() { ended <- patient.BLPop(background, 0, "list").Err() }()
	await(t, "a command that waits", func() bool {
		clients, _ := bare.Info(background, "clients").Result()
		return strings.Contains(clients, "blocked_clients:1")
	})
	if err := bare.SlaveOf(background, "127.0.0.1", freePort(t)).Err(); err != nil {
		t.Fatal(err)
	}
	means("a command that waits, of a master that is one no more", <-ended, unmade)
	means("a write", bare.Set(background, "k", "v", 0).Err(), unmade)
}

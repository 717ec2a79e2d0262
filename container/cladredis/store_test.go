package cladredis_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladredis"
	"github.com/cladgo/clad/internal/lease"
)

// The script is held to the arithmetic of the mechanism: the same requests at the
// same times get the same answers.
func TestTheScriptAnswersAsTheLedger(t *testing.T) { onEngines(t, testTheScriptAnswersAsTheLedger) }

func testTheScriptAnswersAsTheLedger(t *testing.T, engine string) {
	s := newServerOf(t, engine)
	client := s.bare()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 14))
		store := cladredis.NewStore(client, cladredis.WithPrefix(fmt.Sprint("seed", seed)))
		var ledger lease.Ledger
		sequence := map[string]uint64{}
		var last container.LeaseRequest
		var epoch int64
		for step := range 60 {
			q := container.LeaseRequest{
				Instance: fmt.Sprint("i", r.IntN(4)), PerSecond: float64(1 + r.IntN(5)), Burst: float64(5 + r.IntN(40)),
				Want: int64(r.IntN(10)), Fresh: 40, Most: -1, Epoch: epoch,
			}
			sequence[q.Instance]++
			q.Sequence = sequence[q.Instance]
			switch r.IntN(10) {
			case 0:
				q.Return = int64(r.IntN(10))
			case 1:
				q.Spent = int64(r.IntN(20))
			case 2:
				q.Most = float64(r.IntN(20))
			case 3:
				if last.Return > 0 {
					q = last // sent again
				}
			}
			last = q
			got, err := store.Lease(background, "api", q)
			if err != nil {
				t.Fatal(err)
			}
			at, _ := client.HGet(background, fmt.Sprintf("seed%d:1:limit:{api}", seed), "at").Float64()
			want := ledger.Serve(lease.Request(q), time.Duration(at)*time.Microsecond)
			epoch = got.Epoch
			if diff := got.Wait - want.Wait; math.Abs(float64(diff)) > float64(2*time.Microsecond) {
				t.Fatalf("seed %d, step %d: %+v, want %+v", seed, step, got, want)
			}
			got.Wait = want.Wait
			if lease.Grant(got) != want {
				t.Fatalf("seed %d, step %d: %+v to %+v, want %+v", seed, step, got, q, want)
			}
		}
	}
}

func TestALimitIsSharedByRedis(t *testing.T) { onEngines(t, testALimitIsSharedByRedis) }

func testALimitIsSharedByRedis(t *testing.T, engine string) {
	s := newServerOf(t, engine)
	var calls, passed int
	const instances, rate, burst = 4, 200, 50
	var limits []*limited
	for range instances {
		limits = append(limits, newLimited(t, cladredis.NewStore(s.bare()), rate, burst))
	}
	start := time.Now()
	for time.Since(start) < 2*time.Second {
		for _, l := range limits {
			calls++
			if l.call() {
				passed++
			}
		}
		// real time: another process serves
		time.Sleep(time.Millisecond)
	}
	most := burst + rate*time.Since(start).Seconds()
	if float64(passed) > most || passed < rate {
		t.Errorf("%d of %d calls passed, want up to %v", passed, calls, most)
	}
	if got, ok := limits[0].limiter.Sharing(); !ok || got.Alone || got.Instances != instances || time.Since(got.Heard) > 10*time.Second {
		t.Errorf("%+v, %v", got, ok)
	}
	t.Logf("%d passed of at most %v", passed, most)
}

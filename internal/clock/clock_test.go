package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/clock"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Zero stands for "not read", so no reading may be zero, the first included.
var first = clock.Now()

func TestNoReadingIsZero(t *testing.T) {
	if first <= 0 {
		t.Errorf("the first reading was %d", first)
	}
}

func TestReadingsGrowWithTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := clock.Now()
		time.Sleep(90 * time.Second)
		after := clock.Now()
		if got := after.Sub(before); got != 90*time.Second {
			t.Errorf("90s took %v", got)
		}
		if before.Add(90*time.Second) != after {
			t.Errorf("%d + 90s is not %d", before, after)
		}
	})
}

func TestTimeAndAtAreInverse(t *testing.T) {
	now := clock.Now()
	for _, d := range []time.Duration{0, 1, -1, time.Hour, -time.Hour, 1000 * time.Hour} {
		n := now.Add(d)
		if got := clock.At(n.Time()); got != n {
			t.Errorf("%v from now: %d became %d", d, n, got)
		}
	}
}

func TestTimeCanBeComparedWithOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now, reading := time.Now(), clock.Now()
		if !reading.Time().Equal(now) {
			t.Errorf("%v is not %v", reading.Time(), now)
		}
		if got := time.Until(reading.Add(time.Minute).Time()); got != time.Minute {
			t.Errorf("a minute from now is in %v", got)
		}
		if got := clock.At(now.Add(time.Minute)); got != reading.Add(time.Minute) {
			t.Errorf("a minute from now is at %d, want %d", got, reading.Add(time.Minute))
		}
	})
}

// Deadlines come from callers without a monotonic part too: out of a request's
// header, a database, time.Unix.
func TestAtTakesWallClockTimes(t *testing.T) {
	in := time.Now().Add(time.Hour).Round(0)
	got := clock.At(in).Sub(clock.Now())
	if got < time.Hour-time.Second || got > time.Hour {
		t.Errorf("an hour from now is in %v", got)
	}
}

func TestWallIsRightAtTheMoment(t *testing.T) {
	for _, d := range []time.Duration{0, time.Hour, -time.Hour} {
		wall := clock.Now().Add(d).Wall()
		off := wall.Round(0).Sub(time.Now().Add(d).Round(0))
		if off > time.Second || off < -time.Second {
			t.Errorf("%v from now is off by %v", d, off)
		}
		if got := clock.At(wall).Sub(clock.Now().Add(d)); got > time.Millisecond || got < -time.Second {
			t.Errorf("%v from now differs by %v on the monotonic clock", d, got)
		}
	}
}

// An hour's step of the wall clock moved every deadline that had no monotonic part
// by an hour.
func TestAWallClockTimeSurvivesAStepOfTheWallClock(t *testing.T) {
	back, ok := clock.StepWall(3600)
	defer back()
	if !ok {
		t.Fatal("time.Time is no longer made as this test thinks")
	}
	in := time.Now().Add(time.Minute)
	for name, deadline := range map[string]time.Time{"wall": in.Round(0), "monotonic": in} {
		got := clock.At(deadline).Sub(clock.Now())
		if got < time.Minute-time.Second || got > time.Minute {
			t.Errorf("%s: a minute from now is in %v", name, got)
		}
	}
}

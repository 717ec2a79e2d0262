package quorum_test

import (
	"testing"
	"time"

	"github.com/cladgo/clad/internal/quorum"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func tripped(who string, q int64) quorum.Report {
	return quorum.Report{Instance: who, What: quorum.Tripped, Quorum: q, Probes: 3, For: time.Second}
}

func TestOneBadNodeOpensNothing(t *testing.T) {
	var l quorum.Ledger
	at := time.Hour
	for range 20 { // again and again
		if n, tell := l.Serve(tripped("bad", 2), at, 10); n.Open || tell {
			t.Fatal("one of ten has opened it")
		}
		at += time.Second
	}
	if n, tell := l.Serve(tripped("second", 2), at, 10); !n.Open || !tell || n.For != time.Second || n.Down != 2 {
		t.Errorf("%+v, %v: two have found it down", n, tell)
	}
}

func TestWhatWasReportedLongAgoDoesNotCount(t *testing.T) {
	var l quorum.Ledger
	l.Serve(tripped("a", 2), time.Hour, 10)
	if n, _ := l.Serve(tripped("b", 2), time.Hour+quorum.Window, 10); n.Open {
		t.Error("it opened by two reports that are ten seconds apart")
	}
	l.Serve(quorum.Report{Instance: "b", What: quorum.Recovered}, time.Hour+quorum.Window, 10)
	if n, _ := l.Serve(tripped("c", 2), time.Hour+quorum.Window+1, 10); n.Open {
		t.Error("it opened by a report that was taken back")
	}
}

// While another quorum is rolled out the largest that is reported counts; a fleet that
// is smaller than its quorum is all there is.
func TestWhichQuorumCounts(t *testing.T) {
	var l quorum.Ledger
	l.Serve(tripped("a", 3), time.Hour, 10)
	if n, _ := l.Serve(tripped("b", 1), time.Hour, 10); n.Open {
		t.Error("two opened it, where one of them wants three")
	}
	if n, _ := l.Serve(tripped("c", 1), time.Hour, 10); !n.Open {
		t.Error("three did not")
	}
	var alone quorum.Ledger
	if n, _ := alone.Serve(tripped("a", 2), time.Hour, 1); !n.Open {
		t.Error("the only one did not open it")
	}
}

func TestProbesAreSharedOutAndDecide(t *testing.T) {
	for name, tt := range map[string]struct {
		results []string
		open    bool
	}{
		"all succeed":            {[]string{quorum.Succeeded, quorum.Succeeded, quorum.Succeeded}, false},
		"one bad node's fails":   {[]string{quorum.Failed, quorum.Succeeded, quorum.Succeeded}, false},
		"a quorum's fail":        {[]string{quorum.Failed, quorum.Succeeded, quorum.Failed}, true},
		"one is still under way": {[]string{quorum.Succeeded, quorum.Succeeded}, true},
	} {
		var l quorum.Ledger
		at := time.Hour
		l.Serve(tripped("a", 2), at, 10)
		n, _ := l.Serve(tripped("b", 2), at, 10)
		probe := func(place string) bool {
			got, _ := l.Serve(quorum.Report{Instance: "x", What: quorum.Probe, Round: n.Round, Place: place, ProbeTimeout: time.Minute}, at, 10)
			return got.Place
		}
		if probe("early") {
			t.Errorf("%s: a probe before its time", name)
		}
		at += time.Second
		for _, place := range []string{"0", "1", "2"} {
			first := probe(place)
			if again := probe(place); !first || !again { // since the answer was lost
				t.Errorf("%s: no probe %s", name, place)
			}
		}
		if probe("3") {
			t.Errorf("%s: a fourth probe of three", name)
		}
		var last quorum.News
		for i, what := range tt.results {
			r := quorum.Report{Instance: "x", What: what, Round: n.Round, Place: []string{"0", "1", "2"}[i], For: 2 * time.Second}
			last, _ = l.Serve(r, at, 10)
			again, _ := l.Serve(r, at, 10) // changes nothing
			if again.Open != last.Open || again.Round != last.Round {
				t.Errorf("%s: the same report twice", name)
			}
		}
		if last.Open != tt.open || tt.open && len(tt.results) == 3 && (last.Round <= n.Round || last.For != 2*time.Second) {
			t.Errorf("%s: %+v", name, last)
		}
	}
}

func TestAPlaceOfADeadInstanceIsGivenToAnother(t *testing.T) {
	var l quorum.Ledger
	at := time.Hour
	r := tripped("a", 1)
	r.Probes = 1
	n, _ := l.Serve(r, at, 10)
	at += time.Second
	probe := quorum.Report{Instance: "dead", What: quorum.Probe, Round: n.Round, Place: "dead", ProbeTimeout: 5 * time.Second}
	l.Serve(probe, at, 10)
	probe.Instance, probe.Place = "b", "b"
	if got, _ := l.Serve(probe, at+4*time.Second, 10); got.Place {
		t.Error("it was given before it was due")
	}
	if got, _ := l.Serve(probe, at+5*time.Second, 10); !got.Place {
		t.Error("it was not given away")
	}
}

func TestAnOpeningThatNobodyProbesIsForgotten(t *testing.T) {
	var l quorum.Ledger
	l.Serve(tripped("a", 1), time.Hour, 10)
	if n, _ := l.Serve(quorum.Report{What: quorum.Ask}, time.Hour+time.Second+quorum.Forgotten, 10); n.Open || n.Round != 0 {
		t.Errorf("%+v", n)
	}
}

// Where the store's clock is set back, what is to come stays as far away as it was when
// something was last booked; by more than anybody waits, it is as good as lost.
func TestTheStoresClockIsSetBack(t *testing.T) {
	open := func() (l quorum.Ledger, at time.Duration, round int64) {
		at = 100 * time.Hour
		l.Serve(tripped("a", 2), at, 10)
		n, _ := l.Serve(tripped("b", 2), at, 10)
		return l, at, n.Round
	}
	l, at, round := open()
	at += time.Second - time.Hour
	if n, _ := l.Serve(quorum.Report{What: quorum.Ask}, at, 10); !n.Open || n.For != time.Second || n.Down != 2 {
		t.Errorf("%+v after it was set back", n)
	}
	if n, _ := l.Serve(quorum.Report{What: quorum.Probe, Round: round, Place: "p", ProbeTimeout: time.Second}, at+time.Second, 10); !n.Place {
		t.Errorf("no probe when the time is over: %+v", n)
	}
	if n, _ := l.Serve(quorum.Report{What: quorum.Failed, Round: round, Place: "p"}, at-time.Hour, 10); n.Round != round {
		t.Errorf("%+v after one of three probes", n)
	}
	l, at, _ = open()
	if n, _ := l.Serve(quorum.Report{What: quorum.Ask}, at-quorum.Longest-1, 10); n.Open || n.Round != 0 || n.Down != 0 {
		t.Errorf("%+v after it was set back by days", n)
	}
	l, at, round = open()
	if n, _ := l.Serve(quorum.Report{What: quorum.Probe, Round: round, Place: "p", ProbeTimeout: time.Second}, at+5*time.Second, 10); !n.Place {
		t.Errorf("no probe after it was set forward: %+v", n)
	}
	if n, _ := l.Serve(quorum.Report{Instance: "z", What: quorum.Tripped, Quorum: 1, For: 1000 * time.Hour}, at+time.Hour, 10); !n.Open || n.For != quorum.Longest {
		t.Errorf("open for %v", n.For)
	}
}

// Instances that probe by themselves, as the store was away or slow, left an opening
// behind that nobody ended: the fleet shared nothing of the breaker any more.
func TestAnInstanceThatHasRecoveredEndsTheOpening(t *testing.T) {
	var l quorum.Ledger
	at := time.Hour
	l.Serve(tripped("a", 2), at, 10)
	n, _ := l.Serve(tripped("b", 2), at, 10)
	if got, tell := l.Serve(quorum.Report{Instance: "c", What: quorum.Recovered, Round: n.Round - 1}, at, 10); !got.Open || tell {
		t.Errorf("%+v, %v: one of another round has ended it", got, tell)
	}
	if got, tell := l.Serve(quorum.Report{Instance: "c", What: quorum.Recovered, Round: n.Round}, at, 10); got.Open || !tell || got.Down != 0 {
		t.Errorf("%+v, %v", got, tell)
	}
	l.Serve(tripped("a", 2), at, 10)
	if got, _ := l.Serve(tripped("b", 2), at, 10); !got.Open || got.Round <= n.Round {
		t.Errorf("%+v: it does not open again", got)
	}
}

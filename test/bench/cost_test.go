package bench_test

import (
	"flag"
	"strings"
	"testing"

	"github.com/cladgo/clad/test/bench"
)

var soak = flag.Uint64("soak", 400_000, "how many calls the soak test makes")

// Nothing grows with the number of calls.
func TestSoakKeepsTheHeapFlat(t *testing.T) {
	track, err := bench.Soak(t.Context(), *soak, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d calls, heap %d, goroutines %d", track.Calls, track.Heap, track.Goroutines)
	// A single byte held per call would show.
	if limit := int64(track.Calls / 2); track.Growth() > limit {
		t.Errorf("the heap grew by %d bytes over %d calls: %d", track.Growth(), track.Calls, track.Heap)
	}
	if first, last := track.Goroutines[0], track.Goroutines[len(track.Goroutines)-1]; last > first {
		t.Errorf("goroutines grew from %d to %d", first, last)
	}
}

// A pipeline at rest holds less than 1 KiB; a breaker and a limiter of its own come on
// top, and of a tagged service the type of the constructor that Fx is given.
func TestPipelinesAtRestAreSmall(t *testing.T) {
	measured, err := bench.MeasureMemory()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range measured {
		t.Logf("%s: %.0f bytes", m.What, m.Bytes)
		limit := 1024.
		switch {
		case strings.HasSuffix(m.What, "its own"):
			limit = 1920
		case strings.HasPrefix(m.What, "tagged service"):
			limit = 4096
		}
		if m.Bytes < 100 || m.Bytes > limit {
			t.Errorf("%s holds %.0f bytes, want at most %.0f", m.What, m.Bytes, limit)
		}
	}
}

// Every one of a thousand tagged services comes out wrapped, and none that is not.
func TestStartupWrapsEveryService(t *testing.T) {
	measured, err := bench.MeasureStartup()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range measured {
		t.Logf("%s: %d services untagged %v, by hand %v, tagged %v", s.Engine, s.Services, s.Untagged, s.ByHand, s.Tagged)
		if s.Services != 1000 || s.Tagged <= 0 || s.ByHand <= 0 || s.Untagged <= 0 {
			t.Errorf("%+v", s)
		}
	}
}

// What a tag adds to the start of an application is held by what it allocates, which a
// busy machine does not change as it does times. On Fx the engine itself allocates for
// what a tag declares; on dig no tag declares anything.
func TestTaggedServicesStartWithFewAllocations(t *testing.T) {
	measured, err := bench.MeasureStartupAllocations()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range measured {
		t.Logf("%s: for each service %.1f untagged, %.1f by hand, %.1f tagged", a.Engine, a.Untagged, a.ByHand, a.Tagged)
		less, most := a.ByHand, 72.
		if a.Engine == "dig" {
			less = a.Untagged
		}
		if added := a.Tagged - less; added < 1 || added > most {
			t.Errorf("%s: a tag adds %.1f allocations for each service, want at most %.0f", a.Engine, added, most)
		}
	}
}

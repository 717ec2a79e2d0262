package bench_test

import (
	"flag"
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

func TestMemory(t *testing.T) {
	measured, err := bench.MeasureMemory()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range measured {
		t.Logf("%s: %.0f bytes", m.What, m.Bytes)
	}
}

func TestStartup(t *testing.T) {
	for range 3 {
		measured, err := bench.MeasureStartup()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", measured)
	}
}

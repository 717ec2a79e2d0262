package bucket

import "testing"

// Two goroutines with the same shard don't keep it for as long as both run: there
// may be no others that would need the rest.
func TestGoroutinesThatMeetMoveApart(t *testing.T) {
	const goroutines = 200
	l := newLent(1<<20, 0)
	if l == nil {
		t.Skip("one processor")
	}
	together := func() (pairs map[[2]uint64]bool) {
		pairs = map[[2]uint64]bool{}
		for a := range uint64(goroutines) {
			for b := range a {
				hash := func(n uint64) uint64 { return (0xc000_0000_00>>11 + 4*n) * 0x9E3779B97F4A7C15 } // as their stacks lie
				if l.place(hash(a)) == l.place(hash(b)) {
					pairs[[2]uint64{a, b}] = true
				}
			}
		}
		return pairs
	}
	still := together()
	for range 5 {
		before := together()
		for range moveAfter - 1 {
			l.meet()
		}
		if after := together(); len(after) != len(before) {
			t.Fatalf("%d pairs share, %d before they met often", len(after), len(before))
		}
		l.meet()
		after := together()
		if len(after) > len(before)*3/2 {
			t.Errorf("%d pairs share a shard, %d before they moved", len(after), len(before))
		}
		for pair := range still {
			if !after[pair] {
				delete(still, pair)
			}
		}
	}
	if len(still) > goroutines/10 {
		t.Errorf("%d pairs shared a shard all the time", len(still))
	}
}
